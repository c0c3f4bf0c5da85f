/**
 * A cart's line under the hand of its home (invariant 8): prepare, then settle. Both tell a repetition
 * by the state of the line, so home may repeat them until it hears an answer; and both have the number
 * of a step, so that a home which has been replaced without knowing it changes nothing any more.
 */

import { availableTo } from './available.ts';
import type { CartPrepare, CartSettle } from './commands.ts';
import type { Allocation, EventBase, SkuEvent } from './events.ts';
import { textFingerprint } from './fingerprint.ts';
import { gone, idIsTaken } from './hold-parts.ts';
import {
  allocationsOf,
  boundLocation,
  findHold,
  isCartLine,
  isOpen,
  markOfPrepare,
  markOfSettle,
} from './holds.ts';
import type { Moment } from './moment.ts';
import { NumberField, RecordFlag, RecordKind } from './record-layout.ts';
import type { ChannelRules } from './rules.ts';
import { grant, grantFact } from './sourcing.ts';
import type { SkuState } from './state.ts';
import { accepted, eventBase, refused, unchanged, type Verdict } from './verdict.ts';

type OfCart = CartPrepare | CartSettle;

/** From here neither time nor anybody but home ends the line; an expired one is taken again. */
export function decideCartPrepare(
  state: SkuState,
  command: CartPrepare,
  channel: ChannelRules,
  moment: Moment,
): Verdict {
  const slot = lineOf(state, command);
  if (slot < 0) return notFound(state, command);
  const { store } = state.records;
  const kind = store.kind(slot);
  const qty = store.number(slot, NumberField.qty);
  if (isBehind(state, slot, markOfPrepare(command.step ?? 0))) return leftBehind(state, command);
  switch (kind) {
    case RecordKind.open:
      return prepared(state, command, slot, moment);
    case RecordKind.prepared: {
      const isNewer = store.number(slot, NumberField.step) < markOfPrepare(command.step ?? 0);
      return isNewer ? prepared(state, command, slot, moment) : again(state, slot);
    }
    case RecordKind.expired: {
      const retaken = grant(state, channel, qty, boundLocation(state, slot));
      if (retaken === undefined) {
        return gone(state, command, { requested: qty, available: availableTo(state, channel) });
      }
      const event: SkuEvent = {
        type: 'reservation.prepared',
        ...onLineBase(state, command, moment, 0, qty),
        retaken,
        ...stepOf(command),
      };
      return accepted(state, event, { qty, allocations: retaken, retaken: true });
    }
    default:
      return ended(state, command, kind);
  }
}

function prepared(state: SkuState, command: CartPrepare, slot: number, moment: Moment): Verdict {
  const event: SkuEvent = {
    type: 'reservation.prepared',
    ...onLineBase(state, command, moment, 0, 0),
    ...stepOf(command),
  };
  return accepted(state, event, lineDraft(state, slot));
}

/** The verdict reaches the line. It has been decided elsewhere: nothing here may stand against it. */
export function decideCartSettle(
  state: SkuState,
  command: CartSettle,
  channel: ChannelRules,
  moment: Moment,
): Verdict {
  const slot = lineOf(state, command);
  switch (command.outcome) {
    case 'released':
      return settleReleased(state, command, slot, moment);
    case 'confirmed':
      return slot < 0
        ? notFound(state, command)
        : settleConfirmed(state, command, slot, channel, moment);
    case 'held':
      return slot < 0 ? notFound(state, command) : settleHeld(state, command, slot, moment);
  }
}

function settleReleased(
  state: SkuState,
  command: CartSettle,
  slot: number,
  moment: Moment,
): Verdict {
  const { store } = state.records;
  if (slot < 0) {
    // The line's own command may still be on its way: its id is spent, so that it cannot hold.
    if (idIsTaken(state, command.channel, command.reservation)) return notFound(state, command);
    const base = onLineBase(state, command, moment, 0, 0);
    return accepted(
      state,
      { type: 'reservation.released', ...base, qty: 0, cart: true },
      { qty: 0 },
    );
  }
  const kind = store.kind(slot);
  if (kind === RecordKind.confirmed) return ended(state, command, kind);
  if (kind === RecordKind.released || kind === RecordKind.spent) {
    return unchanged(state, state.version, { qty: 0, replayed: true });
  }
  // An expired line is released too, or a late prepare could still take it again.
  const qty = isOpen(kind) ? store.number(slot, NumberField.qty) : 0;
  const base = onLineBase(state, command, moment, 0, -qty);
  return accepted(state, { type: 'reservation.released', ...base, qty }, { qty });
}

function settleConfirmed(
  state: SkuState,
  command: CartSettle,
  slot: number,
  channel: ChannelRules,
  moment: Moment,
): Verdict {
  const { store } = state.records;
  const kind = store.kind(slot);
  const order = command.order ?? '';
  const qty = store.number(slot, NumberField.qty);
  if (kind === RecordKind.confirmed) {
    if (store.number(slot, NumberField.order) !== textFingerprint(order)) {
      return ended(state, command, kind);
    }
    return unchanged(state, store.number(slot, NumberField.confirmedVersion), {
      qty,
      allocations: allocationsOf(state, slot),
      replayed: true,
    });
  }
  if (isOpen(kind)) {
    const allocations = allocationsOf(state, slot);
    const base = onLineBase(state, command, moment, -qty, -qty);
    const event: SkuEvent = { type: 'reservation.confirmed', ...base, order, qty, allocations };
    return accepted(state, event, { qty, allocations });
  }
  if (kind !== RecordKind.expired) return ended(state, command, kind);
  // Home prepares every line before it confirms, so this is not reached in practice. The cart is
  // confirmed all the same: the units leave like those of a fact.
  const retaken: readonly Allocation[] = grantFact(state, channel, qty, boundLocation(state, slot));
  const base = onLineBase(state, command, moment, -qty, 0);
  return accepted(
    state,
    { type: 'reservation.confirmed', ...base, order, qty, allocations: retaken, retaken },
    { qty, allocations: retaken, retaken: true },
  );
}

function settleHeld(state: SkuState, command: CartSettle, slot: number, moment: Moment): Verdict {
  const { store } = state.records;
  const kind = store.kind(slot);
  if (isBehind(state, slot, markOfSettle(command.step ?? 0))) return leftBehind(state, command);
  if (kind === RecordKind.expired) return settleLapsed(state, command, slot, moment);
  if (!isOpen(kind)) return ended(state, command, kind);
  const before = store.number(slot, NumberField.expiresAtMs);
  const expiresAtMs = command.expiresAtMs ?? before;
  if (kind === RecordKind.open && expiresAtMs === before) return again(state, slot);
  const base = onLineBase(state, command, moment, 0, 0);
  return accepted(
    state,
    { type: 'reservation.held', ...base, expiresAtMs, ...stepOf(command) },
    { ...lineDraft(state, slot), expiresAtMs },
  );
}

/** Nothing changes but the line's memory: or a prepare of this step that is still on its way would take the units. */
function settleLapsed(state: SkuState, command: CartSettle, slot: number, moment: Moment): Verdict {
  const { step } = command;
  if (step === undefined) return gone(state, command);
  // It was held by this step and has expired since, or has lapsed already.
  const before = state.records.store.number(slot, NumberField.step);
  if (before === markOfSettle(step)) return again(state, slot);
  const base = onLineBase(state, command, moment, 0, 0);
  return accepted(state, { type: 'reservation.lapsed', ...base, step }, lineDraft(state, slot));
}

/** Whether the line has heard of a later step than the one that speaks. */
function isBehind(state: SkuState, slot: number, mark: number): boolean {
  const { store } = state.records;
  if (mark <= 1 || store.kind(slot) === RecordKind.confirmed) return false;
  return mark < store.number(slot, NumberField.step);
}

function stepOf(command: OfCart): { readonly step?: number } {
  return command.step === undefined ? {} : { step: command.step };
}

function leftBehind(state: SkuState, command: OfCart): Verdict {
  const message = `${state.sku}: cart ${command.reservation} is further than step ${command.step}`;
  return refused('id_conflict', message, { sku: state.sku });
}

/** Slot of the cart's line; -1: none, or the id is an ordinary hold's, which no cart may touch. */
function lineOf(state: SkuState, command: OfCart): number {
  const slot = findHold(state, command.channel, command.reservation);
  if (slot < 0) return -1;
  const isSpent = state.records.store.kind(slot) === RecordKind.spent;
  return isCartLine(state, slot) || isSpent ? slot : -1;
}

function lineDraft(state: SkuState, slot: number) {
  const { store } = state.records;
  const retaken = (store.flags(slot) & RecordFlag.retaken) !== 0;
  return {
    ...(retaken && { retaken: true as const }),
    qty: store.number(slot, NumberField.qty),
    allocations: allocationsOf(state, slot),
    expiresAtMs: store.number(slot, NumberField.expiresAtMs),
  };
}

function again(state: SkuState, slot: number): Verdict {
  return unchanged(state, state.version, { ...lineDraft(state, slot), replayed: true });
}

function onLineBase(
  state: SkuState,
  command: OfCart,
  moment: Moment,
  onHandDelta: number,
  reservedDelta: number,
): EventBase & { readonly fingerprint: number; readonly reservation: string } {
  return {
    ...eventBase(state, command, moment, onHandDelta, reservedDelta),
    fingerprint: command.fingerprint,
    reservation: command.reservation,
  };
}

function notFound(state: SkuState, command: OfCart): Verdict {
  const message = `${state.sku}: cart ${command.reservation} has no line here`;
  return refused('reservation_not_found', message, { sku: state.sku });
}

function ended(state: SkuState, command: OfCart, kind: number): Verdict {
  const { sku } = state;
  return kind === RecordKind.confirmed
    ? refused('already_confirmed', `${command.reservation} is confirmed`, { sku })
    : refused('already_released', `${command.reservation} is released`, { sku });
}
