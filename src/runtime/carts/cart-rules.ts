/**
 * What a cart's home can answer from its record alone: repetitions, conflicts, and commands that
 * come too late. Everything else needs the lines.
 */

import type { LastunitConfig } from '../../config/config.ts';
import type { CartAnswer, CartCommand, CartReserve } from '../../contract/cart.ts';
import type { CartRecord } from '../../domain/carts.ts';
import type { Acceptance, HoldState, Refusal, RefusalCode } from '../../domain/outcome.ts';

function refused(code: RefusalCode, message: string, more: Partial<Refusal> = {}): CartAnswer {
  return { kind: 'refused', refusal: { code, message, ...more } };
}

/** The fate as holds call it. */
function stateOf(cart: CartRecord, nowMs: number): HoldState {
  if (cart.fate === 'confirmed' || cart.fate === 'released') return cart.fate;
  return nowMs >= cart.expiresAtMs ? 'expired' : 'open';
}

function linesOf(cart: CartRecord): readonly Acceptance[] {
  return cart.fate === 'open'
    ? cart.accepted.map((line) => ({ ...line, expiresAtMs: cart.expiresAtMs }))
    : cart.accepted;
}

/** The answer, or undefined when the command has to run its course. */
export function answerAtOnce(
  command: CartCommand,
  cart: CartRecord | undefined,
  nowMs: number,
  config: LastunitConfig,
): CartAnswer | undefined {
  if (
    command.issuedAtMs !== undefined &&
    command.issuedAtMs < nowMs - config.limits.idempotencyWindowMs
  ) {
    return refused('id_expired', 'the command is older than the ids that are remembered');
  }
  if (command.verb === 'reserve') return reserveAtOnce(command, cart, nowMs);
  const known = cart && cart.fate !== 'refused' && cart.fate !== 'undecided';
  const { heldBy } = command;
  const mayEnd =
    heldBy === undefined ||
    heldBy === command.channel ||
    config.rules.channels.get(command.channel)?.endsHoldsOf.has(heldBy) === true;
  if (!known || !mayEnd) {
    return refused(
      'reservation_not_found',
      `no reservation ${command.reservation} of this channel`,
    );
  }
  const used = cart.commands.get(command.id);
  if (used !== undefined && used !== command.fingerprint) {
    return refused('id_conflict', `${command.id} was used for something else`);
  }
  if (command.skus && !sameSet(command.skus, cart)) {
    return refused('invalid_request', 'skus is not exactly the set of the cart', { field: 'skus' });
  }
  return onHeldAtOnce(command, cart, used !== undefined, nowMs, config);
}

function reserveAtOnce(
  command: CartReserve,
  cart: CartRecord | undefined,
  nowMs: number,
): CartAnswer | undefined {
  if (!cart || cart.fate === 'undecided') return undefined;
  if (cart.fingerprint !== command.fingerprint) {
    return refused('id_conflict', `${command.id} was used for something else`);
  }
  // A refused cart had its verdict: it is the one refusal that is remembered.
  if (cart.fate === 'refused') return { kind: 'refused', refusal: cart.refusal as Refusal };
  return { kind: 'accepted', lines: linesOf(cart), state: stateOf(cart, nowMs), replayed: true };
}

function onHeldAtOnce(
  command: Exclude<CartCommand, CartReserve>,
  cart: CartRecord,
  repeated: boolean,
  nowMs: number,
  config: LastunitConfig,
): CartAnswer | undefined {
  if (cart.fate === 'confirmed') {
    if (command.verb === 'confirm' && command.order === cart.order) {
      return { kind: 'accepted', lines: linesOf(cart), state: 'confirmed', replayed: true };
    }
    if (command.verb === 'renew' && repeated) {
      return { kind: 'accepted', lines: linesOf(cart), state: 'confirmed', replayed: true };
    }
    return refused('already_confirmed', `${cart.id} has been confirmed`);
  }
  if (cart.fate === 'released') {
    if (command.verb !== 'release')
      return refused('already_released', `${cart.id} has been released`);
    const lines = repeated ? linesOf(cart) : linesOf(cart).map((line) => ({ ...line, qty: 0 }));
    return { kind: 'accepted', lines, ...(repeated ? { replayed: true as const } : {}) };
  }
  if (command.verb !== 'renew') return undefined;
  if (repeated) {
    return { kind: 'accepted', lines: linesOf(cart), state: stateOf(cart, nowMs), replayed: true };
  }
  const longest = config.rules.channels.get(cart.channel)?.longestTtlMs ?? 0;
  if (nowMs + command.ttlMs <= cart.createdAtMs + longest) return undefined;
  return refused('limit_exceeded', 'a hold may not live longer than longestTtlMs', {
    limit: 'longestTtlMs',
  });
}

function sameSet(skus: readonly string[], cart: CartRecord): boolean {
  if (skus.length !== cart.lines.length) return false;
  const wanted = new Set(skus);
  return cart.lines.every(({ sku }) => wanted.has(sku));
}
