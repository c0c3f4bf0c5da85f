// The check of read models against buckets that lose what a real server might lose: a purge, a restart that comes
// back with less than had been acknowledged, a writer that is dead.

import { beforeEach, expect, test } from 'vitest';
import { skuKeyOf } from '../../../src/domain/names.ts';
import type { RowBucket, StandingRow } from '../../../src/ports.ts';
import { Pace } from '../../../src/reconcile/pace.ts';
import { openDatabase } from '../../../src/reconcile/store/database.ts';
import { RowStore } from '../../../src/reconcile/store/row-store.ts';
import { ViewCheck } from '../../../src/reconcile/view-check.ts';

/** Time passes when somebody waits for it. */
const clock = {
  now: () => 0,
  after: (_ms: number, ring: () => void) => {
    queueMicrotask(ring);
    return { cancel() {} };
  },
};

class FakeBucket implements RowBucket {
  readonly name: string;
  readonly rows = new Map<string, StandingRow>();
  readonly scans: number[] = [];
  last = 0;

  constructor(name: string) {
    this.name = name;
  }

  put(key: string, payload: string | undefined): void {
    this.last += 1;
    this.rows.set(key, { key, revision: this.last, payload });
  }

  async scan(after: number, each: (row: StandingRow) => void) {
    this.scans.push(after);
    for (const row of this.rows.values()) if (row.revision > after) each(row);
  }

  async extent() {
    return { rows: this.rows.size, lastRevision: this.last };
  }

  async read(key: string) {
    return this.rows.get(key);
  }

  async replace(key: string, payload: string | undefined, expect: number) {
    if ((this.rows.get(key)?.revision ?? 0) !== expect) return 'changed' as const;
    this.put(key, payload);
    return 'replaced' as const;
  }
}

interface Sku {
  available: number;
  version: number;
  seq: number;
}

const skus = new Map<string, Sku>();
let stock: FakeBucket;
let web: FakeBucket;
let rows: RowStore;
let asked: string[];
/** Called while a check waits. */
let meanwhile: () => void;
let ownersOnly: Set<string>;

function rowsOf(sku: string, { available, version, seq }: Sku) {
  const moment = { version, asOfSeq: seq, updatedAtMs: seq };
  const counts = { onHand: available, reserved: 0 };
  const fields = { ...counts, safetyStock: 0, reservations: 0, locations: { main: counts } };
  const status = available > 0 ? 'in_stock' : 'out_of_stock';
  return {
    stock: JSON.stringify({ sku, available, ...fields, ...moment }),
    'view.web': JSON.stringify({ sku, available, status, ...moment }),
  };
}

/** The SKU changes; its owner writes the rows, unless it is dead. */
function change(sku: string, available: number, writes = true): void {
  const before = skus.get(sku);
  const now = { available, version: (before?.version ?? 0) + 1, seq: nextSeq() };
  skus.set(sku, now);
  if (writes) write(sku);
}

function write(sku: string): void {
  const owned = rowsOf(sku, skus.get(sku)!);
  stock.put(skuKeyOf(sku), owned.stock);
  web.put(skuKeyOf(sku), owned['view.web']);
}

let seq = 0;
const nextSeq = () => {
  seq += 1;
  return seq;
};

async function sync(): Promise<void> {
  meanwhile();
  for (const [sku, { available, version, seq: at }] of skus) {
    const after = { version, onHand: available, reserved: 0, available };
    rows.record({ sku, seq: at, after, setsPolicy: false, firstVersion: 1 });
  }
}

async function check(repairs = true) {
  const owners = {
    async rowsOf(_partition: number, names: readonly string[]) {
      asked.push(...names);
      return new Map(
        names.map((sku) => {
          const known = skus.get(sku);
          return [sku, known && rowsOf(sku, known)];
        }),
      );
    },
  };
  asked = [];
  const viewCheck = new ViewCheck({ clock, buckets: [stock, web], owners, ownersOnly }, rows, 4);
  await sync();
  return viewCheck.check({ repairs, sync, pace: new Pace(clock) });
}

beforeEach(() => {
  skus.clear();
  stock = new FakeBucket('stock');
  web = new FakeBucket('view.web');
  rows = new RowStore(openDatabase(':memory:'));
  meanwhile = () => {};
  ownersOnly = new Set();
  for (let i = 0; i < 20; i += 1) change(`S ${i}`, 10 + i);
});

const nothing = { missing: 0, different: 0, strangers: 0, rewritten: 0 };

test('what is as it should be is read once, and nobody is asked', async () => {
  expect(await check()).toMatchObject([
    { bucket: 'stock', checked: 20, ...nothing },
    { bucket: 'view.web', checked: 20, ...nothing },
  ]);
  change('S 3', 2);
  expect(await check()).toMatchObject([nothing, nothing]);
  expect(asked).toEqual([]);
  expect(web.scans).toEqual([0, 20]);
});

test('rows that vanished without a trace are found, also where others were deleted before', async () => {
  web.put('NOBODY', '{"sku":"NOBODY","available":5}');
  web.put('no=key', '{}');
  expect(await check()).toMatchObject([nothing, { strangers: 2, rewritten: 2 }]);
  web.rows.delete(skuKeyOf('S 5'));
  expect(await check()).toMatchObject([nothing, { missing: 1, rewritten: 1 }]);
  expect(await check()).toMatchObject([nothing, nothing]);
});

test('a bucket that came back with less than had been seen is read as a whole', async () => {
  await check();
  change('S 5', 1);
  await check();
  // The server forgets the last write, and the next one takes its revision.
  web.last -= 1;
  web.rows.set(skuKeyOf('S 5'), { key: skuKeyOf('S 5'), revision: 6, payload: '{"old":true}' });
  expect(await check()).toMatchObject([nothing, { different: 1, rewritten: 1 }]);
});

test('a row whose writer is dead is found, whether its SKU moves or not', async () => {
  await check();
  change('S 1', 5, false);
  expect(await check()).toMatchObject([
    { different: 1, rewritten: 1 },
    { different: 1, rewritten: 1 },
  ]);
  let available = 500;
  change('S 2', available, false);
  meanwhile = () => {
    available -= 1;
    change('S 2', available, false);
  };
  expect(await check()).toMatchObject([
    { different: 1, rewritten: 1 },
    { different: 1, rewritten: 1 },
  ]);
});

test('a row that is written while the check waits follows its owner', async () => {
  await check();
  change('S 1', 5, false);
  meanwhile = () => change('S 1', skus.get('S 1')!.available - 1);
  expect(await check()).toMatchObject([nothing, nothing]);
});

test('where only owners know, they are asked once, and again when the SKU or the row has changed', async () => {
  ownersOnly.add('view.web');
  expect(await check()).toMatchObject([nothing, nothing]);
  expect(asked).toHaveLength(20);
  await check();
  expect(asked).toEqual([]);
  change('S 7', 1);
  await check();
  expect(asked).toEqual(['S 7']);
  web.put(skuKeyOf('S 8'), rowsOf('S 8', { ...skus.get('S 8')!, available: 99 })['view.web']);
  expect(await check()).toMatchObject([nothing, { different: 1, rewritten: 1 }]);
});

test('what a look has not come to, because it was given up, the next one finds', async () => {
  await check();
  // More rows than one piece of a look has, the wrong ones in the last.
  for (let i = 0; i < 1_500; i += 1) change(`T ${i}`, 10);
  await check();
  for (let i = 0; i < 1_500; i += 1) web.put(skuKeyOf(`T ${i}`), 'broken');
  const hasty = { breathe: () => Promise.reject(new Error('given up')) } as unknown as Pace;
  const owners = { rowsOf: async () => new Map() };
  const viewCheck = new ViewCheck({ clock, buckets: [stock, web], owners, ownersOnly }, rows, 4);
  await expect(viewCheck.look(hasty)).rejects.toThrow('given up');
  expect((await viewCheck.look(new Pace(clock))).suspects).toHaveLength(1_500);
});

test('what a dry run finds is found again', async () => {
  await check();
  web.put(skuKeyOf('S 8'), 'broken');
  expect(await check(false)).toMatchObject([nothing, { different: 1, rewritten: 0 }]);
  expect(await check()).toMatchObject([nothing, { different: 1, rewritten: 1 }]);
});
