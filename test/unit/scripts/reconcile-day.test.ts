// The judge of `npm run reconcile-day` calls wrong what is wrong: a day on which the reconciler had done
// nothing, or too much, must not pass.

import { expect, test } from 'vitest';
import type { DayResult, Exported } from '../../../scripts/reconcile-day/day.ts';
import type { Fault, Faults } from '../../../scripts/reconcile-day/faults.ts';
import { judge } from '../../../scripts/reconcile-day/judge.ts';
import type { ReportedLine, RunReport } from '../../../src/reconcile/report.ts';

const lost: Fault = { kind: 'lost', sku: 'L', document: 'o-1', units: -2 };
const shrunk: Fault = { kind: 'shrinkage', sku: 'S', units: -5 };
const gone: Fault = { kind: 'large shrinkage', sku: 'G', units: -70 };
const faults: Faults = { planted: [lost, shrunk, gone], inBoxes: 'B' };

function line(sku: string, more: Partial<ReportedLine>): ReportedLine {
  return { sku, location: 'main', observed: 0, lo: 0, hi: 0, drift: 0, ...more };
}

const stuck = line('L', { drift: 2, cause: 'posting_stuck', documents: ['o-1'] });
const boxes = { line: 1, reason: 'unit', message: 'unit "KAR" is unknown' };

function exported(more: Partial<RunReport>, inFlight: string[] = []): Exported {
  const none = { lines: 0, units: 0 };
  const lowered = { lines: more.corrected?.length ?? 0, units: 0 };
  const report = {
    ...{ run: 'r', source: 'sap', mode: 'apply', outcome: 'applied', startedAtMs: 1, endedAtMs: 2 },
    lines: { inFlight: inFlight.length },
    corrections: { lowered, raised: none, netted: none, failed: 0, quarantined: 0 },
    ...more,
  } as unknown as RunReport;
  return { name: 'an export', report, inFlight: new Set(inFlight) };
}

const early = [exported({}), exported({}, ['F'])];
const waiting = [line('S', { drift: -5 }), line('G', { drift: -70 })];
const quarantined = [line('G', { delta: -70 })];
const late = [
  exported({ explained: [stuck], waiting }),
  exported({
    ...{ explained: [stuck], quarantined, refusedLines: [boxes] },
    corrected: [line('S', { delta: -5, result: 'applied' })],
  }),
  ...[1, 2, 3].map(() => exported({ explained: [stuck], quarantined })),
];
const truncated = { outcome: 'refused', reason: 'too_few_lines' } as RunReport;
const stock = new Map([
  ['L', 8],
  ['S', 5],
  ['G', 30],
  ['F', 1],
]);
const right: DayResult = {
  exports: [...early, ...late],
  ...{ truncated, expected: stock, refused: new Map() },
};

function wrongOf(day: DayResult, onHand = stock, approved = new Map([['G', -70]])): string[] {
  return judge(faults, day, onHand, approved)
    .filter(({ isRight }) => !isRight)
    .map(({ planted }) => planted.replace(/ \(.*/, ''));
}

test('a day on which everything was found is right', () => {
  expect(wrongOf(right)).toEqual([]);
});

test('a day on which nothing was found is wrong', () => {
  const blind = { ...right, exports: right.exports.map(() => exported({}, ['F'])) };
  expect(wrongOf(blind, stock, new Map())).toEqual([
    ...['lost posting', 'shrinkage', 'shrinkage beyond the cap', 'wrong unit: a line in boxes'],
  ]);
});

test('a correction of something else is wrong, and so is one of another amount', () => {
  const other = exported({ corrected: [line('F', { delta: -1 })], explained: [stuck] });
  const more = exported({ corrected: [line('S', { delta: -4 })], explained: [stuck] });
  for (const last of [other, more]) {
    expect(wrongOf({ ...right, exports: [...right.exports, last] })).toContain('nothing else');
  }
});

test('a sale in flight that was called drift is wrong', () => {
  const accused = exported({ waiting: [line('F', { drift: -1 })] }, ['F']);
  const exports = [early[0]!, accused, ...late];
  expect(wrongOf({ ...right, exports })).toEqual(['sales in flight', 'nothing else']);
});

test('another cause, another document, and an approval that was not asked for are wrong', () => {
  const doubled = line('L', { cause: 'double_posting_suspect', documents: ['o-1'] });
  const exports = [...early, ...late.slice(1), exported({ explained: [doubled] })];
  expect(wrongOf({ ...right, exports })).toContain('lost posting');
  expect(wrongOf(right, stock, new Map([['F', -70]]))).toContain('nothing else');
});

test('stock that differs, an SKU too many and a refused command are wrong', () => {
  expect(wrongOf(right, new Map([...stock, ['F', 2]]))).toEqual(['stock of every article']);
  expect(wrongOf(right, new Map([...stock, ['X', 2]]))).toEqual(['stock of every article']);
  const refused = new Map([['unavailable', 1]]);
  expect(wrongOf({ ...right, refused })).toEqual(['commands refused']);
});
