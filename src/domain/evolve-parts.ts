/** The small steps that folding is made of. */

import type { Allocation } from './events.ts';
import { NumberField, RecordFlag, RecordKind } from './record-layout.ts';
import {
  type ChannelState,
  channelIndex,
  type LocationStock,
  locationIndex,
  newChannelState,
  type SkuState,
} from './state.ts';

/** What an event says of the command that it remembers. */
interface RememberedCommand {
  readonly channel: string;
  readonly command: string;
  readonly fingerprint: number;
  readonly version: number;
  readonly atMs: number;
}

export function channelIndexFor(state: SkuState, name: string): number {
  const index = channelIndex(state, name);
  if (index >= 0) return index;
  state.channels.push(newChannelState(name));
  return state.channels.length - 1;
}

export function channelFor(state: SkuState, name: string): ChannelState {
  return state.channels[channelIndexFor(state, name)] as ChannelState;
}

export function locationIndexFor(state: SkuState, name: string): number {
  const index = locationIndex(state, name);
  if (index >= 0) return index;
  state.locations.push({ name, onHand: 0, reserved: 0 });
  return state.locations.length - 1;
}

export function addOnHand(state: SkuState, location: string, delta: number): void {
  const stock = state.locations[locationIndexFor(state, location)] as LocationStock;
  stock.onHand += delta;
  state.onHand += delta;
  state.known = true;
}

export function addReserved(
  state: SkuState,
  allocations: readonly Allocation[],
  sign: 1 | -1,
): void {
  for (const { location, qty } of allocations) {
    const stock = state.locations[locationIndexFor(state, location)] as LocationStock;
    stock.reserved += sign * qty;
    state.reserved += sign * qty;
  }
}

/** Keeps an accepted command's id with what its acceptance said. */
export function remember(
  state: SkuState,
  event: RememberedCommand,
  qty: number,
  allocations: readonly Allocation[] | undefined,
): number {
  const { records } = state;
  const channel = channelIndexFor(state, event.channel);
  // A forgotten id may have been used again: the fold that still knows it lets the newer one win.
  const known = records.find(channel, event.command);
  if (known >= 0) records.remove(known);
  const slot = records.add(channel, event.command, RecordKind.command);
  const { store } = records;
  store.setNumber(slot, NumberField.fingerprint, event.fingerprint);
  store.setNumber(slot, NumberField.version, event.version);
  store.setNumber(slot, NumberField.createdAtMs, event.atMs);
  store.setNumber(slot, NumberField.qty, qty);
  setAllocations(state, slot, allocations);
  return slot;
}

/** Writes where a record's units are; a single location takes the room of its index only. */
export function setAllocations(
  state: SkuState,
  slot: number,
  allocations: readonly Allocation[] | undefined,
): void {
  const { store } = state.records;
  const [first] = allocations ?? [];
  if (allocations === undefined || first === undefined) {
    store.setFlags(slot, store.flags(slot) | RecordFlag.noAllocation);
    return;
  }
  store.setLocation(slot, locationIndexFor(state, first.location));
  if (allocations.length > 1) store.setManyAllocations(slot, allocations);
  else if (store.manyAllocations(slot) !== undefined) store.setManyAllocations(slot, undefined);
}
