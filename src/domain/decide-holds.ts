/**
 * Renew, confirm and release: the contract's table of hold states by verbs, one function per verb and
 * one branch per state. Expired units are taken again under the rules of a new hold.
 */

import type { Confirm, Release, Renew } from './commands.ts';
import type { Allocation, ReservationConfirmed, ReservationReleased } from './events.ts';
import { textFingerprint } from './fingerprint.ts';
import { allocationsOf, boundLocation, findHold, firstUnits, isCartLine } from './holds.ts';
import type { Moment } from './moment.ts';
import { NumberField, RecordKind } from './record-store.ts';
import type { ChannelRules, Rules } from './rules.ts';
import { grant } from './sourcing.ts';
import type { SkuState } from './state.ts';
import {
  accepted,
  cartsOwn,
  eventBase,
  limitExceeded,
  type Mutable,
  refused,
  unchanged,
  type Verdict,
} from './verdict.ts';

type OnHold = Renew | Confirm | Release;

export function decideRenew(
  state: SkuState,
  command: Renew,
  caller: ChannelRules,
  moment: Moment,
  rules: Rules,
): Verdict {
  const slot = slotFor(state, command, caller);
  if (slot < 0) return notFound(state, command);
  if (isCartLine(state, slot)) return cartsOwn;
  const { store } = state.records;
  const kind = store.kind(slot);
  if (kind !== RecordKind.open && kind !== RecordKind.expired) {
    return endedOtherwise(state, command, kind);
  }
  const owner = ownerRules(command, caller, rules);
  const lastMs = store.number(slot, NumberField.createdAtMs) + owner.longestTtlMs;
  const wantedMs = moment.nowMs + command.ttlMs;
  const expiresAtMs = Math.min(wantedMs, lastMs);
  const reachedMs =
    kind === RecordKind.open ? store.number(slot, NumberField.expiresAtMs) : moment.nowMs;
  if (command.ttlMs > owner.longestTtlMs || (expiresAtMs < wantedMs && expiresAtMs <= reachedMs)) {
    const message = `${command.reservation} lives at most ${owner.longestTtlMs} ms from its creation`;
    return limitExceeded(state.sku, 'longestTtlMs', message);
  }
  const qty = store.number(slot, NumberField.qty);
  const retaken = kind === RecordKind.expired ? takeAgain(state, slot, owner, qty) : undefined;
  if (kind === RecordKind.expired && retaken === undefined) return gone(state, command);
  const event = {
    type: 'reservation.renewed' as const,
    ...onHoldBase(state, command, moment, 0, retaken === undefined ? 0 : qty),
    expiresAtMs,
    ...(retaken !== undefined && { retaken }),
  };
  return accepted(event, {
    qty,
    allocations: retaken ?? allocationsOf(state, slot),
    expiresAtMs,
    ...(retaken !== undefined && { retaken: true as const }),
  });
}

export function decideConfirm(
  state: SkuState,
  command: Confirm,
  caller: ChannelRules,
  moment: Moment,
  rules: Rules,
): Verdict {
  const slot = slotFor(state, command, caller);
  if (slot < 0) return notFound(state, command);
  if (isCartLine(state, slot)) return cartsOwn;
  const { store } = state.records;
  const kind = store.kind(slot);
  const held = store.number(slot, NumberField.qty);
  const qty = command.qty ?? held;
  if (kind === RecordKind.confirmed) return confirmedBefore(state, command, slot, qty);
  if (kind !== RecordKind.open && kind !== RecordKind.expired) {
    return endedOtherwise(state, command, kind);
  }
  if (qty > held) {
    const message = `${command.reservation} holds ${held}, ${qty} cannot be confirmed`;
    return refused('invalid_request', message, { sku: state.sku, field: 'qty' });
  }
  if (kind === RecordKind.open) {
    const allocations = firstUnits(allocationsOf(state, slot), qty);
    return confirmed(state, command, moment, { qty, allocations, freed: held });
  }
  const retaken = takeAgain(state, slot, ownerRules(command, caller, rules), qty);
  if (retaken === undefined) return gone(state, command);
  return confirmed(state, command, moment, { qty, allocations: retaken, freed: 0, retaken });
}

export function decideRelease(
  state: SkuState,
  command: Release,
  caller: ChannelRules,
  moment: Moment,
): Verdict {
  const slot = slotFor(state, command, caller);
  const { store } = state.records;
  if (slot < 0) {
    const verdict = notFound(state, command);
    if (!mayEnd(command, caller) || idIsTaken(state, command)) return verdict;
    const event = { type: 'reservation.released' as const, ...onHoldBase(state, command, moment) };
    return { ...verdict, event: { ...event, qty: 0 } };
  }
  if (isCartLine(state, slot)) return cartsOwn;
  switch (store.kind(slot)) {
    case RecordKind.confirmed:
      return endedOtherwise(state, command, RecordKind.confirmed);
    case RecordKind.spent:
      return notFound(state, command);
    case RecordKind.open: {
      const qty = store.number(slot, NumberField.qty);
      return released(state, command, moment, qty);
    }
    default:
      return released(state, command, moment, 0);
  }
}

function released(state: SkuState, command: Release, moment: Moment, qty: number): Verdict {
  const event: ReservationReleased = {
    type: 'reservation.released',
    ...onHoldBase(state, command, moment, 0, -qty),
    qty,
  };
  return accepted(event, { qty });
}

function confirmed(
  state: SkuState,
  command: Confirm,
  moment: Moment,
  units: {
    readonly qty: number;
    readonly allocations: readonly Allocation[];
    readonly freed: number;
    readonly retaken?: readonly Allocation[];
  },
): Verdict {
  const { qty, allocations, freed, retaken } = units;
  const event: Mutable<ReservationConfirmed> = {
    type: 'reservation.confirmed',
    ...onHoldBase(state, command, moment, -qty, -freed),
    order: command.order,
    qty,
    allocations,
  };
  if (freed > qty) event.released = freed - qty;
  if (retaken !== undefined) event.retaken = retaken;
  return accepted(event, {
    qty,
    allocations,
    ...(retaken !== undefined && { retaken: true as const }),
  });
}

/** The same order confirming the same units again is a repetition, under whatever command id. */
function confirmedBefore(state: SkuState, command: Confirm, slot: number, qty: number): Verdict {
  const { store } = state.records;
  const confirmedQty = store.number(slot, NumberField.confirmedQty);
  const sameQty = command.qty === undefined ? qty === confirmedQty : command.qty === confirmedQty;
  if (!sameQty || store.number(slot, NumberField.order) !== textFingerprint(command.order)) {
    return endedOtherwise(state, command, RecordKind.confirmed);
  }
  return unchanged({
    qty: confirmedQty,
    allocations: firstUnits(allocationsOf(state, slot), confirmedQty),
    version: store.number(slot, NumberField.confirmedVersion),
    replayed: true,
  });
}

/** Where an expired hold's units come from now; undefined: they are gone. */
function takeAgain(
  state: SkuState,
  slot: number,
  owner: ChannelRules,
  qty: number,
): readonly Allocation[] | undefined {
  return grant(state, owner, qty, boundLocation(state, slot));
}

function slotFor(state: SkuState, command: OnHold, caller: ChannelRules): number {
  if (!mayEnd(command, caller)) return -1;
  return findHold(state, command.heldBy ?? command.channel, command.reservation);
}

/** A hold belongs to its channel; another ends it only where that is configured. */
function mayEnd(command: OnHold, caller: ChannelRules): boolean {
  const { heldBy } = command;
  return heldBy === undefined || heldBy === command.channel || caller.endsHoldsOf.has(heldBy);
}

function ownerRules(command: OnHold, caller: ChannelRules, rules: Rules): ChannelRules {
  return rules.channels.get(command.heldBy ?? command.channel) ?? caller;
}

/** Whether the reservation's id names another intent already; then no hold can be made with it. */
function idIsTaken(state: SkuState, command: Release): boolean {
  const owner = command.heldBy ?? command.channel;
  if (owner === command.channel && command.reservation === command.id) return true;
  const index = state.channels.findIndex((channel) => channel.name === owner);
  return state.records.find(index, command.reservation) >= 0;
}

function onHoldBase(
  state: SkuState,
  command: OnHold,
  moment: Moment,
  onHandDelta = 0,
  reservedDelta = 0,
) {
  const { heldBy } = command;
  return {
    ...eventBase(state, command, moment, onHandDelta, reservedDelta),
    fingerprint: command.fingerprint,
    reservation: command.reservation,
    ...(heldBy !== undefined && heldBy !== command.channel && { heldBy }),
  };
}

function notFound(state: SkuState, command: OnHold): Verdict {
  const owner = command.heldBy ?? command.channel;
  const message = `${state.sku}: ${owner} has no reservation ${command.reservation}`;
  return refused('reservation_not_found', message, { sku: state.sku });
}

function gone(state: SkuState, command: OnHold): Verdict {
  const message = `${command.reservation} has expired and its units are gone`;
  return refused('no_longer_available', message, { sku: state.sku });
}

function endedOtherwise(state: SkuState, command: OnHold, kind: number): Verdict {
  const { sku } = state;
  if (kind === RecordKind.spent) return notFound(state, command);
  return kind === RecordKind.confirmed
    ? refused('already_confirmed', `${command.reservation} is confirmed`, { sku })
    : refused('already_released', `${command.reservation} is released`, { sku });
}
