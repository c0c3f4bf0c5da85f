/**
 * From a checked cart request to the command for the cart's home. Equal SKUs are summed here, so
 * that everything behind sees each SKU once.
 */

import { fingerprintOf } from '../domain/fingerprint.ts';
import type { Refusal } from '../domain/outcome.ts';
import type {
  CartCommand,
  CartConfirm,
  CartConfirmRequest,
  CartLine,
  CartRelease,
  CartReleaseRequest,
  CartRenew,
  CartRenewRequest,
  CartReserve,
  CartReserveRequest,
} from './cart.ts';
import { invalidRequest, limitExceeded } from './codes.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export type BuiltCart =
  | { readonly ok: true; readonly command: CartCommand }
  | { readonly ok: false; readonly refusal: Refusal };

export type CartRequest =
  | { readonly verb: 'reserve'; readonly request: CartReserveRequest }
  | { readonly verb: 'renew'; readonly request: CartRenewRequest }
  | { readonly verb: 'confirm'; readonly request: CartConfirmRequest }
  | { readonly verb: 'release'; readonly request: CartReleaseRequest };

export function buildCart(cart: CartRequest, channel: string, quantityMax: number): BuiltCart {
  switch (cart.verb) {
    case 'reserve':
      return buildReserve(cart.request, channel, quantityMax);
    case 'renew': {
      const { ttlMs } = cart.request;
      const command: CartRenew = {
        verb: 'renew',
        ...onCart('renew', cart.request, channel, { ttlMs }),
        ttlMs,
      };
      return { ok: true, command };
    }
    case 'confirm': {
      const { order } = cart.request;
      const command: CartConfirm = {
        verb: 'confirm',
        ...onCart('confirm', cart.request, channel, { order }),
        order,
      };
      return { ok: true, command };
    }
    case 'release': {
      const command: CartRelease = {
        verb: 'release',
        ...onCart('release', cart.request, channel, {}),
      };
      return { ok: true, command };
    }
  }
}

function buildReserve(r: CartReserveRequest, channel: string, quantityMax: number): BuiltCart {
  const lines = summed(r.lines);
  if (!lines.ok) return lines;
  const over = lines.value.find((line) => line.qty > quantityMax);
  if (over !== undefined) {
    const why = `${over.sku}: ${over.qty} is above ${quantityMax}`;
    return { ok: false, refusal: limitExceeded('quantityMax', why) };
  }
  const meaning: Record<string, unknown> = { lines: [...lines.value].sort(bySku) };
  if (r.ttlMs !== undefined) meaning.ttlMs = r.ttlMs;
  if (r.ref !== undefined) meaning.ref = r.ref;
  const command: Mutable<CartReserve> = {
    verb: 'reserve',
    channel,
    id: r.id,
    fingerprint: fingerprintOf('reserve', meaning),
    lines: lines.value,
  };
  if (r.ttlMs !== undefined) command.ttlMs = r.ttlMs;
  if (r.ref !== undefined) command.ref = r.ref;
  if (r.issuedAtMs !== undefined) command.issuedAtMs = r.issuedAtMs;
  return { ok: true, command };
}

type Summed =
  | { readonly ok: true; readonly value: readonly CartLine[] }
  | { readonly ok: false; readonly refusal: Refusal };

/** One line per SKU, in order of first mention; one SKU cannot ask for two places in one cart. */
function summed(lines: CartReserveRequest['lines']): Summed {
  const bySkuOnce = new Map<string, Mutable<CartLine>>();
  for (const [i, line] of lines.entries()) {
    const before = bySkuOnce.get(line.sku);
    if (before === undefined) {
      const { sku, qty, location } = line;
      bySkuOnce.set(sku, location === undefined ? { sku, qty } : { sku, qty, location });
    } else if (before.location === line.location) {
      before.qty += line.qty;
    } else {
      const why = `${line.sku} is in the cart with another location before`;
      return { ok: false, refusal: invalidRequest(`lines[${i}].location`, why) };
    }
  }
  return { ok: true, value: [...bySkuOnce.values()] };
}

/** The fields that renew, confirm and release of a cart share; `more` also counts as its meaning. */
function onCart(
  verb: 'renew' | 'confirm' | 'release',
  r: CartReleaseRequest,
  channel: string,
  more: Readonly<Record<string, unknown>>,
): Omit<CartRelease, 'verb'> {
  const skus = r.skus === undefined ? undefined : [...new Set(r.skus)].sort();
  const meaning: Record<string, unknown> = { reservation: r.reservation, ...more };
  if (skus !== undefined) meaning.skus = skus;
  if (r.heldBy !== undefined) meaning.heldBy = r.heldBy;
  const fields: Mutable<Omit<CartRelease, 'verb'>> = {
    channel,
    id: r.id,
    fingerprint: fingerprintOf(verb, meaning),
    reservation: r.reservation,
  };
  if (skus !== undefined) fields.skus = skus;
  if (r.heldBy !== undefined && r.heldBy !== channel) fields.heldBy = r.heldBy;
  if (r.issuedAtMs !== undefined) fields.issuedAtMs = r.issuedAtMs;
  return fields;
}

function bySku(a: CartLine, b: CartLine): number {
  return a.sku < b.sku ? -1 : a.sku > b.sku ? 1 : 0;
}
