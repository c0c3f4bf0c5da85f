// Which events move stock, where, and under which document.

import { expect, test } from 'vitest';
import type { SkuEvent } from '../../../src/domain/events.ts';
import { movementsOf } from '../../../src/domain/reconciliation/movements.ts';

const base = {
  version: 1,
  atMs: 5_000,
  channel: 'web',
  command: 'c-1',
  fingerprint: 0,
  onHand: 0,
  reserved: 0,
  available: 0,
};
const split = [
  { location: 'main', qty: 2 },
  { location: 'store-1', qty: 1 },
];

function shortOf(event: SkuEvent) {
  return movementsOf(event).map(({ location, delta, document }) => [location, delta, document]);
}

test('a sale leaves every location that it took from, under its order', () => {
  const sold = { ...base, type: 'stock.sold', qty: 3, allocations: split, order: 'o-1' } as const;
  expect(shortOf(sold)).toEqual([
    ['main', -2, 'o-1'],
    ['store-1', -1, 'o-1'],
  ]);
});

test('a document without a number is known by its command', () => {
  const received = { ...base, type: 'stock.received', qty: 3, allocations: split } as const;
  expect(shortOf(received)).toEqual([
    ['main', 2, 'c-1'],
    ['store-1', 1, 'c-1'],
  ]);
});

test('a confirmed reservation leaves, an open one does not', () => {
  const confirmed: SkuEvent = {
    ...base,
    type: 'reservation.confirmed',
    reservation: 'r-1',
    order: 'o-2',
    qty: 2,
    allocations: [{ location: 'main', qty: 2 }],
    released: 1,
  };
  const created: SkuEvent = {
    ...base,
    type: 'reservation.created',
    qty: 3,
    allocations: split,
    expiresAtMs: 9_000,
  };
  expect(shortOf(confirmed)).toEqual([['main', -2, 'o-2']]);
  expect(shortOf(created)).toEqual([]);
});

test('a transfer is out here and in there', () => {
  const moved = {
    ...base,
    type: 'stock.transferred',
    qty: 4,
    from: 'main',
    to: 'store-1',
  } as const;
  expect(shortOf(moved)).toEqual([
    ['main', -4, 'c-1'],
    ['store-1', 4, 'c-1'],
  ]);
});

test('a count that found no difference moves nothing', () => {
  const counted = {
    ...base,
    type: 'stock.counted',
    delta: 0,
    counted: 9,
    location: 'main',
  } as const;
  expect(shortOf(counted)).toEqual([]);
});

test('what happened earlier keeps its own time, and a correction its evidence', () => {
  const corrected: SkuEvent = {
    ...base,
    type: 'stock.corrected',
    delta: -2,
    location: 'main',
    occurredAtMs: 3_000,
    evidence: { asOfSeq: 7 },
  };
  expect(movementsOf(corrected)).toMatchObject([{ occurredAtMs: 3_000, evidence: { asOfSeq: 7 } }]);
});
