/** Folding the events of holds: records, reserved units per location, what a channel holds. */

import type {
  Allocation,
  ReservationConfirmed,
  ReservationCreated,
  ReservationExpired,
  ReservationHeld,
  ReservationLapsed,
  ReservationPrepared,
  ReservationReleased,
  ReservationRenewed,
} from './events.ts';
import {
  addOnHand,
  addReserved,
  channelIndexFor,
  remember,
  setAllocations,
} from './evolve-parts.ts';
import { textFingerprint } from './fingerprint.ts';
import { allocationsOf, isCartLine, isOpen, markOfPrepare, markOfSettle } from './holds.ts';
import { NumberField, RecordFlag, RecordKind } from './record-layout.ts';
import { type ChannelState, channelIndex, expiryHolds, type SkuState } from './state.ts';

type HoldEvent =
  | ReservationCreated
  | ReservationRenewed
  | ReservationPrepared
  | ReservationHeld
  | ReservationLapsed
  | ReservationConfirmed
  | ReservationReleased
  | ReservationExpired;

export function evolveHold(state: SkuState, event: HoldEvent): void {
  if (event.type === 'reservation.created') {
    create(state, event);
    return;
  }
  const owner = event.heldBy ?? event.channel;
  const slot = state.records.find(channelIndex(state, owner), event.reservation);
  if (slot < 0) {
    if (event.type === 'reservation.released') spend(state, owner, event);
    return;
  }
  switch (event.type) {
    case 'reservation.renewed':
      retake(state, slot, event.retaken);
      if (!expiryHolds(state, event.expiresAtMs, slot) || event.retaken !== undefined) {
        setExpiry(state, slot, event.expiresAtMs);
      }
      rememberOnHold(state, slot, event, event.retaken);
      return;
    case 'reservation.prepared':
      retake(state, slot, event.retaken);
      if (event.retaken !== undefined) setRetaken(state, slot, true);
      state.records.become(slot, RecordKind.prepared);
      if (event.step !== undefined) {
        state.records.store.setNumber(slot, NumberField.step, markOfPrepare(event.step));
      }
      return;
    case 'reservation.held':
      state.records.become(slot, RecordKind.open);
      setRetaken(state, slot, false);
      setExpiry(state, slot, event.expiresAtMs);
      if (event.step !== undefined) {
        state.records.store.setNumber(slot, NumberField.step, markOfSettle(event.step));
      }
      return;
    case 'reservation.lapsed':
      state.records.store.setNumber(slot, NumberField.step, markOfSettle(event.step));
      return;
    case 'reservation.confirmed':
      confirm(state, slot, event);
      rememberOnHold(state, slot, event, event.retaken);
      return;
    case 'reservation.released':
      end(state, slot, RecordKind.released, event.atMs);
      rememberOnHold(state, slot, event, undefined);
      return;
    case 'reservation.expired':
      end(state, slot, RecordKind.expired, event.atMs);
      return;
  }
}

function create(state: SkuState, event: ReservationCreated): void {
  const { records } = state;
  const channel = channelIndexFor(state, event.channel);
  const known = records.find(channel, event.command);
  if (known >= 0) records.remove(known);
  const slot = records.add(channel, event.command, RecordKind.open);
  const { store } = records;
  store.setNumber(slot, NumberField.fingerprint, event.fingerprint);
  store.setNumber(slot, NumberField.version, event.version);
  store.setNumber(slot, NumberField.qty, event.qty);
  store.setNumber(slot, NumberField.createdAtMs, event.atMs);
  const cart = event.cart === true ? RecordFlag.cart : 0;
  const bound = event.bound === true ? RecordFlag.bound : 0;
  if (cart + bound !== 0) store.setFlags(slot, store.flags(slot) | cart | bound);
  setAllocations(state, slot, event.allocations);
  addReserved(state, event.allocations, 1);
  (state.channels[channel] as ChannelState).held += event.qty;
  setExpiry(state, slot, event.expiresAtMs);
}

/** A prepared line tells again that its units were taken again: another home may ask. */
function setRetaken(state: SkuState, slot: number, retaken: boolean): void {
  const { store } = state.records;
  const others = store.flags(slot) & ~RecordFlag.retaken;
  store.setFlags(slot, retaken ? others | RecordFlag.retaken : others);
}

/** Units of an expired hold are taken again: it is as young as a new one. */
function retake(state: SkuState, slot: number, retaken: readonly Allocation[] | undefined): void {
  if (retaken === undefined) return;
  moveAllocations(state, slot, retaken);
  addReserved(state, retaken, 1);
  ownerOf(state, slot).held += state.records.store.number(slot, NumberField.qty);
  state.records.become(slot, RecordKind.open);
}

function confirm(state: SkuState, slot: number, event: ReservationConfirmed): void {
  const { store } = state.records;
  const owner = ownerOf(state, slot);
  if (event.retaken !== undefined) moveAllocations(state, slot, event.retaken);
  for (const part of event.allocations) addOnHand(state, part.location, -part.qty);
  end(state, slot, RecordKind.confirmed, event.atMs);
  owner.soldSinceQuota += event.qty;
  owner.soldSinceRingFence += event.qty;
  store.setNumber(slot, NumberField.confirmedQty, event.qty);
  store.setNumber(slot, NumberField.confirmedVersion, event.version);
  store.setNumber(slot, NumberField.order, textFingerprint(event.order));
}

/** Frees what an open hold has reserved. One that ends a second time is remembered from then on. */
function end(state: SkuState, slot: number, kind: number, atMs: number): void {
  const { records } = state;
  const { store } = records;
  if (isOpen(store.kind(slot))) {
    addReserved(state, allocationsOf(state, slot), -1);
    ownerOf(state, slot).held -= store.number(slot, NumberField.qty);
  }
  if (store.kind(slot) === RecordKind.spent) return;
  store.setNumber(slot, NumberField.endedAtMs, atMs);
  records.becomeNewest(slot, kind);
}

/** A hold that was released before it was made: nothing but its id is kept, so that it never is. */
function spend(state: SkuState, owner: string, event: ReservationReleased): void {
  const slot = state.records.add(
    channelIndexFor(state, owner),
    event.reservation,
    RecordKind.spent,
  );
  const { store } = state.records;
  store.setNumber(slot, NumberField.endedAtMs, event.atMs);
  const cart = event.cart === true ? RecordFlag.cart : 0;
  store.setFlags(slot, store.flags(slot) | RecordFlag.noAllocation | cart);
}

/** Steps of a cart are not remembered by id: its lines tell a repetition by their state. */
function rememberOnHold(
  state: SkuState,
  slot: number,
  event: ReservationRenewed | ReservationConfirmed | ReservationReleased,
  retaken: readonly Allocation[] | undefined,
): void {
  if (isCartLine(state, slot)) return;
  const qty =
    event.type === 'reservation.renewed'
      ? state.records.store.number(slot, NumberField.qty)
      : event.qty;
  const command = remember(state, event, qty, undefined);
  if (retaken === undefined) return;
  const { store } = state.records;
  store.setFlags(command, store.flags(command) | RecordFlag.retaken);
}

function moveAllocations(state: SkuState, slot: number, retaken: readonly Allocation[]): void {
  const { store } = state.records;
  if (store.firstAllocations(slot) === undefined) {
    store.setFirstAllocations(slot, allocationsOf(state, slot));
  }
  setAllocations(state, slot, retaken);
}

/** Enters the hold's expiry, and clears out the entries of holds that have ended since. */
function setExpiry(state: SkuState, slot: number, expiresAtMs: number): void {
  const { records, expiries } = state;
  records.store.setNumber(slot, NumberField.expiresAtMs, expiresAtMs);
  expiries.push(expiresAtMs, slot);
  if (expiries.size > 64 && expiries.size > 2 * records.openCount) {
    expiries.sweep((timeMs, entry) => expiryHolds(state, timeMs, entry));
  }
}

function ownerOf(state: SkuState, slot: number): ChannelState {
  return state.channels[state.records.store.channel(slot)] as ChannelState;
}
