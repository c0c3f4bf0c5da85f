/**
 * The state of one SKU: the fold of its events. One actor owns it and mutates it in place; nobody
 * else keeps a reference. Only `evolve` writes here (and `forget`, which changes no stock).
 */

import { Backdated } from './backdated.ts';
import type { StockStatus } from './events.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import { NumberField, RecordKind } from './record-layout.ts';
import { Records } from './records.ts';

/** Stock at one place. `onHand` may be negative after facts, `reserved` never is. */
export interface LocationStock {
  readonly name: string;
  onHand: number;
  reserved: number;
}

/** One channel's policy for this SKU, and what the channel has used of it. */
export interface ChannelState {
  readonly name: string;
  buffer: number;
  quota: number | null;
  ringFence: number;
  /** Units in its open holds. */
  held: number;
  /** Units sold minus units restocked since the policy that set the quota. */
  soldSinceQuota: number;
  soldSinceRingFence: number;
  /** What its view was last told. */
  status: StockStatus;
}

/** Units lent to one edge node; counters are cumulative within the epoch. */
export interface EscrowState {
  readonly edge: string;
  epoch: number;
  lent: number;
  used: number;
  returned: number;
}

export interface SkuState {
  readonly sku: string;
  /** Rises by one with every event. */
  version: number;
  /** Whether something has ever been counted, received or reported of this SKU. */
  known: boolean;
  onHand: number;
  reserved: number;
  safetyStock: number;
  backorderMax: number;
  lowStock: number;
  /** In the order of their first event; records refer to them by index. */
  readonly locations: LocationStock[];
  readonly channels: ChannelState[];
  /** How many channels have a policy, and a ring-fence: none is the common case and costs nothing. */
  policies: number;
  ringFences: number;
  readonly escrows: EscrowState[];
  /** Units out on loan: lent and neither used nor returned. */
  escrow: number;
  /** Units short as last announced; 0: no shortfall. */
  shortfall: number;
  readonly records: Records;
  readonly expiries: ExpiryQueue;
  readonly backdated: Backdated;
  /** Holds and remembered ids: how many entries a snapshot has. */
  readonly entryCount: number;
}

/** The state of a SKU that nothing has happened to. */
export function initialState(sku: string): SkuState {
  return new State(sku);
}

/** A class, so that the states of all SKUs have one shape to the engine. */
class State implements SkuState {
  readonly sku: string;
  version = 0;
  known = false;
  onHand = 0;
  reserved = 0;
  safetyStock = 0;
  backorderMax = 0;
  lowStock = 0;
  readonly locations: LocationStock[] = [];
  readonly channels: ChannelState[] = [];
  policies = 0;
  ringFences = 0;
  readonly escrows: EscrowState[] = [];
  escrow = 0;
  shortfall = 0;
  readonly records = new Records();
  readonly expiries = new ExpiryQueue();
  readonly backdated = new Backdated();

  constructor(sku: string) {
    this.sku = sku;
  }

  get entryCount(): number {
    return this.records.size;
  }
}

/** Counts the channels with a policy anew. */
export function countPolicies(state: SkuState): void {
  state.policies = 0;
  state.ringFences = 0;
  for (const { buffer, quota, ringFence } of state.channels) {
    if (buffer > 0 || quota !== null || ringFence > 0) state.policies += 1;
    if (ringFence > 0) state.ringFences += 1;
  }
}

/** Index of a channel, -1 if it has left no trace on this SKU. */
export function channelIndex(state: SkuState, name: string): number {
  const { channels } = state;
  for (let at = 0; at < channels.length; at += 1) {
    if ((channels[at] as ChannelState).name === name) return at;
  }
  return -1;
}

export function channelState(state: SkuState, name: string): ChannelState | undefined {
  return state.channels[channelIndex(state, name)];
}

export function locationIndex(state: SkuState, name: string): number {
  const { locations } = state;
  for (let at = 0; at < locations.length; at += 1) {
    if ((locations[at] as LocationStock).name === name) return at;
  }
  return -1;
}

export function locationStock(state: SkuState, name: string): LocationStock | undefined {
  return state.locations[locationIndex(state, name)];
}

export function newChannelState(name: string): ChannelState {
  return {
    name,
    buffer: 0,
    quota: null,
    ringFence: 0,
    held: 0,
    soldSinceQuota: 0,
    soldSinceRingFence: 0,
    // A SKU is announced only when it leaves this status, so a first receipt announces nothing.
    status: 'in_stock',
  };
}

/** Whether an entry of the expiry queue still speaks of a hold. */
export function expiryHolds(state: SkuState, timeMs: number, slot: number): boolean {
  const { store } = state.records;
  return (
    store.kind(slot) === RecordKind.open && store.number(slot, NumberField.expiresAtMs) === timeMs
  );
}

/** When the next hold ends; undefined: none will. */
export function nextExpiryAtMs(state: SkuState): number | undefined {
  const { expiries } = state;
  while (expiries.size > 0) {
    const timeMs = expiries.earliestMs();
    if (expiryHolds(state, timeMs, expiries.earliestSlot())) return timeMs;
    expiries.drop();
  }
  return undefined;
}
