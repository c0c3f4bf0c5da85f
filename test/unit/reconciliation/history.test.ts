// What is remembered of a line from snapshot to snapshot.

import { expect, test } from 'vitest';
import { assess } from '../../../src/domain/reconciliation/assess.ts';
import {
  type LineHistory,
  noHistory,
  observationsOf,
  remember,
} from '../../../src/domain/reconciliation/history.ts';
import type { LedgerEntry } from '../../../src/domain/reconciliation/ledger.ts';
import { defaultReconciliationRules as rules } from '../../../src/domain/reconciliation/settings.ts';
import { lanes, moved, observed } from './line.ts';

/** The history after the ERP has shown these numbers, ten minutes apart from minute 100. */
function after(quantities: readonly number[], entries: readonly LedgerEntry[] = []): LineHistory {
  return quantities.reduce((history: LineHistory, qty, i) => {
    const newest = observed(qty, 100 + 10 * i);
    const observations = observationsOf(history, newest);
    const line = { opening: 100, entries, observations, unheardUnits: 0 };
    return remember(history, newest, assess(line, rules, lanes), 3);
  }, noHistory);
}

const minutesOf = (history: LineHistory) =>
  observationsOf(history, observed(0, 0)).map((item) => item.window.asOfFromMs / 60_000);

test('an exact agreement makes everything before it immaterial', () => {
  expect(after([97, 97, 100])).toEqual({ anchor: observed(100, 120), recent: [] });
});

test('a line with drift keeps its newest observations and the one from before the drift', () => {
  const history = after([100, 97, 97, 97, 97, 97]);
  expect(minutesOf(history)).toEqual([100, 130, 140, 150, 0]);
});

test('an agreement within work in flight is remembered, since it may hide a drift', () => {
  expect(minutesOf(after([99, 99], [moved(-1, 95)]))).toEqual([100, 110, 0]);
});

test('an explanation is remembered until the line agrees exactly', () => {
  const lost = [moved(-4, 95)];
  const uncertain = after([100, 100, 100, 100], lost);
  expect(uncertain.explained).toMatchObject({ most: 4, by: { cause: 'posting_stuck' } });
  expect(after([100, 100, 100, 100, 96], lost).explained).toBeUndefined();
});
