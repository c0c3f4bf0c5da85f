/**
 * The record that a cart's home keeps: a fold of its entries in the home partition's journal. One
 * fate, written in one place before anybody hears of it (invariant 8).
 */

import type { Acceptance, Refusal } from './outcome.ts';

export interface CartRecordLine {
  readonly sku: string;
  readonly qty: number;
  readonly location?: string;
}

/** A command on its way: recorded, its verdict not yet. */
export interface CartIntent {
  readonly verb: 'reserve' | 'confirm' | 'renew';
  readonly command: string;
  readonly fingerprint: number;
  readonly order?: string;
  /** Of a renew: when the lines end if it succeeds. */
  readonly expiresAtMs?: number;
}

export type CartFate = 'undecided' | 'refused' | 'open' | 'confirmed' | 'released';

export interface CartRecord {
  readonly channel: string;
  readonly id: string;
  readonly lines: readonly CartRecordLine[];
  readonly fingerprint: number;
  readonly createdAtMs: number;
  readonly ref?: string;
  fate: CartFate;
  expiresAtMs: number;
  /** The lines as they were accepted; replies repeat them. */
  accepted: readonly Acceptance[];
  refusal?: Refusal;
  order?: string;
  intent?: CartIntent;
  /** Whether every line has been driven to the last verdict. */
  settled: boolean;
  /** When the fate became final; 0: it has not. */
  endedAtMs: number;
  /** Ids of commands on this cart, with what they were used for. */
  readonly commands: Map<string, number>;
}

/** What home writes into its journal about a cart; every entry begins with channel and id. */
export type CartEntry =
  | {
      readonly type: 'intended';
      readonly channel: string;
      readonly id: string;
      readonly lines: readonly CartRecordLine[];
      readonly expiresAtMs: number;
      readonly ref?: string;
      readonly intent: CartIntent;
    }
  | {
      readonly type: 'preparing';
      readonly channel: string;
      readonly id: string;
      readonly intent: CartIntent;
    }
  | {
      readonly type: 'decided';
      readonly channel: string;
      readonly id: string;
      readonly fate: Exclude<CartFate, 'undecided'>;
      readonly expiresAtMs?: number;
      readonly accepted?: readonly Acceptance[];
      readonly refusal?: Refusal;
      readonly order?: string;
      /** Of a release, which has no intent. */
      readonly command?: { readonly id: string; readonly fingerprint: number };
    }
  | { readonly type: 'settled'; readonly channel: string; readonly id: string };

export function cartKey(channel: string, id: string): string {
  return `${channel} ${id}`;
}

/** Folds one entry. The carts are the caller's own and are changed in place. */
export function evolveCart(carts: Map<string, CartRecord>, entry: CartEntry, atMs: number): void {
  const key = cartKey(entry.channel, entry.id);
  if (entry.type === 'intended') {
    carts.set(key, {
      channel: entry.channel,
      id: entry.id,
      lines: entry.lines,
      fingerprint: entry.intent.fingerprint,
      createdAtMs: atMs,
      ...(entry.ref === undefined ? {} : { ref: entry.ref }),
      fate: 'undecided',
      expiresAtMs: entry.expiresAtMs,
      accepted: [],
      intent: entry.intent,
      settled: true,
      endedAtMs: 0,
      commands: new Map([[entry.intent.command, entry.intent.fingerprint]]),
    });
    return;
  }
  const cart = carts.get(key);
  if (!cart) throw new Error(`cart ${key}: ${entry.type} without an intent before it`);
  switch (entry.type) {
    case 'preparing':
      cart.intent = entry.intent;
      cart.commands.set(entry.intent.command, entry.intent.fingerprint);
      return;
    case 'decided':
      decided(cart, entry, atMs);
      return;
    case 'settled':
      cart.settled = true;
  }
}

function decided(
  cart: CartRecord,
  entry: Extract<CartEntry, { type: 'decided' }>,
  atMs: number,
): void {
  cart.fate = entry.fate;
  delete cart.intent;
  // An accepted reservation leaves nothing to tell its lines: they are open holds already.
  cart.settled = entry.fate === 'open' && cart.accepted.length === 0;
  if (entry.accepted) cart.accepted = entry.accepted;
  if (entry.expiresAtMs !== undefined) cart.expiresAtMs = entry.expiresAtMs;
  if (entry.order !== undefined) cart.order = entry.order;
  if (entry.refusal) cart.refusal = entry.refusal;
  if (entry.command) cart.commands.set(entry.command.id, entry.command.fingerprint);
  if (entry.fate !== 'open') cart.endedAtMs = atMs;
}

/** Drops carts that ended, or whose lines ended, longer ago than they have to be remembered. */
export function forgetCarts(
  carts: Map<string, CartRecord>,
  nowMs: number,
  endedHoldsMs: number,
): void {
  for (const [key, cart] of carts) {
    const endedAtMs = cart.endedAtMs || cart.expiresAtMs;
    if (cart.settled && !cart.intent && endedAtMs + endedHoldsMs < nowMs) carts.delete(key);
  }
}

/** A record as JSON-able data, for the checkpoint. */
export function encodeCart(cart: CartRecord): unknown {
  return { ...cart, commands: [...cart.commands] };
}

export function decodeCart(stored: unknown): CartRecord {
  const cart = stored as Omit<CartRecord, 'commands'> & { commands: [string, number][] };
  return { ...cart, commands: new Map(cart.commands) };
}
