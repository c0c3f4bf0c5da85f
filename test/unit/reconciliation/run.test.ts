// The run as a whole: outages and the circuit breaker.

import { describe, expect, test } from 'vitest';
import { assess } from '../../../src/domain/reconciliation/assess.ts';
import { judgeRun, type RunLine, type RunTotals } from '../../../src/domain/reconciliation/run.ts';
import { defaultReconciliationRules as rules } from '../../../src/domain/reconciliation/settings.ts';
import { lanes, moved, observed } from './line.ts';

function totals(lines: number, units: number, more: Partial<RunTotals> = {}): RunTotals {
  return { lines, units, linesAt: new Map([['main', lines]]), linesIn: new Map(), ...more };
}

/** A line that has lost `units`, proven twice. */
function lost(units: number, sku: string, location = 'main'): RunLine {
  const observations = [observed(100 - units, 100), observed(100 - units, 110)];
  const line = { opening: 100, entries: [], observations, unheardUnits: 0 };
  return { sku, location, lanes: new Set(), verdict: assess(line, rules, lanes) };
}

/** A line that drifts by no single document's amount, with a document of `lane` in the time of it. */
function driftingIn(lane: string, sku: string): RunLine {
  const observations = [observed(100, 20), observed(95, 100), observed(95, 110)];
  const entries = [moved(-1, 35, { lane }), moved(-1, 36, { lane })];
  const line = { opening: 100, entries, observations, unheardUnits: 0 };
  return { sku, location: 'main', lanes: new Set([lane]), verdict: assess(line, rules, lanes) };
}

const many = (count: number, make: (sku: string) => RunLine) =>
  Array.from({ length: count }, (_, i) => make(`sku-${i}`));

describe('the circuit breaker', () => {
  test('lets a run of few small corrections pass', () => {
    const judged = judgeRun(
      many(4, (sku) => lost(1, sku)),
      totals(200, 20_000),
      rules,
    );
    expect(judged.breaker).toBeUndefined();
  });

  test('stops a run that would change more than 2 % of the lines', () => {
    const judged = judgeRun(
      many(5, (sku) => lost(1, sku)),
      totals(200, 20_000),
      rules,
    );
    expect(judged.breaker).toMatchObject({ lines: 5, linesMax: 4 });
  });

  test('stops a run that would change more than 1 % of the units', () => {
    const judged = judgeRun(
      many(3, (sku) => lost(20, sku)),
      totals(200, 5_000),
      rules,
    );
    expect(judged.breaker).toMatchObject({ units: 60, unitsMax: 50 });
  });

  test('counts what is quarantined: a snapshot in another unit is all quarantine', () => {
    const judged = judgeRun(
      many(9, (sku) => lost(80, sku)),
      totals(100, 1e6),
      rules,
    );
    expect(judged.breaker).toBeDefined();
  });

  test('lets single lines of a tiny catalogue pass', () => {
    expect(judgeRun([lost(1, 'a')], totals(3, 30), rules).breaker).toBeUndefined();
  });
});

describe('many lines at once are one trouble', () => {
  test('of a location', () => {
    const more = { linesAt: new Map([['store-7', 40]]) };
    const lines = many(12, (sku) => lost(1, sku, 'store-7'));
    const judged = judgeRun(lines, totals(1_000, 100_000, more), rules);
    expect(judged.outages).toMatchObject([{ kind: 'location', name: 'store-7', drifting: 12 }]);
    expect(judged.lines.every((line) => line.verdict.kind === 'explained')).toBe(true);
    expect(judged.breaker).toBeUndefined();
  });

  test('of a lane, whatever else drifts is judged by itself', () => {
    const more = { linesIn: new Map([['pos-3', 30]]) };
    const lines = [...many(12, (sku) => driftingIn('pos-3', sku)), lost(2, 'other')];
    const judged = judgeRun(lines, totals(1_000, 100_000, more), rules);
    expect(judged.outages).toMatchObject([{ kind: 'lane', name: 'pos-3' }]);
    const kinds = judged.lines.map((line) => line.verdict.kind);
    expect(kinds.filter((kind) => kind === 'explained')).toHaveLength(12);
    expect(kinds.at(-1)).toBe('correct');
  });
});
