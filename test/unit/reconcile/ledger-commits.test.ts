/** The ledger in SQLite: each commit once, and which lines have a balance that can be compared. */

import { expect, test } from 'vitest';
import type { Movement } from '../../../src/domain/reconciliation/movements.ts';
import { openDatabase, type Sql } from '../../../src/reconcile/store/database.ts';
import { type CommitEntries, LedgerStore } from '../../../src/reconcile/store/ledger-store.ts';
import { RowStore } from '../../../src/reconcile/store/row-store.ts';

let sql: Sql;

function movement(location: string, delta: number): Movement {
  return { location, delta, occurredAtMs: 1_000, channel: 'wms', document: 'd-1' };
}

function commit(firstVersion: number, movements: readonly Movement[]): CommitEntries {
  const after = { version: firstVersion, onHand: 5, reserved: 0, available: 5 };
  const seq = firstVersion;
  return { sku: 'A', firstVersion, seq, atMs: 1_000, movements, after, setsPolicy: false };
}

function ledgerWith(...commits: readonly CommitEntries[]): LedgerStore {
  sql = openDatabase(':memory:');
  const ledger = new LedgerStore(sql, new RowStore(sql));
  // One after another, as they are read.
  for (const one of commits) ledger.append([{ partition: 0, commits: [one], seq: one.seq }]);
  return ledger;
}

function lineAt(location: string): { readonly id: number; readonly isTruncated: number } {
  const line = sql.prepare('SELECT id, isTruncated FROM line WHERE sku = ? AND location = ?');
  return line.get('A', location) as { id: number; isTruncated: number };
}

test('a SKU whose first event moved nothing has its whole beginning all the same', () => {
  // Released before it was made: an id is spent, and no goods have come yet.
  ledgerWith(commit(1, []), commit(2, [movement('main', 5)]));
  expect(lineAt('main').isTruncated).toBe(0);
});

test('a SKU whose first events the journal has lost is without beginning, at every location', () => {
  ledgerWith(commit(7, []), commit(8, [movement('main', 5)]), commit(9, [movement('store', 1)]));
  expect(lineAt('main').isTruncated).toBe(1);
  expect(lineAt('store').isTruncated).toBe(1);
});

test('a location that is used later is as complete as its SKU', () => {
  ledgerWith(commit(1, [movement('main', 5)]), commit(9, [movement('store', 1)]));
  expect(lineAt('store').isTruncated).toBe(0);
});

test('what two readings bring counts once, and the slower one moves the position nowhere', () => {
  const first = commit(1, [movement('main', 5)]);
  const second = commit(2, [movement('main', -2)]);
  const third = commit(3, [movement('main', 4)]);
  const ledger = ledgerWith(first);
  // Both have begun behind the first commit; one of them sees further.
  ledger.append([{ partition: 0, commits: [second, third], seq: 3 }]);
  ledger.append([{ partition: 0, commits: [second], seq: 2 }]);
  expect(ledger.entries(lineAt('main').id, 'erp').map(({ delta }) => delta)).toEqual([5, -2, 4]);
  expect(ledger.position(0)).toBe(3);
});
