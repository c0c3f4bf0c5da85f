/**
 * Renew, confirm and release: the contract's table of hold states by verbs, one function per verb and
 * one branch per state. Expired units are taken again under the rules of a new hold.
 */

import type { Confirm, Release, Renew } from './commands.ts';
import type {
  Allocation,
  ReservationConfirmed,
  ReservationReleased,
  ReservationRenewed,
} from './events.ts';
import { textFingerprint } from './fingerprint.ts';
import { allocationsOf, boundLocation, findHold, firstUnits, isCartLine } from './holds.ts';
import type { Moment } from './moment.ts';
import { NumberField, RecordKind } from './record-store.ts';
import type { ChannelRules, Rules } from './rules.ts';
import { grant } from './sourcing.ts';
import type { SkuState } from './state.ts';
import {
  type AcceptanceDraft,
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
  const event: Mutable<ReservationRenewed> = {
    type: 'reservation.renewed',
    ...eventBase(state, command, moment, 0, retaken === undefined ? 0 : qty),
    fingerprint: command.fingerprint,
    reservation: command.reservation,
    expiresAtMs,
  };
  nameHolder(event, command);
  const allocations = retaken ?? allocationsOf(state, slot);
  const draft: AcceptanceDraft = { qty, allocations, expiresAtMs };
  if (retaken !== undefined) {
    event.retaken = retaken;
    draft.retaken = true;
  }
  return accepted(state, event, draft);
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
    return confirmed(state, command, moment, qty, held, allocations);
  }
  const retaken = takeAgain(state, slot, ownerRules(command, caller, rules), qty);
  if (retaken === undefined) return gone(state, command);
  return confirmed(state, command, moment, qty, 0, retaken);
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
    return { ...verdict, event: releasedEvent(state, command, moment, 0) };
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
  const event = releasedEvent(state, command, moment, qty);
  return accepted(state, event, { sku: state.sku, qty, available: 0, version: 0 });
}

function releasedEvent(
  state: SkuState,
  command: Release,
  moment: Moment,
  qty: number,
): ReservationReleased {
  const reserved = state.reserved - qty;
  const event: Mutable<ReservationReleased> = {
    type: 'reservation.released',
    version: state.version + 1,
    atMs: moment.nowMs,
    channel: command.channel,
    command: command.id,
    fingerprint: command.fingerprint,
    reservation: command.reservation,
    qty,
    onHand: state.onHand,
    reserved,
    available: Math.max(0, state.onHand - reserved - state.safetyStock - state.escrow),
  };
  nameHolder(event, command);
  return event;
}

/** `freed`: what the hold has reserved until now; nothing when its units are taken again first. */
function confirmed(
  state: SkuState,
  command: Confirm,
  moment: Moment,
  qty: number,
  freed: number,
  allocations: readonly Allocation[],
): Verdict {
  const onHand = state.onHand - qty;
  const reserved = state.reserved - freed;
  const event: Mutable<ReservationConfirmed> = {
    type: 'reservation.confirmed',
    version: state.version + 1,
    atMs: moment.nowMs,
    channel: command.channel,
    command: command.id,
    fingerprint: command.fingerprint,
    reservation: command.reservation,
    order: command.order,
    qty,
    allocations,
    onHand,
    reserved,
    available: Math.max(0, onHand - reserved - state.safetyStock - state.escrow),
  };
  nameHolder(event, command);
  const draft: AcceptanceDraft = { sku: state.sku, qty, allocations, available: 0, version: 0 };
  if (freed > qty) event.released = freed - qty;
  if (freed === 0) {
    event.retaken = allocations;
    draft.retaken = true;
  }
  return accepted(state, event, draft);
}

/** The same order confirming the same units again is a repetition, under whatever command id. */
function confirmedBefore(state: SkuState, command: Confirm, slot: number, qty: number): Verdict {
  const { store } = state.records;
  const confirmedQty = store.number(slot, NumberField.confirmedQty);
  if (
    qty !== confirmedQty ||
    store.number(slot, NumberField.order) !== textFingerprint(command.order)
  ) {
    return endedOtherwise(state, command, RecordKind.confirmed);
  }
  return unchanged(state, store.number(slot, NumberField.confirmedVersion), {
    qty: confirmedQty,
    allocations: firstUnits(allocationsOf(state, slot), confirmedQty),
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

/** An event says whose hold it is where that is not the caller's. */
function nameHolder(event: { heldBy?: string }, command: OnHold): void {
  const { heldBy } = command;
  if (heldBy !== undefined && heldBy !== command.channel) event.heldBy = heldBy;
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
