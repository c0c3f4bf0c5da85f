/**
 * What a cart's home can tell from its record alone: repetitions, conflicts, and commands that come
 * too late or from a stranger. Everything else needs the lines. Also how the lines' answers become
 * one verdict.
 */

import type { LastunitConfig } from '../../config/config.ts';
import type { CartAnswer, CartCommand, CartReserve } from '../../contract/cart.ts';
import {
  type CartIntent,
  type CartMemory,
  type CartRecord,
  type CartRecordLine,
  causeKey,
} from '../../domain/carts.ts';
import type {
  Acceptance,
  Answer,
  HoldState,
  Refusal,
  RefusalCode,
  ShortLine,
} from '../../domain/outcome.ts';

type OnCart = Exclude<CartCommand, CartReserve>;

export interface Circumstances {
  readonly nowMs: number;
  readonly config: LastunitConfig;
}

function refused(code: RefusalCode, message: string, more: Partial<Refusal> = {}): CartAnswer {
  return { kind: 'refused', refusal: { code, message, ...more } };
}

/** The channel that the cart belongs to. */
export function holderOf(command: CartCommand): string {
  return command.verb === 'reserve' ? command.channel : (command.heldBy ?? command.channel);
}

/** Who sent the command, and which one it is. */
export function causeOf(command: CartCommand) {
  const { id, fingerprint, channel } = command;
  const by = holderOf(command) === channel ? {} : { by: channel };
  return { command: id, fingerprint, ...by };
}

/** The fate as holds call it. */
function stateOf(cart: CartRecord, nowMs: number): HoldState {
  if (cart.fate === 'confirmed' || cart.fate === 'released') return cart.fate;
  return nowMs >= cart.expiresAtMs ? 'expired' : 'open';
}

/** The answer, or undefined when the command has to run its course. */
export function answerAtOnce(
  command: CartCommand,
  cart: CartRecord | undefined,
  circumstances: Circumstances,
): CartAnswer | undefined {
  return command.verb === 'reserve'
    ? reserveAtOnce(command, cart, circumstances)
    : onCartAtOnce(command, cart, circumstances);
}

/** Too old to be told from a repetition; asked only of ids that are not remembered. */
function tooOld(command: CartCommand, { nowMs, config }: Circumstances): CartAnswer | undefined {
  const { issuedAtMs = nowMs } = command;
  if (issuedAtMs >= nowMs - config.limits.idempotencyWindowMs) return undefined;
  return refused('id_expired', `${command.id} was issued before what is remembered`);
}

function reserveAtOnce(
  command: CartReserve,
  cart: CartRecord | undefined,
  circumstances: Circumstances,
): CartAnswer | undefined {
  if (!cart) return tooOld(command, circumstances);
  if (cart.fate === 'undecided') return undefined;
  if (cart.fate === 'spent') {
    return refused('already_released', `${command.id} was released before it was made`);
  }
  if (cart.fingerprint !== command.fingerprint) {
    return refused('id_conflict', `${command.id} was used for something else`);
  }
  if (cart.fate === 'refused') return { kind: 'refused', refusal: cart.refusal as Refusal };
  const { lines = [] } = cart.commands.get(cart.id) ?? {};
  const { expiresAtMs } = cart;
  return {
    kind: 'accepted',
    lines: lines.map((line) => ({ ...line, expiresAtMs })),
    state: stateOf(cart, circumstances.nowMs),
    replayed: true,
  };
}

function onCartAtOnce(
  command: OnCart,
  cart: CartRecord | undefined,
  circumstances: Circumstances,
): CartAnswer | undefined {
  const { reservation } = command;
  const memory = cart?.commands.get(causeKey(causeOf(command)));
  if (cart && memory) {
    const same = memory.verb === command.verb && memory.fingerprint === command.fingerprint;
    return same
      ? again(memory, cart)
      : refused('id_conflict', `${command.id} was used for something else`);
  }
  const old = tooOld(command, circumstances);
  if (old) return old;
  if (!isKnown(cart) || !mayEnd(command, circumstances.config)) {
    const message = `${holderOf(command)} has no cart ${reservation}`;
    return refused('reservation_not_found', message);
  }
  if (command.skus && !sameSet(command.skus, cart)) {
    return refused('invalid_request', 'skus is not exactly the set of the cart', { field: 'skus' });
  }
  if (cart.fate === 'confirmed') return onConfirmed(command, cart);
  if (cart.fate === 'released') return onReleased(command, cart);
  return command.verb === 'renew' ? beyondLifetime(command.ttlMs, cart, circumstances) : undefined;
}

/** Whether a release of this cart comes before its reserve, and therefore spends the id. */
export function spendsId(
  command: CartCommand,
  cart: CartRecord | undefined,
  config: LastunitConfig,
): boolean {
  return command.verb === 'release' && cart === undefined && mayEnd(command, config);
}

function isKnown(cart: CartRecord | undefined): cart is CartRecord {
  return (
    cart !== undefined &&
    cart.fate !== 'refused' &&
    cart.fate !== 'undecided' &&
    cart.fate !== 'spent'
  );
}

function mayEnd(command: OnCart, config: LastunitConfig): boolean {
  const holder = holderOf(command);
  if (holder === command.channel) return true;
  return config.rules.channels.get(command.channel)?.endsHoldsOf.has(holder) === true;
}

function again({ verb, lines }: CartMemory, cart: CartRecord): CartAnswer {
  const { expiresAtMs } = cart;
  const retaken = lines.some((line) => line.retaken);
  return {
    kind: 'accepted',
    lines: verb === 'renew' ? lines.map((line) => ({ ...line, expiresAtMs })) : lines,
    ...(retaken ? { retaken: true as const } : {}),
    replayed: true,
  };
}

/** The same order again is a repetition, under whatever command id. */
function onConfirmed(command: OnCart, cart: CartRecord): CartAnswer {
  const before = [...cart.commands.values()].find(({ verb }) => verb === 'confirm');
  return command.verb === 'confirm' && command.order === cart.order && before
    ? again(before, cart)
    : refused('already_confirmed', `${cart.id} is confirmed`);
}

function onReleased(command: OnCart, cart: CartRecord): CartAnswer {
  const before = [...cart.commands.values()].find(({ verb }) => verb === 'release');
  if (command.verb !== 'release' || !before) {
    return refused('already_released', `${cart.id} is released`);
  }
  return { kind: 'accepted', lines: before.lines.map((line) => ({ ...line, qty: 0 })) };
}

/** When the lines of a renewed cart end: within the longest lifetime. */
export function renewedUntilMs(
  ttlMs: number,
  cart: CartRecord,
  { nowMs, config }: Circumstances,
): number {
  const longestMs = config.rules.channels.get(cart.channel)?.longestTtlMs ?? 0;
  return Math.min(nowMs + ttlMs, cart.createdAtMs + longestMs);
}

function beyondLifetime(
  ttlMs: number,
  cart: CartRecord,
  circumstances: Circumstances,
): CartAnswer | undefined {
  const { nowMs } = circumstances;
  const untilMs = renewedUntilMs(ttlMs, cart, circumstances);
  const reachedMs = Math.max(nowMs, cart.expiresAtMs);
  if (untilMs === nowMs + ttlMs || untilMs > reachedMs) return undefined;
  return refused('limit_exceeded', `${cart.id} cannot live any longer`, { limit: 'longestTtlMs' });
}

function sameSet(skus: readonly string[], cart: CartRecord): boolean {
  if (skus.length !== cart.lines.length) return false;
  const wanted = new Set(skus);
  return cart.lines.every(({ sku }) => wanted.has(sku));
}

const isShort: ReadonlySet<string> = new Set(['insufficient_stock', 'no_longer_available']);

/** One refusal for the whole cart, with every short line; undefined: every line said yes. */
export function refusalOf(
  answers: readonly Answer[],
  lines: readonly CartRecordLine[],
  verb: CartIntent['verb'],
): Refusal | undefined {
  const refusals = answers.flatMap((a) => (a.kind === 'refused' ? [a.refusal] : []));
  const first = refusals.find(({ code }) => !isShort.has(code)) ?? refusals[0];
  if (!first) return undefined;
  const short = answers.flatMap((answer, at): ShortLine[] => {
    if (answer.kind !== 'refused' || !isShort.has(answer.refusal.code)) return [];
    const { sku, qty } = lines[at] as CartRecordLine;
    const { requested = qty, available = 0 } = answer.refusal;
    return [{ sku, requested, available }];
  });
  const message =
    refusals.length === 1
      ? first.message
      : `${refusals.length} of ${lines.length} lines cannot be ${verb === 'reserve' ? 'reserved' : 'taken again'}: ${first.message}`;
  return { ...first, message, ...(short.length > 0 ? { lines: short } : {}) };
}

/** The acceptances among the answers, as home remembers them. */
export function acceptancesIn(
  answers: readonly Answer[],
  retaken: readonly string[] = [],
): Acceptance[] {
  return answers.flatMap((answer) => {
    if (answer.kind !== 'accepted') return [];
    const { replayed: _, retaken: _again, state: _state, ...line } = answer.acceptance;
    return [retaken.includes(line.sku) ? { ...line, retaken: true as const } : line];
  });
}
