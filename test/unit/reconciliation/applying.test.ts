/** Corrections go out with the ledger that they were computed from, whatever is learnt meanwhile. */

import { expect, test } from 'vitest';
import { encodeJournalMessage } from '../../../src/contract/journal-message.ts';
import { defaultReconciliationRules } from '../../../src/domain/reconciliation/settings.ts';
import type { Journal } from '../../../src/ports.ts';
import { applyComparison } from '../../../src/reconcile/applying.ts';
import { compareStaged } from '../../../src/reconcile/compare.ts';
import type { Correction, CorrectionOutcome } from '../../../src/reconcile/correcting.ts';
import type { JudgingContext } from '../../../src/reconcile/line-case.ts';
import { Pace } from '../../../src/reconcile/pace.ts';
import { defaultReconcileSettings } from '../../../src/reconcile/settings.ts';
import type { SourceContext } from '../../../src/reconcile/source-context.ts';
import { openDatabase } from '../../../src/reconcile/store/database.ts';
import { HistoryStore } from '../../../src/reconcile/store/history-store.ts';
import { LedgerStore } from '../../../src/reconcile/store/ledger-store.ts';
import { RowStore } from '../../../src/reconcile/store/row-store.ts';
import { SnapshotStore } from '../../../src/reconcile/store/snapshot-store.ts';
import { UnheardUnits } from '../../../src/reconcile/unheard.ts';
import { lanes, minute, readAt } from './line.ts';

const comparedSeq = 10;
const laterSeq = 20;
const clock = { now: () => 0, after: () => ({ cancel: () => {} }) };
/** One snapshot is enough. */
const rules = { ...defaultReconciliationRules, proofsToLower: 1 };
const settings = { ...defaultReconcileSettings, rules, correctionsInFlightMax: 1 };

/** A journal that has moved on since the comparison. */
const journal = {
  last: async () => ({ seq: laterSeq }),
  read: async (_partition: number, _range: object, each: (entry: object) => void) => {
    const header = { kind: 'commit', expect: comparedSeq, atMs: 1, incarnation: 'n', epoch: 'n' };
    each({ seq: laterSeq, payload: encodeJournalMessage(header as never) });
  },
} as unknown as Journal;

test('a line is corrected as of its own comparison, also when another had to be compared again', async () => {
  const sql = openDatabase(':memory:');
  const ledger = new LedgerStore(sql, new RowStore(sql));
  const after = { version: 1, onHand: 20, reserved: 0, available: 20 };
  const movements = ['attic', 'main'].map((location) => ({
    ...{ location, delta: 10, occurredAtMs: 0, channel: 'web', document: 'd-1' },
  }));
  const commit = { sku: 'A', firstVersion: 1, seq: comparedSeq, atMs: 0, movements, after };
  ledger.append([{ partition: 0, commits: [{ ...commit, setsPolicy: false }], seq: comparedSeq }]);
  const histories = new HistoryStore(sql, 'erp');
  const snapshots = new SnapshotStore(sql, 'erp', histories);
  snapshots.stage(['attic', 'main'].map((location) => ({ sku: 'A', location, qty: 7 })));
  const judging: JudgingContext = {
    ...{ source: 'erp', ledger, histories, settings, lanes, partitions: 1 },
    window: readAt(1_000),
    unheard: new UnheardUnits([], 0),
    foldsBeforeMs: 0,
  };
  const pace = new Pace(clock);
  const options = { keeps: true, nowMs: 1_001 * minute, pace };
  const comparison = await compareStaged(judging, snapshots, options);

  const sent: Correction[] = [];
  const correct = async (correction: Correction): Promise<CorrectionOutcome> => {
    sent.push(correction);
    return { kind: sent.length === 1 ? 'stock_changed' : 'applied' };
  };
  const source = {
    ...{ name: 'erp', ledger, snapshots, settings, journal, clock, partitions: 1 },
    corrector: { correct },
    quarantine: { renew: async () => {} },
    isLeading: () => true,
  } as unknown as SourceContext;
  await applyComparison(source, judging, comparison);

  const seen = sent.map(({ location, evidence }) => [location, evidence.asOfSeq]);
  expect(seen).toEqual([
    ['attic', comparedSeq],
    ['attic', laterSeq],
    ['main', comparedSeq],
  ]);
});
