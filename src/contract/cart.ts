/**
 * Carts: one intent about many SKUs, decided once at the cart's home partition (invariant 8). The
 * schemas of its requests, and the command and answer that the runtime works with.
 */

import Type, { type Static } from 'typebox';
import type { Acceptance, HoldState, Refusal } from '../domain/outcome.ts';
import * as f from './fields.ts';

const base = { id: f.Id, issuedAtMs: Type.Optional(f.TimeMs) };
const onCart = {
  ...base,
  reservation: f.Id,
  heldBy: Type.Optional(f.ChannelName),
  skus: Type.Optional(
    Type.Array(f.Sku, { minItems: 1, description: 'Exactly the SKUs of the cart' }),
  ),
};

export const CartLineRequest = Type.Object(
  { sku: f.Sku, qty: f.Qty, location: Type.Optional(f.LocationName) },
  f.closed,
);

export const CartReserveRequest = Type.Object(
  {
    ...base,
    lines: Type.Array(CartLineRequest, { minItems: 1 }),
    ttlMs: Type.Optional(f.DurationMs),
    ref: Type.Optional(f.Reference),
  },
  f.closed,
);
export const CartRenewRequest = Type.Object({ ...onCart, ttlMs: f.DurationMs }, f.closed);
export const CartConfirmRequest = Type.Object({ ...onCart, order: f.Reference }, f.closed);
export const CartReleaseRequest = Type.Object(onCart, f.closed);

export type CartReserveRequest = Static<typeof CartReserveRequest>;
export type CartRenewRequest = Static<typeof CartRenewRequest>;
export type CartConfirmRequest = Static<typeof CartConfirmRequest>;
export type CartReleaseRequest = Static<typeof CartReleaseRequest>;

export const cartRequestSchemas = {
  reserve: CartReserveRequest,
  renew: CartRenewRequest,
  confirm: CartConfirmRequest,
  release: CartReleaseRequest,
} as const;

/** One SKU of a cart; equal SKUs of the request are summed. */
export interface CartLine {
  readonly sku: string;
  readonly qty: number;
  readonly location?: string;
}

interface CartBase {
  readonly channel: string;
  readonly id: string;
  readonly issuedAtMs?: number;
  /** Of verb and payload, as for a SKU's command; the order of lines or SKUs does not matter. */
  readonly fingerprint: number;
}

export interface CartReserve extends CartBase {
  readonly verb: 'reserve';
  readonly lines: readonly CartLine[];
  readonly ttlMs?: number;
  readonly ref?: string;
}

interface OnCart extends CartBase {
  readonly reservation: string;
  readonly heldBy?: string;
  /** The cart's set as the caller knows it, without doubles; absent: whatever it is. */
  readonly skus?: readonly string[];
}

export interface CartRenew extends OnCart {
  readonly verb: 'renew';
  readonly ttlMs: number;
}

export interface CartConfirm extends OnCart {
  readonly verb: 'confirm';
  readonly order: string;
}

export interface CartRelease extends OnCart {
  readonly verb: 'release';
}

/**
 * A command for a cart's home. `renew`, `confirm` and `release` with neither `sku` nor `skus` are
 * among them: only home knows what the reservation is.
 */
export type CartCommand = CartReserve | CartRenew | CartConfirm | CartRelease;

/** Home's answer; each line has the fields of a single acceptance. */
export type CartAnswer =
  | {
      readonly kind: 'accepted';
      readonly lines: readonly Acceptance[];
      readonly state?: HoldState;
      readonly retaken?: true;
      readonly replayed?: true;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };
