// What the ERP says it has posted: what is understood of it, and what is only counted.

import { beforeEach, expect, test } from 'vitest';
import { takeAcknowledgements } from '../../../src/reconcile/acknowledgements.ts';
import { openDatabase } from '../../../src/reconcile/store/database.ts';
import { LedgerStore } from '../../../src/reconcile/store/ledger-store.ts';
import { PostedStore } from '../../../src/reconcile/store/posted-store.ts';
import { RowStore } from '../../../src/reconcile/store/row-store.ts';

const minute = 60_000;
const saidAtMs = 100 * minute;

let messages: string[];
let ledger: LedgerStore;
let store: PostedStore;

beforeEach(() => {
  const sql = openDatabase(':memory:');
  ledger = new LedgerStore(sql, new RowStore(sql));
  store = new PostedStore(sql, 'sap');
  messages = [];
});

function take() {
  const port = {
    async read(_source: string, after: number, each: (message: never) => void) {
      for (const [i, payload] of messages.entries()) {
        if (i + 1 > after) each({ seq: i + 1, payload, storedAtMs: saidAtMs } as never);
      }
    },
  };
  return takeAcknowledgements(port, store, 'sap');
}

let seq = 0;
function sold(document: string): void {
  seq += 1;
  const movement = { location: 'main', delta: -1, occurredAtMs: minute, channel: 'web', document };
  const after = { version: seq, onHand: 0, reserved: 0, available: 0 };
  const commit = { sku: 'A', firstVersion: 1, seq, atMs: minute, movements: [movement], after };
  ledger.append([{ partition: 0, commits: [{ ...commit, setsPolicy: false }], seq }]);
}

const entryOf = (document: string) =>
  ledger.entries(1, 'sap').find((entry) => entry.document === document);

test('documents are known exactly, or by when they had been posted', async () => {
  for (const document of ['o-1', 'o-2', 'o-3']) sold(document);
  const postedAtMs = 90 * minute;
  messages.push(JSON.stringify({ documents: [{ document: 'o-1', postedAtMs }, 'o-2'] }));
  const lag = { web: { documents: 2, maxMs: 101 * minute } };
  expect(await take()).toEqual({ documents: 2, unknown: 0, notUnderstood: 0, lag });
  expect(entryOf('o-1')).toMatchObject({ postedAtMs });
  expect(entryOf('o-2')).toMatchObject({ postedByMs: 102 * minute });
  expect(entryOf('o-3')).not.toHaveProperty('postedByMs');
  // Said again without a time: the exact one stays.
  messages.push(JSON.stringify({ documents: ['o-1'] }));
  await take();
  expect(entryOf('o-1')).toMatchObject({ postedAtMs });
});

test('a document that is not known yet is tried again', async () => {
  messages.push(JSON.stringify({ documents: ['o-9', 'theirs'] }));
  expect(await take()).toMatchObject({ documents: 2, unknown: 2 });
  sold('o-9');
  expect(await take()).toMatchObject({ documents: 0, unknown: 1 });
  expect(entryOf('o-9')).toHaveProperty('postedByMs');
});

test('what is not understood is counted, and holds up nothing', async () => {
  sold('o-1');
  messages.push('not even JSON', '[]', '{"documents":5}', '{"documents":[5,{"document":7},"o-1"]}');
  expect(await take()).toMatchObject({ documents: 1, unknown: 0, notUnderstood: 4 });
  expect(await take()).toMatchObject({ documents: 0, notUnderstood: 0 });
});

test('nothing has been posted in the future: such times prove nothing', async () => {
  sold('o-1');
  const later = saidAtMs + 60 * minute;
  messages.push(
    JSON.stringify({
      documents: [{ document: 'o-1', postedAtMs: later }],
      lanes: { web: { throughMs: later }, pos: { throughMs: 90 * minute } },
    }),
  );
  expect(await take()).toMatchObject({ documents: 0, notUnderstood: 2 });
  expect(entryOf('o-1')).not.toHaveProperty('postedAtMs');
  expect([...store.lanesPosted(later)]).toEqual([['pos', 90 * minute]]);
});
