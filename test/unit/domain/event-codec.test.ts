import { describe, expect, test } from 'vitest';
import {
  decodeEvents,
  earliestExpiryOf,
  encodeEvents,
  encodeEventsText,
} from '../../../src/domain/event-codec.ts';
import { eventCodes } from '../../../src/domain/event-tuples.ts';
import type { SkuEvent } from '../../../src/domain/events.ts';
import { evolve, foldAll } from '../../../src/domain/evolve.ts';
import { initialState } from '../../../src/domain/state.ts';
import { historyEvent } from '../../../src/domain/views.ts';

const base = {
  version: 7,
  atMs: 1_794_900_000_000,
  channel: 'web',
  command: 'c-1',
  onHand: 5,
  reserved: 3,
  available: 2,
};
const fingerprint = 2 ** 53 - 1;
const here = [{ location: 'main', qty: 3 }];
const split = [
  { location: 'a', qty: 1 },
  { location: 'b', qty: 2 },
];
const hold = { ...base, fingerprint, reservation: 'r-1' };
const moved = { ...base, fingerprint, qty: 3, allocations: here };
const changed = { ...base, fingerprint, delta: -3, location: 'main' };
const escrow = { ...base, edge: 'store-7', epoch: 2, lent: 9, used: 3, returned: 1 };

const samples: readonly SkuEvent[] = [
  { type: 'stock.received', ...moved },
  { type: 'stock.received', ...moved, ref: 'po-1', occurredAtMs: 5, fact: true },
  { type: 'stock.sold', ...moved, allocations: split },
  { type: 'stock.sold', ...moved, order: 'o-1' },
  { type: 'stock.sold', ...moved, fact: true },
  { type: 'stock.restocked', ...moved, occurredAtMs: 5 },
  { type: 'stock.adjusted', ...changed, reason: 'a "quoted"\nreason' },
  { type: 'stock.adjusted', ...changed, reason: '', occurredAtMs: 5 },
  { type: 'stock.counted', ...changed, counted: 0 },
  { type: 'stock.corrected', ...changed, evidence: { asOfSeq: 4, snapshotIds: ['s'], lo: -1 } },
  { type: 'stock.transferred', ...base, fingerprint, qty: 3, from: 'a', to: 'b', occurredAtMs: 5 },
  { type: 'reservation.created', ...moved, expiresAtMs: 9 },
  { type: 'reservation.created', ...moved, expiresAtMs: 9, allocations: split },
  { type: 'reservation.created', ...moved, expiresAtMs: 9, ref: 'x', bound: true, cart: true },
  { type: 'reservation.created', ...moved, expiresAtMs: 9, cart: true },
  { type: 'reservation.created', ...moved, expiresAtMs: 9, command: 'ü"\\\u0001' },
  { type: 'reservation.renewed', ...hold, expiresAtMs: 9 },
  { type: 'reservation.renewed', ...hold, expiresAtMs: 9, heldBy: 'pos', retaken: here },
  { type: 'reservation.prepared', ...hold },
  { type: 'reservation.prepared', ...hold, retaken: split },
  { type: 'reservation.held', ...hold, expiresAtMs: 9 },
  { type: 'reservation.confirmed', ...hold, qty: 3, allocations: here, order: 'o-1' },
  {
    type: 'reservation.confirmed',
    ...hold,
    ...{ qty: 3, allocations: split, order: 'o-1' },
    ...{ heldBy: 'pos', released: 1, retaken: split },
  },
  { type: 'reservation.released', ...hold, qty: 0 },
  { type: 'reservation.released', ...hold, qty: 0, heldBy: 'pos', cart: true },
  { type: 'reservation.expired', ...base, reservation: 'r-1', qty: 3, expiresAtMs: 9 },
  { type: 'availability.out', ...base, availableToChannel: 0, status: 'backorder' },
  { type: 'availability.low', ...base, availableToChannel: 1, status: 'low_stock' },
  { type: 'availability.back', ...base, availableToChannel: 9, status: 'in_stock' },
  {
    type: 'shortfall.raised',
    ...base,
    ...{ qty: 4, atRiskCount: 2 },
    atRisk: [
      { channel: 'web', reservation: 'r-2', qty: 3 },
      { channel: 'pos', reservation: 'r-1', qty: 1 },
    ],
  },
  { type: 'shortfall.raised', ...base, qty: 4, atRiskCount: 0, atRisk: [] },
  { type: 'shortfall.cleared', ...base },
  {
    type: 'policy.changed',
    ...base,
    ...{ fingerprint, safetyStock: 1, backorderMax: 2, lowStock: 3 },
    channels: { web: { buffer: 1, quota: null, ringFence: 0 } },
    ...{ quotaSet: ['web'], ringFenceSet: [] },
  },
  { type: 'escrow.lent', ...escrow },
  { type: 'escrow.used', ...escrow },
  { type: 'escrow.returned', ...escrow },
  { type: 'escrow.lost', ...escrow },
  { type: 'reservation.lapsed', ...hold, step: 2 },
];

describe('the journal', () => {
  test('has a sample of every type of event here', () => {
    const types = new Set(samples.map((event) => event.type));
    expect([...types].sort()).toEqual(Object.keys(eventCodes).sort());
  });

  test.each(samples.map((event, index) => [event.type, index, event] as const))(
    'gives %s back as it was (sample %i)',
    (_type, _index, event) => {
      const text = encodeEventsText([event]);
      expect(decodeEvents('A', 7, base.atMs, JSON.parse(`[${text}]`))).toEqual([event]);
      expect(text).toBe(JSON.stringify(encodeEvents([event])).slice(1, -1));
    },
  );

  test('numbers the events of a commit from the first', () => {
    const tuples = JSON.parse(`[${encodeEventsText(samples)}]`);
    const versions = decodeEvents('A', 7, base.atMs, tuples).map((event) => event.version);
    expect(versions).toEqual(samples.map((_, index) => 7 + index));
  });

  test('says what it cannot read', () => {
    expect(() => decodeEvents('A', 7, 0, [[99, 'web', 'c', 0, 0, 0]])).toThrow(
      /A: event 7 has code 99/,
    );
  });

  test('tells the earliest expiry without being decoded', () => {
    const at = (expiresAtMs: number) => ({ ...moved, ...hold, expiresAtMs });
    const events: SkuEvent[] = [
      { type: 'shortfall.cleared', ...base },
      { type: 'reservation.created', ...at(30) },
      { type: 'reservation.renewed', ...at(20) },
      { type: 'reservation.held', ...at(10) },
    ];
    const earliest = (count: number) =>
      earliestExpiryOf(JSON.parse(`[${encodeEventsText(events.slice(0, count))}]`));
    expect([1, 2, 3, 4].map(earliest)).toEqual([undefined, 30, 20, 10]);
  });

  test('never changes a code', () => {
    // A released version has written these: they may be added to, never changed.
    expect(Object.values(eventCodes)).toEqual(Array.from({ length: 25 }, (_, n) => n + 1));
    expect(eventCodes).toMatchObject({ 'stock.received': 1, 'reservation.created': 8 });
    expect(encodeEventsText(samples.slice(11, 12))).toBe(
      '[8,"web","c-1",5,3,2,9007199254740991,9,3,"main"]',
    );
  });
});

describe('folding', () => {
  const received: SkuEvent = {
    type: 'stock.received',
    ...{ ...base, ...moved, version: 1, onHand: 3, reserved: 0, available: 3 },
  };

  test('refuses an event that does not follow', () => {
    expect(() => evolve(initialState('A'), { ...received, version: 2 }, 0)).toThrow(
      /A: event 2 \(stock.received\) does not follow version 0/,
    );
  });

  test.each(['onHand', 'reserved', 'available'] as const)('refuses a wrong total: %s', (field) => {
    expect(() => evolve(initialState('A'), { ...received, [field]: 77 }, 0)).toThrow(/version 1/);
  });

  test('counts what edges have on loan, by their cumulative counters', () => {
    const lent = (version: number, available: number, fields: object): SkuEvent => ({
      type: 'escrow.lent',
      ...{ ...escrow, version, onHand: 3, reserved: 0, available, used: 0, returned: 0, ...fields },
    });
    const state = foldAll(
      initialState('A'),
      [received, lent(2, 1, { lent: 2 }), lent(3, 0, { edge: 'b', lent: 3 })],
      0,
    );
    expect(state.escrow).toBe(5);
    foldAll(state, [lent(4, 0, { lent: 2, used: 1, returned: 1 })], 0);
    expect(state.escrow).toBe(3);
  });
});

describe('the history', () => {
  test('tells no fingerprint, and every reservation by its id', () => {
    for (const event of samples) expect(historyEvent(event)).not.toHaveProperty('fingerprint');
    const created = samples.find((event) => event.type === 'reservation.created') as SkuEvent;
    expect(historyEvent(created)).toMatchObject({ reservation: 'c-1', command: 'c-1' });
    expect(historyEvent({ type: 'shortfall.cleared', ...base })).toEqual({
      type: 'shortfall.cleared',
      ...base,
    });
  });
});
