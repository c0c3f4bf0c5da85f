// Steps 4 to 6 for one line: explain first, prove repeatedly, cap.

import { describe, expect, test } from 'vitest';
import { assess, type LineCase } from '../../../src/domain/reconciliation/assess.ts';
import type { LedgerEntry, Observation } from '../../../src/domain/reconciliation/ledger.ts';
import { defaultReconciliationRules } from '../../../src/domain/reconciliation/settings.ts';
import { lanes, moved, observed } from './line.ts';

const rules = { ...defaultReconciliationRules, packSizes: [12] };

function judge(
  observations: readonly Observation[],
  entries: readonly LedgerEntry[] = [],
  more: Partial<LineCase> = {},
) {
  const line = { opening: 100, entries, observations, unheardUnits: 0, packSizes: [], ...more };
  return assess(line, rules, lanes);
}

describe('one snapshot is no proof', () => {
  test('lowering takes two in a row', () => {
    expect(judge([observed(97, 100)])).toMatchObject({ kind: 'waiting', drift: -3, delta: 0 });
    expect(judge([observed(97, 100), observed(97, 110)])).toMatchObject({
      kind: 'correct',
      delta: -3,
      snapshotIds: ['s-100', 's-110'],
    });
  });

  test('raising takes three in a row', () => {
    const twice = [observed(103, 100), observed(103, 110)];
    expect(judge(twice).kind).toBe('waiting');
    expect(judge([...twice, observed(103, 120)])).toMatchObject({ kind: 'correct', delta: 3 });
  });

  test('the smallest amount proven is applied', () => {
    expect(judge([observed(95, 100), observed(98, 110)])).toMatchObject({ delta: -2 });
    expect(judge([observed(99, 100), observed(90, 110)])).toMatchObject({ delta: -1 });
  });

  test('another sign, or agreement in between, begins anew', () => {
    expect(judge([observed(97, 100), observed(103, 110)]).kind).toBe('waiting');
    expect(judge([observed(97, 90), observed(100, 100), observed(97, 110)]).kind).toBe('waiting');
  });

  test('a late fact takes the proof of earlier snapshots away', () => {
    const observations = [observed(97, 100), observed(97, 110)];
    const late = moved(-3, 20, { recordedAtMs: 1e9, seq: 999 });
    expect(judge(observations, [late])).toMatchObject({ kind: 'agrees', drift: 0 });
  });

  test('a correction of ours does too', () => {
    const observations = [observed(97, 100), observed(97, 110), observed(97, 120)];
    const correction = moved(-3, 115, { correction: true });
    expect(judge(observations, [correction])).toMatchObject({ kind: 'agrees', drift: 0 });
  });
});

describe('what the postings explain is an alert', () => {
  const clean = observed(100, 40);

  test('a sale that was never posted', () => {
    const entries = [moved(-4, 35, { document: 'order-1' })];
    expect(judge([clean, observed(100, 100)], entries)).toMatchObject({
      kind: 'explained',
      explanation: { cause: 'posting_stuck', lane: 'web', documents: ['order-1'] },
    });
  });

  test('everything of one lane since some moment', () => {
    const entries = [moved(-4, 33), moved(-2, 35), moved(-3, 41), moved(-1, 42, { lane: 'pos' })];
    const line = [observed(100, 20), observed(95, 100)];
    expect(judge(line, entries)).toMatchObject({
      explanation: { cause: 'posting_stuck', lane: 'web', documents: ['d-35', 'd-41'] },
    });
  });

  test('a document that was posted twice', () => {
    const entries = [moved(-4, 35, { document: 'order-1' })];
    expect(judge([clean, observed(92, 100)], entries)).toMatchObject({
      kind: 'explained',
      explanation: { cause: 'double_posting_suspect', documents: ['order-1'] },
    });
  });

  test('but not a document that was posted before the drift began', () => {
    const entries = [moved(-4, 5, { document: 'order-1' })];
    const line = [observed(96, 100), observed(92, 110), observed(92, 120)];
    expect(judge(line, entries)).toMatchObject({ kind: 'correct', delta: -4 });
  });

  test('a difference of whole packs', () => {
    expect(judge([observed(76, 100)], [], { packSizes: [12] })).toMatchObject({
      explanation: { cause: 'unit_suspect' },
    });
  });

  test('a number in packs instead of pieces', () => {
    expect(judge([observed(10, 100)], [], { opening: 120, packSizes: [12] })).toMatchObject({
      explanation: { cause: 'unit_suspect' },
    });
  });

  test('a receipt that was posted as packs', () => {
    const entries = [moved(2, 35, { document: 'delivery-1' })];
    expect(judge([clean, observed(124, 100)], entries, { packSizes: [12] })).toMatchObject({
      explanation: { cause: 'unit_suspect', documents: ['delivery-1'] },
    });
  });

  test('an edge node that was not heard from', () => {
    const line = [observed(95, 100), observed(95, 110)];
    expect(judge(line, [], { unheardUnits: 5 }).kind).toBe('agrees');
    expect(judge(line, [], { unheardUnits: 4 })).toMatchObject({ kind: 'correct', delta: -1 });
  });
});

describe('caps', () => {
  test('drift within the tolerance is left alone', () => {
    const tolerant = { ...rules, toleranceUnits: 2 };
    const line = { opening: 100, entries: [], observations: [observed(98, 100)], unheardUnits: 0 };
    expect(assess(line, tolerant, lanes)).toMatchObject({ kind: 'tolerated', drift: -2, delta: 0 });
  });

  test('a large correction waits for approval', () => {
    const line = [observed(49, 100), observed(49, 110)];
    expect(judge(line)).toMatchObject({ kind: 'quarantine', delta: -51 });
  });
});

describe('a drift that has been explained', () => {
  const entries = [moved(-4, 35, { document: 'order-1' })];
  const first = judge([observed(100, 20), observed(100, 100)], entries);
  const explained = first.explained!;

  test('stays explained for as long as it is there', () => {
    const later = judge([observed(100, 100), observed(100, 110)], entries, { explained });
    expect(later).toMatchObject({ kind: 'explained', explanation: { documents: ['order-1'] } });
  });

  test('is forgotten when it is gone', () => {
    expect(judge([observed(100, 100), observed(96, 110)], entries, { explained })).toMatchObject({
      kind: 'agrees',
    });
  });

  test('does not hide what is lost beyond it', () => {
    const line = [observed(100, 100), observed(93, 110), observed(93, 120)];
    expect(judge(line, entries, { explained })).toMatchObject({ kind: 'correct', delta: -3 });
  });

  test('does not stand in the way of a second explanation', () => {
    const more = [...entries, moved(-2, 60, { document: 'order-2', lane: 'pos' })];
    const line = [observed(100, 90), observed(100, 100)];
    expect(judge(line, more, { explained })).toMatchObject({
      kind: 'explained',
      explained: { least: 0, most: 6 },
      explanation: { documents: ['order-2'] },
    });
  });
});
