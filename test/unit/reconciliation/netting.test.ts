// Step 8: a late fact takes back the correction that had found its effect before.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Netting, nettingsOf } from '../../../src/domain/reconciliation/netting.ts';
import { lane, lanes, minute, moved, readAt } from './line.ts';

const lowered = { seq: 500, delta: -3, window: readAt(100) };
const raised = { seq: 500, delta: 4, window: readAt(100) };
/** Happened before the snapshot, recorded after the correction. */
const late = (delta: number, more = {}) =>
  moved(delta, 20, { seq: 600, recordedAtMs: 600 * minute, document: 'late', ...more });

const net = { correctionSeq: 500, entrySeq: 600, document: 'late' };

test('a late sale takes back as much of the lowering as it explains', () => {
  expect(nettingsOf(9, [lowered], [late(-2)], [], lanes)).toEqual([{ ...net, delta: 2 }]);
  expect(nettingsOf(9, [lowered], [late(-5)], [], lanes)).toEqual([{ ...net, delta: 3 }]);
});

test('a late receipt takes back as much of the raising as it explains', () => {
  expect(nettingsOf(-9, [raised], [late(10)], [], lanes)).toEqual([{ ...net, delta: -4 }]);
});

test('no more is taken back than the newest snapshot proves to be too much', () => {
  expect(nettingsOf(1, [lowered], [late(-3)], [], lanes)).toEqual([{ ...net, delta: 1 }]);
  expect(nettingsOf(0, [lowered], [late(-3)], [], lanes)).toEqual([]);
  expect(nettingsOf(-3, [lowered], [late(-3)], [], lanes)).toEqual([]);
});

test('what was recorded is not taken back again', () => {
  expect(nettingsOf(9, [lowered], [late(-2)], [{ ...net, delta: 2 }], lanes)).toEqual([]);
  const other = late(-4, { seq: 601, document: 'later' });
  const both = [late(-2), other];
  expect(nettingsOf(9, [lowered], both, [{ ...net, delta: 2 }], lanes)).toEqual([
    { correctionSeq: 500, entrySeq: 601, document: 'later', delta: 1 },
  ]);
});

test('a sale that the snapshot may have contained counts as well', () => {
  const uncertain = late(-3, { occurredAtMs: 90 * minute });
  expect(nettingsOf(9, [lowered], [uncertain], [], lanes)).toEqual([{ ...net, delta: 3 }]);
});

describe('nothing is taken back for', () => {
  test.each([
    ['a sale that the correction knew', late(-3, { seq: 499 })],
    ['a sale after the snapshot', late(-3, { occurredAtMs: 200 * minute })],
    ['a receipt after a lowering', late(3)],
  ])('%s', (_what, entry) => {
    expect(nettingsOf(9, [lowered], [entry], [], lanes)).toEqual([]);
  });

  test('a lane that posts only what we have recorded', () => {
    const viaUs = () => ({ ...lane, lagFrom: 'recording' as const });
    expect(nettingsOf(9, [lowered], [late(-3)], [], viaUs)).toEqual([]);
  });
});

test('whatever arrives in whatever order, no correction is taken back beyond itself', () => {
  const deltas = fc.integer({ min: -9, max: 9 }).filter((delta) => delta !== 0);
  fc.assert(
    fc.property(fc.array(deltas, { maxLength: 5 }), fc.array(deltas), (corrected, facts) => {
      const corrections = corrected.map((delta, i) => ({ seq: i, delta, window: readAt(100) }));
      const entries = facts.map((delta, i) => late(delta, { seq: 600 + i }));
      // One fact after the other, each run recording what it did.
      const recorded: Netting[] = [];
      for (const [i] of entries.entries()) {
        for (const drift of [-20, 20]) {
          const known = entries.slice(0, i + 1);
          recorded.push(...nettingsOf(drift, corrections, known, recorded, lanes));
        }
      }
      for (const { seq, delta } of corrections) {
        const back = recorded
          .filter((item) => item.correctionSeq === seq)
          .map((item) => item.delta);
        const left = back.reduce((sum, units) => sum + units, delta);
        expect(left * delta).toBeGreaterThanOrEqual(0);
        expect(Math.abs(left)).toBeLessThanOrEqual(Math.abs(delta));
      }
      for (const { seq, delta } of entries) {
        const back = recorded.filter((item) => item.entrySeq === seq).map((item) => item.delta);
        const explained = back.reduce((sum, units) => sum + units, 0);
        expect(Math.abs(explained)).toBeLessThanOrEqual(Math.abs(delta));
      }
    }),
  );
});
