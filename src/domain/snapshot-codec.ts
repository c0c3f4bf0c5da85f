/**
 * A SKU's state as JSON-able data: a head, and the entries of holds and remembered ids, which can be
 * cut into pieces. Decoding gives a state that decides everything as the encoded one would have.
 * Entries come in the order of their lists, oldest first, so that the youngest stays the youngest.
 */

import type { Allocation, StockStatus } from './events.ts';
import { NumberField, RecordFlag, RecordKind } from './record-layout.ts';
import type { Records } from './records.ts';
import { countPolicies, initialState, type SkuState } from './state.ts';

export const snapshotSchema = 1;

/** The snapshot was written by a newer version, or is none. */
export class SnapshotError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SnapshotError';
  }
}

type LocationTuple = readonly [name: string, onHand: number, reserved: number];
type ChannelTuple = readonly [
  name: string,
  buffer: number,
  quota: number | null,
  ringFence: number,
  held: number,
  soldSinceQuota: number,
  soldSinceRingFence: number,
  status: StockStatus,
];
type EscrowTuple = readonly [
  edge: string,
  epoch: number,
  lent: number,
  used: number,
  returned: number,
];

type Head = readonly [
  schema: number,
  sku: string,
  version: number,
  known: 0 | 1,
  policy: readonly [safetyStock: number, backorderMax: number, lowStock: number],
  shortfall: number,
  locations: readonly LocationTuple[],
  channels: readonly ChannelTuple[],
  escrows: readonly EscrowTuple[],
  backdated: readonly [
    droppedAfterSeq: number,
    entries: readonly (readonly [afterSeq: number, occurredAtMs: number])[],
  ],
  /** How many entries belong to it, so that a missing piece is noticed. */
  entries: number,
];

/** Flags that say what a record is; the others say how it is stored. */
const lastingFlags =
  RecordFlag.cart | RecordFlag.bound | RecordFlag.retaken | RecordFlag.noAllocation;

/** Everything but the entries. */
export function encodeHead(state: SkuState): unknown {
  const head: Head = [
    snapshotSchema,
    state.sku,
    state.version,
    state.known ? 1 : 0,
    [state.safetyStock, state.backorderMax, state.lowStock],
    state.shortfall,
    state.locations.map(({ name, onHand, reserved }) => [name, onHand, reserved]),
    state.channels.map((channel) => [
      channel.name,
      channel.buffer,
      channel.quota,
      channel.ringFence,
      channel.held,
      channel.soldSinceQuota,
      channel.soldSinceRingFence,
      channel.status,
    ]),
    state.escrows.map(({ edge, epoch, lent, used, returned }) => [
      edge,
      epoch,
      lent,
      used,
      returned,
    ]),
    [state.backdated.droppedAfterSeq, state.backdated.entries.slice()],
    state.records.size,
  ];
  return head;
}

/**
 * The entries in pieces of at most `perPiece`. What is handed over is the state at the time of the
 * call: when there are more than one piece, the records are copied first, which takes 0.1 µs each.
 */
export function encodeEntries(state: SkuState, perPiece: number): Iterable<unknown[]> {
  const { records } = state;
  if (records.size === 0) return [];
  return pieces(records.size > perPiece ? records.copy() : records, perPiece);
}

/** The state of a head and its pieces, in order. Throws a `SnapshotError` on what is not whole. */
export function decodeState(head: unknown, encoded: Iterable<readonly unknown[]>): SkuState {
  const parts = head as Head;
  if (!Array.isArray(head) || parts[0] !== snapshotSchema) {
    throw new SnapshotError(`snapshot of schema ${String(Array.isArray(head) && head[0])}`);
  }
  const [, sku, version, known, policy, shortfall, locations, channels, escrows, backdated] = parts;
  const state = initialState(sku);
  state.version = version;
  state.known = known === 1;
  [state.safetyStock, state.backorderMax, state.lowStock] = policy;
  state.shortfall = shortfall;
  for (const [name, onHand, reserved] of locations) {
    state.locations.push({ name, onHand, reserved });
    state.onHand += onHand;
    state.reserved += reserved;
  }
  for (const channel of channels) {
    const [name, buffer, quota, ringFence, held, soldSinceQuota, soldSinceRingFence, status] =
      channel;
    state.channels.push({
      name,
      buffer,
      quota,
      ringFence,
      held,
      soldSinceQuota,
      soldSinceRingFence,
      status,
    });
  }
  countPolicies(state);
  for (const [edge, epoch, lent, used, returned] of escrows) {
    state.escrows.push({ edge, epoch, lent, used, returned });
    state.escrow += Math.max(0, lent - used - returned);
  }
  state.backdated.droppedAfterSeq = backdated[0];
  state.backdated.entries.push(...backdated[1]);
  for (const piece of encoded) {
    for (const entry of piece) addEntry(state, entry as readonly unknown[]);
  }
  if (state.records.size !== parts[10]) {
    throw new SnapshotError(`${sku}: ${state.records.size} of ${parts[10]} entries`);
  }
  return state;
}

function* pieces(records: Records, perPiece: number): Generator<unknown[]> {
  let piece: unknown[] = [];
  for (const slot of records.slots()) {
    piece.push(entryOf(records, slot));
    if (piece.length < perPiece) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}

/** `[kind, flags, channel, id, fingerprint, version, qty, createdAtMs, places, …]`. */
function entryOf(records: Records, slot: number): unknown[] {
  const { store } = records;
  const kind = store.kind(slot);
  const entry: unknown[] = [
    kind,
    store.flags(slot) & lastingFlags,
    store.channel(slot),
    store.id(slot),
    store.number(slot, NumberField.fingerprint),
    store.number(slot, NumberField.version),
    store.number(slot, NumberField.qty),
    store.number(slot, NumberField.createdAtMs),
    flat(store.manyAllocations(slot)) ?? store.location(slot),
  ];
  if (kind === RecordKind.command) return entry;
  entry.push(
    store.number(slot, NumberField.expiresAtMs),
    flat(store.firstAllocations(slot)) ?? 0,
    store.number(slot, NumberField.endedAtMs),
  );
  if (kind !== RecordKind.confirmed) {
    const step = store.number(slot, NumberField.step);
    if (step > 0) entry.push(step);
    return entry;
  }
  entry.push(
    store.number(slot, NumberField.confirmedQty),
    store.number(slot, NumberField.confirmedVersion),
    store.number(slot, NumberField.order),
  );
  return entry;
}

function addEntry(state: SkuState, entry: readonly unknown[]): void {
  const { records, expiries } = state;
  const { store } = records;
  const kind = entry[0] as number;
  const slot = records.add(entry[2] as number, entry[3] as string, kind);
  store.setFlags(slot, store.flags(slot) | (entry[1] as number));
  const set = (field: number, place: number) =>
    store.setNumber(slot, field, entry[place] as number);
  set(NumberField.fingerprint, 4);
  set(NumberField.version, 5);
  set(NumberField.qty, 6);
  set(NumberField.createdAtMs, 7);
  const where = entry[8];
  if (typeof where === 'number') store.setLocation(slot, where);
  else setMany(state, slot, unflat(where));
  if (kind === RecordKind.command) return;
  set(NumberField.expiresAtMs, 9);
  if (entry[10] !== 0) store.setFirstAllocations(slot, unflat(entry[10]));
  set(NumberField.endedAtMs, 11);
  if (kind === RecordKind.open) expiries.push(entry[9] as number, slot);
  if (kind !== RecordKind.confirmed) {
    if (entry.length > 12) set(NumberField.step, 12);
    return;
  }
  set(NumberField.confirmedQty, 12);
  set(NumberField.confirmedVersion, 13);
  set(NumberField.order, 14);
}

function setMany(state: SkuState, slot: number, allocations: readonly Allocation[]): void {
  const { store } = state.records;
  const first = state.locations.findIndex(({ name }) => name === allocations[0]?.location);
  store.setLocation(slot, first);
  store.setManyAllocations(slot, allocations);
}

function flat(allocations: readonly Allocation[] | undefined): unknown[] | undefined {
  return allocations?.flatMap(({ location, qty }) => [location, qty]);
}

function unflat(value: unknown): Allocation[] {
  const parts = value as readonly unknown[];
  const allocations: Allocation[] = [];
  for (let at = 0; at < parts.length; at += 2) {
    allocations.push({ location: parts[at] as string, qty: parts[at + 1] as number });
  }
  return allocations;
}
