/**
 * Reading holds: what a record says of a hold, in the words of the rules. Writing them is left to
 * `evolve`.
 */

import type { Allocation, AtRisk } from './events.ts';
import type { HoldState } from './outcome.ts';
import { NumberField, RecordFlag, RecordKind } from './record-layout.ts';
import { type ChannelState, channelIndex, type LocationStock, type SkuState } from './state.ts';

const atRiskMax = 100;

/** Slot of a hold of the channel, in any state, also `spent`; -1: nothing, or no hold. */
export function findHold(state: SkuState, channel: string, reservation: string): number {
  const slot = state.records.find(channelIndex(state, channel), reservation);
  if (slot < 0 || state.records.store.kind(slot) === RecordKind.command) return -1;
  return slot;
}

export function holdState(kind: number): HoldState {
  switch (kind) {
    case RecordKind.expired:
      return 'expired';
    case RecordKind.released:
    case RecordKind.spent:
      return 'released';
    case RecordKind.confirmed:
      return 'confirmed';
    default:
      return 'open';
  }
}

export function isOpen(kind: number): boolean {
  return kind === RecordKind.open || kind === RecordKind.prepared;
}

export function isCartLine(state: SkuState, slot: number): boolean {
  return (state.records.store.flags(slot) & RecordFlag.cart) !== 0;
}

/** What a cart's line remembers of a step: settling comes after preparing. */
export function markOfPrepare(step: number): number {
  return 2 * step;
}
export function markOfSettle(step: number): number {
  return 2 * step + 1;
}

/** Where the record's units are or were allocated. */
export function allocationsOf(state: SkuState, slot: number): readonly Allocation[] {
  const { store } = state.records;
  const flags = store.flags(slot);
  if ((flags & RecordFlag.noAllocation) !== 0) return [];
  if ((flags & RecordFlag.manyAllocations) !== 0) return store.manyAllocations(slot) ?? [];
  const location = state.locations[store.location(slot)] as LocationStock;
  return [{ location: location.name, qty: store.number(slot, NumberField.qty) }];
}

/** Where the units were allocated when the hold was made. */
export function firstAllocationsOf(state: SkuState, slot: number): readonly Allocation[] {
  return state.records.store.firstAllocations(slot) ?? allocationsOf(state, slot);
}

/** The location that the hold was asked for, if one was. */
export function boundLocation(state: SkuState, slot: number): string | undefined {
  const { store } = state.records;
  if ((store.flags(slot) & RecordFlag.bound) === 0) return undefined;
  return state.locations[store.location(slot)]?.name;
}

/** The first `qty` units of an allocation: which of them a partial confirm takes. */
export function firstUnits(allocations: readonly Allocation[], qty: number): readonly Allocation[] {
  const [first] = allocations;
  if (first === undefined || first.qty >= qty) {
    return first === undefined || first.qty === qty ? allocations.slice(0, 1) : [{ ...first, qty }];
  }
  const taken: Allocation[] = [];
  let left = qty;
  for (const allocation of allocations) {
    if (left === 0) break;
    const units = Math.min(left, allocation.qty);
    taken.push({ location: allocation.location, qty: units });
    left -= units;
  }
  return taken;
}

/** The youngest holds that together cover `qty`: at most a hundred of them, and how many there are. */
export function holdsAtRisk(
  state: SkuState,
  qty: number,
): { readonly atRisk: readonly AtRisk[]; readonly atRiskCount: number } {
  const { records } = state;
  const { store } = records;
  const atRisk: AtRisk[] = [];
  let covered = 0;
  let atRiskCount = 0;
  for (let slot = records.youngestOpen(); slot >= 0 && covered < qty; slot = store.previous(slot)) {
    const held = store.number(slot, NumberField.qty);
    covered += held;
    atRiskCount += 1;
    if (atRisk.length < atRiskMax) {
      const channel = (state.channels[store.channel(slot)] as ChannelState).name;
      atRisk.push({ channel, reservation: store.id(slot), qty: held });
    }
  }
  return { atRisk, atRiskCount };
}
