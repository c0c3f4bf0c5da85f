/**
 * The record that a cart's home keeps: a fold of its entries in the home partition's journal. One
 * fate, written in one place before anybody hears of it (invariant 8).
 *
 *     intended ─▶ decided ─▶ (settled)      a reserve; settled where it was refused
 *     preparing ─▶ decided ─▶ settled       a confirm or renew, accepted or refused
 *     decided ─▶ settled                    a release
 *     spent                                 a release of what was never reserved
 */

import type { Acceptance, Refusal } from './outcome.ts';

export interface CartRecordLine {
  readonly sku: string;
  readonly qty: number;
  readonly location?: string;
}

/** Which command of the cart something is about. */
export interface CartCause {
  readonly command: string;
  readonly fingerprint: number;
  /** The channel that sent it, where that is not the cart's own. */
  readonly by?: string;
}

/** A command on its way: recorded, its verdict not yet. */
export interface CartIntent extends CartCause {
  readonly verb: 'reserve' | 'confirm' | 'renew';
  /** Counts the cart's intents, so that lines can tell a home that has been left behind. */
  readonly step: number;
  readonly order?: string;
  /** Of a reserve and a renew: when the lines end if it succeeds. */
  readonly expiresAtMs?: number;
}

/** A verdict that the lines have still to hear of. */
export interface CartSettling extends CartCause {
  readonly verb: 'reserve' | 'confirm' | 'renew' | 'release';
  readonly outcome: 'held' | 'confirmed' | 'released';
  /** Absent: the command was accepted. */
  readonly refusal?: Refusal;
  /** SKUs whose units were taken again. */
  readonly retaken?: readonly string[];
}

/** An accepted command, as repetitions of it are answered. */
export interface CartMemory {
  readonly verb: 'reserve' | 'confirm' | 'renew' | 'release';
  readonly fingerprint: number;
  readonly atMs: number;
  readonly lines: readonly Acceptance[];
}

export type CartFate = 'undecided' | 'refused' | 'open' | 'confirmed' | 'released' | 'spent';

export interface CartRecord {
  readonly channel: string;
  readonly id: string;
  readonly lines: readonly CartRecordLine[];
  readonly fingerprint: number;
  readonly createdAtMs: number;
  readonly ref?: string;
  fate: CartFate;
  expiresAtMs: number;
  /** Of a refused cart: it is the one refusal that is remembered. */
  refusal?: Refusal;
  order?: string;
  /** Intents so far. */
  steps: number;
  intent?: CartIntent;
  settling?: CartSettling;
  /** When the fate became final; 0: it has not. */
  endedAtMs: number;
  /** What was accepted, by `causeKey`. */
  readonly commands: Map<string, CartMemory>;
}

interface OfCart {
  readonly channel: string;
  readonly id: string;
}

/** What home writes into its journal about a cart. */
export type CartEntry =
  | (OfCart & {
      readonly type: 'intended';
      readonly lines: readonly CartRecordLine[];
      readonly expiresAtMs: number;
      readonly ref?: string;
      readonly intent: CartIntent;
    })
  | (OfCart & { readonly type: 'preparing'; readonly intent: CartIntent })
  | (OfCart & {
      readonly type: 'decided';
      readonly fate: Exclude<CartFate, 'undecided' | 'spent'>;
      readonly expiresAtMs?: number;
      /** The lines of an accepted reserve: it has nothing to settle. */
      readonly accepted?: readonly Acceptance[];
      readonly refusal?: Refusal;
      readonly order?: string;
      readonly retaken?: readonly string[];
      /** Of a release, which has no intent. */
      readonly cause?: CartCause;
    })
  | (OfCart & {
      readonly type: 'settled';
      /** How the lines answered an accepted command. */
      readonly accepted?: readonly Acceptance[];
    })
  | (OfCart & { readonly type: 'spent' });

export function cartKey(channel: string, id: string): string {
  return `${channel} ${id}`;
}

/** Ids are scoped by channel, also where another channel acts on the cart. */
export function causeKey({ command, by }: { readonly command: string; readonly by?: string }) {
  return by === undefined ? command : `${by} ${command}`;
}

/** Folds one entry. The carts are the caller's own and are changed in place. */
export function evolveCart(carts: Map<string, CartRecord>, entry: CartEntry, atMs: number): void {
  const key = cartKey(entry.channel, entry.id);
  if (entry.type === 'intended' || entry.type === 'spent') {
    carts.set(key, entry.type === 'spent' ? spent(entry, atMs) : intended(entry, atMs));
    return;
  }
  const cart = carts.get(key);
  if (!cart) throw new Error(`cart ${key}: ${entry.type} without an intent before it`);
  switch (entry.type) {
    case 'preparing':
      cart.intent = entry.intent;
      cart.steps = entry.intent.step;
      return;
    case 'decided':
      decided(cart, entry, atMs);
      return;
    case 'settled':
      if (cart.settling && entry.accepted) remember(cart, cart.settling, entry.accepted, atMs);
      delete cart.settling;
  }
}

function intended(entry: Extract<CartEntry, { type: 'intended' }>, atMs: number): CartRecord {
  return {
    channel: entry.channel,
    id: entry.id,
    lines: entry.lines,
    fingerprint: entry.intent.fingerprint,
    createdAtMs: atMs,
    ...(entry.ref === undefined ? {} : { ref: entry.ref }),
    fate: 'undecided',
    expiresAtMs: entry.expiresAtMs,
    steps: entry.intent.step,
    intent: entry.intent,
    endedAtMs: 0,
    commands: new Map(),
  };
}

/** Released before it was reserved: its id can make no cart any more. */
function spent({ channel, id }: OfCart, atMs: number): CartRecord {
  return {
    channel,
    id,
    lines: [],
    fingerprint: 0,
    createdAtMs: atMs,
    fate: 'spent',
    expiresAtMs: atMs,
    steps: 0,
    endedAtMs: atMs,
    commands: new Map(),
  };
}

function decided(
  cart: CartRecord,
  entry: Extract<CartEntry, { type: 'decided' }>,
  atMs: number,
): void {
  const cause = cart.intent ?? entry.cause;
  const verb = cart.intent?.verb ?? 'release';
  cart.fate = entry.fate;
  delete cart.intent;
  if (entry.expiresAtMs !== undefined) cart.expiresAtMs = entry.expiresAtMs;
  if (entry.order !== undefined) cart.order = entry.order;
  if (entry.fate === 'refused' && entry.refusal) cart.refusal = entry.refusal;
  if (entry.fate !== 'open') cart.endedAtMs = atMs;
  if (!cause) throw new Error(`cart ${cart.channel} ${cart.id}: a verdict on nothing`);
  if (entry.accepted) {
    remember(cart, { ...cause, verb }, entry.accepted, atMs);
    return;
  }
  const { command, fingerprint, by } = cause;
  cart.settling = {
    verb,
    command,
    fingerprint,
    ...(by === undefined ? {} : { by }),
    outcome: outcomeOf(entry.fate),
    ...(entry.refusal === undefined ? {} : { refusal: entry.refusal }),
    ...(entry.retaken === undefined ? {} : { retaken: entry.retaken }),
  };
}

function outcomeOf(fate: CartFate): CartSettling['outcome'] {
  if (fate === 'open') return 'held';
  return fate === 'confirmed' ? 'confirmed' : 'released';
}

function remember(
  cart: CartRecord,
  cause: CartCause & { readonly verb: CartMemory['verb'] },
  lines: readonly Acceptance[],
  atMs: number,
): void {
  const { verb, fingerprint } = cause;
  cart.commands.set(causeKey(cause), { verb, fingerprint, atMs, lines });
}

/**
 * Forgets what need not be remembered any longer: carts that ended, or whose lines ended, and renewals
 * of living ones. It is no event: see `forget.ts`.
 */
export function forgetCarts(
  carts: Map<string, CartRecord>,
  nowMs: number,
  limits: { readonly endedHoldsMs: number; readonly idempotencyWindowMs: number },
): void {
  for (const [key, cart] of carts) {
    if (cart.intent || cart.settling) continue;
    const endedAtMs = cart.endedAtMs || cart.expiresAtMs;
    if (endedAtMs + limits.endedHoldsMs < nowMs) {
      carts.delete(key);
      continue;
    }
    for (const [command, { verb, atMs }] of cart.commands) {
      if (verb === 'renew' && atMs + limits.idempotencyWindowMs < nowMs) {
        cart.commands.delete(command);
      }
    }
  }
}

/** A record as JSON-able data, for the checkpoint. */
export function encodeCart(cart: CartRecord): unknown {
  return { ...cart, commands: [...cart.commands] };
}

export function decodeCart(stored: unknown): CartRecord {
  const cart = stored as Omit<CartRecord, 'commands'> & { commands: [string, CartMemory][] };
  return { ...cart, commands: new Map(cart.commands) };
}
