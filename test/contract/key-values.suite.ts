/** What buckets do that can be listed, beside what every snapshot store does. */

import { describe, expect, test } from 'vitest';
import type { KeyValues } from '../../src/ports.ts';

export interface KeyValuesHarness {
  readonly values: KeyValues;
  /** The same bucket over another connection. */
  readonly rival: KeyValues;
  close(): Promise<void>;
}

/** `make` gives an empty bucket. */
export function keyValuesContract(name: string, make: () => Promise<KeyValuesHarness>): void {
  const withBucket = (run: (harness: KeyValuesHarness) => Promise<void>) => async () => {
    const harness = await make();
    try {
      await run(harness);
    } finally {
      await harness.close();
    }
  };
  const write = async (bucket: KeyValues, key: string, payload: string, expected: number) => {
    const done = await bucket.write(key, payload, expected);
    if (done.kind !== 'stored') throw new Error(`${key} was not stored`);
    return done.revision;
  };

  describe(`key values contract: ${name}`, () => {
    test(
      'a prefix without keys lists nothing',
      withBucket(async ({ values }) => {
        await values.write('latest', 'a', 0);
        expect(await values.list('open')).toEqual(new Map());
      }),
    );

    test(
      'lists the keys below a prefix with their newest values and revisions, and none beside it',
      withBucket(async ({ values, rival }) => {
        const first = await write(values, 'open.A', 'a1', 0);
        const second = await write(rival, 'open.A', 'a2', first);
        const other = await write(values, 'open.B=20C', 'b', 0);
        for (const key of ['open', 'opened.A', 'latest']) await write(values, key, key, 0);
        expect(Object.fromEntries(await rival.list('open'))).toEqual({
          'open.A': { revision: second, payload: 'a2' },
          'open.B=20C': { revision: other, payload: 'b' },
        });
      }),
    );

    test(
      'what was removed is not listed, until it is written again',
      withBucket(async ({ values, rival }) => {
        await values.write('open.A', 'a', 0);
        await values.write('open.B', 'b', 0);
        await values.remove('open.A');
        expect([...(await rival.list('open')).keys()]).toEqual(['open.B']);
        await values.write('open.A', 'again', 0);
        expect((await rival.list('open')).get('open.A')?.payload).toBe('again');
      }),
    );
  });
}
