// Steps 2 and 3: the interval, and the property that everything else rests on.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectedInterval, provenDrift } from '../../../src/domain/reconciliation/interval.ts';
import type { LedgerEntry, SnapshotWindow } from '../../../src/domain/reconciliation/ledger.ts';
import { lane, lanes, minute, moved, readAt } from './line.ts';

test('uncertain sales lower the low end, uncertain receipts raise the high end', () => {
  const entries = [moved(-4, 10), moved(-1, 90), moved(-2, 95), moved(5, 96), moved(-7, 150)];
  const interval = expectedInterval(100, entries, readAt(100), lanes);
  expect(interval).toEqual({ base: 96, lo: 93, hi: 101 });
});

test('what edge nodes may have sold unheard widens downwards', () => {
  const interval = expectedInterval(100, [], readAt(100), lanes, 12);
  expect(interval).toEqual({ base: 100, lo: 88, hi: 100 });
});

test.each([
  [92, -1],
  [93, 0],
  [97, 0],
  [101, 0],
  [103, 2],
])('a snapshot of %i proves a drift of %i', (qty, drift) => {
  expect(provenDrift(qty, { base: 96, lo: 93, hi: 101 })).toBe(drift);
});

/** A movement with what really happens to it: when the ERP posts it, and whether it tells us. */
interface Posted {
  readonly entry: LedgerEntry;
  readonly postedAtMs: number;
}

const window: SnapshotWindow = readAt(1_000, 1_007);

const posted: fc.Arbitrary<Posted> = fc
  .record({
    delta: fc.integer({ min: -50, max: 50 }).filter((delta) => delta !== 0),
    happenedAtMs: fc.integer({ min: 900 * minute, max: 1_020 * minute }),
    lagMs: fc.integer({ min: 0, max: lane.maxPostingLagMs }),
    clockErrorMs: fc.integer({ min: -lane.clockSkewMs, max: lane.clockSkewMs }),
    recordedLaterMs: fc.integer({ min: 0, max: 500 * minute }),
    isAcknowledged: fc.boolean(),
    laneName: fc.constantFrom('web', 'pos', 'wms'),
  })
  .map(
    ({ delta, happenedAtMs, lagMs, clockErrorMs, recordedLaterMs, isAcknowledged, laneName }) => {
      const postedAtMs = happenedAtMs + lagMs;
      const occurredAtMs = happenedAtMs + clockErrorMs;
      const recordedAtMs = happenedAtMs + recordedLaterMs;
      const entry = moved(delta, 1, { occurredAtMs, recordedAtMs, lane: laneName });
      return { entry: isAcknowledged ? { ...entry, postedAtMs } : entry, postedAtMs };
    },
  );

const readAtMs = fc.integer({ min: window.asOfFromMs, max: window.asOfToMs });
const openings = fc.integer({ min: -100, max: 1_000 });

describe('work in flight can never look like drift', () => {
  test('whatever the ERP has posted when it reads the line, within lag and skew', () => {
    fc.assert(
      fc.property(openings, fc.array(posted, { maxLength: 40 }), readAtMs, (opening, all, at) => {
        const qty = opening + sum(all.filter((item) => item.postedAtMs <= at));
        const entries = all.map((item) => item.entry);
        const interval = expectedInterval(opening, entries, window, lanes);
        expect(provenDrift(qty, interval)).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test('also with a watermark that says exactly what is posted', () => {
    fc.assert(
      fc.property(openings, fc.array(posted, { maxLength: 40 }), readAtMs, (opening, all, at) => {
        // The lane posts in order of its own clock, up to some moment before the snapshot.
        const watermarks = { web: { throughMs: at } };
        const isPosted = ({ entry, postedAtMs }: Posted) =>
          entry.lane === 'web' ? entry.occurredAtMs <= at : postedAtMs <= at;
        const qty = opening + sum(all.filter(isPosted));
        const entries = all.map(({ entry: { postedAtMs: _, ...entry }, postedAtMs }) =>
          entry.lane === 'pos' ? { ...entry, postedAtMs } : entry,
        );
        const exact = { ...window, watermarks: new Map(Object.entries(watermarks)) };
        expect(provenDrift(qty, expectedInterval(opening, entries, exact, lanes))).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test('a real loss of stock is proven as soon as nothing is in flight, exactly', () => {
    fc.assert(
      fc.property(
        openings,
        fc.array(posted, { maxLength: 20 }),
        fc.integer({ min: 1, max: 30 }),
        (opening, all, lost) => {
          const entries = all.map((item) => item.entry);
          const later = readAt(5_000);
          const qty = opening + sum(all) - lost;
          expect(provenDrift(qty, expectedInterval(opening, entries, later, lanes))).toBe(-lost);
        },
      ),
    );
  });
});

function sum(items: readonly Posted[]): number {
  return items.reduce((total, { entry }) => total + entry.delta, 0);
}
