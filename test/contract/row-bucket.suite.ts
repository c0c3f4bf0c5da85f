/** What a bucket of rows shows to somebody who is not its owner, and lets him repair (invariant 10). */

import { describe, expect, test } from 'vitest';
import type { RowBucket, Sink, StandingRow } from '../../src/ports.ts';

export interface RowBucketHarness {
  readonly bucket: RowBucket;
  /** The owner's side of the same bucket. */
  readonly sink: Sink;
  close(): Promise<void>;
}

/** `make` gives an empty bucket. */
export function rowBucketContract(name: string, make: () => Promise<RowBucketHarness>): void {
  const withBucket = (run: (harness: RowBucketHarness) => Promise<void>) => async () => {
    const harness = await make();
    try {
      await run(harness);
    } finally {
      await harness.close();
    }
  };
  const rowsAfter = async (bucket: RowBucket, after: number) => {
    const rows = new Map<string, StandingRow>();
    await bucket.scan(after, (row) => rows.set(row.key, row));
    return rows;
  };
  const highest = (rows: ReadonlyMap<string, StandingRow>) =>
    Math.max(0, ...[...rows.values()].map(({ revision }) => revision));

  describe(`row bucket contract: ${name}`, () => {
    test(
      'an empty bucket has no rows, whoever owns it',
      withBucket(async ({ bucket, sink }) => {
        expect(await bucket.extent()).toMatchObject({ rows: 0 });
        expect(await bucket.read('A')).toBeUndefined();
        await sink.takeOver(0, 5);
        await sink.write(0, [], 6);
        expect(await bucket.extent()).toMatchObject({ rows: 0 });
        expect(await rowsAfter(bucket, 0)).toEqual(new Map());
      }),
    );

    test(
      'a scan finds the rows that were written since a revision',
      withBucket(async ({ bucket, sink }) => {
        await sink.takeOver(0, 5);
        const entries = ['A', 'B=20C'].map((key) => ({ key, payload: `${key} 1` }));
        await sink.write(0, entries, 6);
        const first = await rowsAfter(bucket, 0);
        expect([...first.values()].map(({ payload }) => payload).sort()).toEqual([
          'A 1',
          'B=20C 1',
        ]);
        expect(await bucket.read('A')).toEqual(first.get('A'));
        await sink.write(0, [{ key: 'A', payload: 'A 2' }], 7);
        expect((await bucket.extent()).lastRevision).toBeGreaterThan(highest(first));
        const since = await rowsAfter(bucket, highest(first));
        expect([...since.values()].map(({ payload }) => payload)).toEqual(['A 2']);
        expect(await bucket.extent()).toMatchObject({ rows: 2 });
      }),
    );

    test(
      'a row is replaced only as it was read',
      withBucket(async ({ bucket, sink }) => {
        await sink.takeOver(0, 5);
        await sink.write(0, [{ key: 'A', payload: 'first' }], 6);
        const read = await bucket.read('A');
        await sink.write(0, [{ key: 'A', payload: 'second' }], 7);
        expect(await bucket.replace('A', 'repaired', read?.revision ?? 0)).toBe('changed');
        expect(await bucket.replace('A', 'repaired', 0)).toBe('changed');
        expect((await bucket.read('A'))?.payload).toBe('second');
        const again = await bucket.read('A');
        expect(await bucket.replace('A', 'repaired', again?.revision ?? 0)).toBe('replaced');
        expect((await bucket.read('A'))?.payload).toBe('repaired');
        expect(await bucket.replace('N', 'new', 0)).toBe('replaced');
        expect((await bucket.read('N'))?.payload).toBe('new');
      }),
    );

    test(
      'a row that was deleted is told as such, and still counts',
      withBucket(async ({ bucket, sink }) => {
        await sink.takeOver(0, 5);
        await sink.write(0, [{ key: 'A', payload: 'first' }], 6);
        const before = await rowsAfter(bucket, 0);
        const { revision = 0 } = before.get('A') ?? {};
        expect(await bucket.replace('A', undefined, revision)).toBe('replaced');
        const after = await rowsAfter(bucket, highest(before));
        expect(after.get('A')?.payload).toBeUndefined();
        expect(after.size).toBe(1);
        expect(await bucket.extent()).toMatchObject({ rows: 1 });
        const gone = await bucket.read('A');
        expect(await bucket.replace('A', 'back', gone?.revision ?? 0)).toBe('replaced');
      }),
    );

    test(
      'the owner goes on over what somebody else has replaced',
      withBucket(async ({ bucket, sink }) => {
        await sink.takeOver(0, 5);
        await sink.write(0, [{ key: 'A', payload: rowOf(1) }], 6);
        const read = await bucket.read('A');
        expect(await bucket.replace('A', rowOf(1), read?.revision ?? 0)).toBe('replaced');
        expect(await sink.write(0, [{ key: 'A', payload: rowOf(2) }], 7)).toBe('written');
        expect((await bucket.read('A'))?.payload).toBe(rowOf(2));
      }),
    );
  });
}

/** A row that says which is the newer one, as owners write them. */
function rowOf(version: number): string {
  return JSON.stringify({ sku: 'A', version, asOfSeq: version });
}
