/**
 * Release: the units are free again. What is released before it was ever made stays released, so that
 * a reserve that was on its way cannot hold what nobody will ever end.
 */

import type { Release } from './commands.ts';
import type { ReservationReleased } from './events.ts';
import { endedOtherwise, idIsTaken, mayEnd, nameHolder, notFound, slotFor } from './hold-parts.ts';
import { isCartLine } from './holds.ts';
import type { Moment } from './moment.ts';
import { NumberField, RecordKind } from './record-layout.ts';
import type { ChannelRules } from './rules.ts';
import type { SkuState } from './state.ts';
import { accepted, cartsOwn, type Mutable, type Verdict } from './verdict.ts';

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
    const owner = command.heldBy ?? command.channel;
    if (!mayEnd(command, caller) || idIsTaken(state, owner, command.reservation)) return verdict;
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
