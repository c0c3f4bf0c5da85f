// Importing a file: once, and exactly once when it was interrupted.

import { expect, test } from 'vitest';
import { type ApplyOptions, applyRows } from '../../../src/cli/import/apply.ts';
import type { ImportRecord } from '../../../src/cli/import/record.ts';

/** A stock system that remembers ids for a while, and a record store. */
class World {
  nowMs = 1_000_000;
  readonly windowMs = 600_000;
  readonly stock = new Map<string, number>();
  readonly seen = new Map<string, number>();
  readonly happened = new Set<string>();
  record: { record: ImportRecord; revision: number } | undefined;
  /** Fails after so many rows, without a word. */
  dieAfter = Number.POSITIVE_INFINITY;
  sent = 0;

  options(rows: number): ApplyOptions {
    return {
      key: 'k',
      file: 'f.csv',
      as: 'receive',
      channel: 'wms',
      rows: Array.from({ length: rows }, (_, at) => ({
        line: at + 1,
        sku: `S${at}`,
        qty: 1,
        location: undefined,
      })),
      client: {
        receive: async (request) => this.receive(request as never) as never,
        count: async () => {
          throw new Error('not in this test');
        },
      },
      records: {
        read: async () => this.record,
        write: async (_key, record, expect) => {
          if ((this.record?.revision ?? 0) !== expect) return undefined;
          this.record = { record, revision: expect + 1 };
          return expect + 1;
        },
      },
      hasHappened: async (_sku, id) => this.happened.has(id),
      now: () => this.nowMs,
      progress() {},
    };
  }

  receive({
    id,
    sku,
    qty,
    issuedAtMs,
  }: {
    id: string;
    sku: string;
    qty: number;
    issuedAtMs: number;
  }) {
    if (++this.sent > this.dieAfter) throw new Error('killed');
    const refused = (code: string) => ({
      ok: false,
      id,
      error: { code, message: sku, retry: false },
    });
    if (sku === 'S3') return refused('limit_exceeded');
    if (this.nowMs - issuedAtMs > this.windowMs) return refused('id_expired');
    const before = this.seen.get(id);
    if (before !== undefined && this.nowMs - before <= this.windowMs) {
      return { ok: true, id, sku, replayed: true };
    }
    this.seen.set(id, this.nowMs);
    this.happened.add(id);
    this.stock.set(sku, (this.stock.get(sku) ?? 0) + qty);
    return { ok: true, id, sku, qty };
  }
}

test('good rows are applied, refused ones told with their line', async () => {
  const world = new World();
  const applied = await applyRows(world.options(10));
  expect(applied.applied).toBe(9);
  expect(applied.refused).toEqual([{ line: 4, why: 'limit_exceeded: S3' }]);
});

test('the same file again does nothing, however much later', async () => {
  const world = new World();
  await applyRows(world.options(10));
  const finishedAtMs = world.nowMs;
  world.nowMs += 400 * 86_400_000;
  const again = await applyRows(world.options(10));
  expect(again).toMatchObject({ applied: 0, before: 10, finishedBeforeMs: finishedAtMs });
  expect([...world.stock.values()].every((qty) => qty === 1)).toBe(true);
});

test.each([
  ['at once', 0],
  ['after the ids have been forgotten', 86_400_000],
])('an interrupted import is finished exactly, %s', async (_when, laterMs) => {
  const world = new World();
  world.dieAfter = 7_000;
  await expect(applyRows(world.options(12_000))).rejects.toThrow('killed');
  expect(world.stock.size).toBeLessThan(12_000);
  expect(world.record?.record).toMatchObject({ doneRows: 5_000, finishedAtMs: 0 });

  world.dieAfter = Number.POSITIVE_INFINITY;
  world.nowMs += laterMs;
  const finished = await applyRows(world.options(12_000));
  expect(world.stock.size).toBe(11_999);
  expect([...world.stock.values()].every((qty) => qty === 1)).toBe(true);
  // The refused row was in the first chunk, which is not looked at again.
  expect(finished).toMatchObject({ applied: 5_000, before: 7_000, refused: [] });
});

test('two imports of one file at a time: the second one stops', async () => {
  const world = new World();
  const options = world.options(10);
  const write = options.records.write;
  const raced: ApplyOptions = {
    ...options,
    records: {
      read: async () => undefined,
      write: async (key, record, expect) => {
        if (expect === 0) await write(key, record, 0);
        return write(key, record, expect);
      },
    },
  };
  await expect(applyRows(raced)).rejects.toThrow(/somebody else/);
});
