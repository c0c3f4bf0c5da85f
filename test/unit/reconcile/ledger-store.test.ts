// The ledger between several sources: what one of them has said or was corrected by says nothing to another.

import { beforeEach, expect, test } from 'vitest';
import { openDatabase, type Sql } from '../../../src/reconcile/store/database.ts';
import { LedgerStore } from '../../../src/reconcile/store/ledger-store.ts';
import { type PostedDocument, PostedStore } from '../../../src/reconcile/store/posted-store.ts';
import { RowStore } from '../../../src/reconcile/store/row-store.ts';

let sql: Sql;
let ledger: LedgerStore;
let sap: PostedStore;
let wms: PostedStore;

beforeEach(() => {
  sql = openDatabase(':memory:');
  ledger = new LedgerStore(sql, new RowStore(sql));
  sap = new PostedStore(sql, 'sap');
  wms = new PostedStore(sql, 'wms');
});

let seq = 0;
function moved(
  location: string,
  delta: number,
  document: string,
  evidence?: { readonly source?: string },
): void {
  seq += 1;
  const movement = { location, delta, occurredAtMs: seq, channel: 'web', document };
  const movements = [evidence === undefined ? movement : { ...movement, evidence }];
  const after = { version: seq, onHand: 0, reserved: 0, available: 0 };
  const commit = { sku: 'A', firstVersion: 1, seq, atMs: seq, movements, after, setsPolicy: false };
  ledger.append([{ partition: 0, commits: [commit], seq }]);
}

function lineAt(location: string): number {
  const id = sql.prepare('SELECT id FROM line WHERE sku = ? AND location = ?').pluck();
  return id.get('A', location) as number;
}

function entriesOf(store: PostedStore, document: PostedDocument) {
  return store.acknowledge([document])[0]?.entries;
}

test('an order that is split over two places is posted where its source says so, and only there', () => {
  moved('main', -1, 'o-1');
  moved('store-1', -2, 'o-1');
  expect(entriesOf(sap, { document: 'o-1', atMs: 99, isExact: true })).toHaveLength(2);
  expect(ledger.entries(lineAt('store-1'), 'sap')).toMatchObject([{ delta: -2, postedAtMs: 99 }]);
  const [entry] = ledger.entries(lineAt('store-1'), 'wms');
  expect(entry).toMatchObject({ delta: -2 });
  expect(entry).not.toHaveProperty('postedAtMs');
  wms.acknowledge([{ document: 'o-1', lane: 'web', atMs: 77, isExact: false }]);
  expect(ledger.entries(lineAt('store-1'), 'wms')).toMatchObject([{ postedByMs: 77 }]);
  expect(entriesOf(wms, { document: 'o-1', lane: 'pos', atMs: 88, isExact: true })).toEqual([]);
});

test('a correction is one towards its own source, and to others a movement like any other', () => {
  moved('main', -3, 'c-1', { source: 'sap' });
  expect(ledger.entries(lineAt('main'), 'sap')).toMatchObject([{ correction: true }]);
  expect(ledger.corrections(lineAt('main'), 'sap')).toHaveLength(1);
  expect(ledger.entries(lineAt('main'), 'wms')[0]).not.toHaveProperty('correction');
  expect(ledger.corrections(lineAt('main'), 'wms')).toEqual([]);
  expect(entriesOf(sap, { document: 'c-1', atMs: 1, isExact: true })).toEqual([]);
});

test('what was acknowledged of a folded entry is not said of the next one', () => {
  moved('main', -1, 'old');
  sap.acknowledge([{ document: 'old', atMs: 5, isExact: true }]);
  ledger.fold([[lineAt('main'), Number.MAX_SAFE_INTEGER]]);
  moved('main', -1, 'new');
  expect(ledger.entries(lineAt('main'), 'sap')).toHaveLength(1);
  expect(ledger.entries(lineAt('main'), 'sap')[0]).not.toHaveProperty('postedAtMs');
});

test('another journal begins everything anew, for whoever has prepared statements too', () => {
  expect(ledger.belongTo('first')).toBe(false);
  moved('main', -1, 'o-1');
  expect(ledger.belongTo('second')).toBe(true);
  expect(ledger.position(0)).toBe(0);
  moved('main', -2, 'o-2');
  expect(ledger.entries(lineAt('main'), 'sap')).toMatchObject([{ delta: -2 }]);
  expect(ledger.belongTo('second')).toBe(false);
});
