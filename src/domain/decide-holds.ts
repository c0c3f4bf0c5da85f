/**
 * Renew and confirm: the contract's table of hold states by verbs, one function per verb and one branch
 * per state. Expired units are taken again under the rules of a new hold.
 */

import type { Confirm, Renew } from './commands.ts';
import type { Allocation, ReservationConfirmed, ReservationRenewed } from './events.ts';
import { textFingerprint } from './fingerprint.ts';
import {
  endedOtherwise,
  gone,
  nameHolder,
  notFound,
  ownerRules,
  slotFor,
  takeAgain,
} from './hold-parts.ts';
import { allocationsOf, firstUnits, isCartLine } from './holds.ts';
import type { Moment } from './moment.ts';
import { NumberField, RecordKind } from './record-layout.ts';
import type { ChannelRules, Rules } from './rules.ts';
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
