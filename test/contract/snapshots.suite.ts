/** What every snapshot store does (invariant 6). */

import { describe, expect, test } from 'vitest';
import type { Snapshots } from '../../src/ports.ts';

export interface SnapshotsHarness {
  readonly snapshots: Snapshots;
  /** The same store over another connection. */
  readonly rival: Snapshots;
  close(): Promise<void>;
}

/** `make` gives an empty store. */
export function snapshotsContract(name: string, make: () => Promise<SnapshotsHarness>): void {
  const withStore = (run: (harness: SnapshotsHarness) => Promise<void>) => async () => {
    const harness = await make();
    try {
      await run(harness);
    } finally {
      await harness.close();
    }
  };
  const write = async (store: Snapshots, key: string, payload: string, expected: number) => {
    const done = await store.write(key, payload, expected);
    expect(done.kind).toBe('stored');
    return done.kind === 'stored' ? done.revision : 0;
  };

  describe(`snapshots contract: ${name}`, () => {
    test(
      'a key that was never written reads as nothing',
      withStore(async ({ snapshots }) => {
        expect(await snapshots.read('0.checkpoint')).toBeUndefined();
      }),
    );

    test(
      'what was written is read over any connection, with its revision',
      withStore(async ({ snapshots, rival }) => {
        const payload = JSON.stringify({ text: 'Ü€', list: [1, 2, 3] });
        const revision = await write(snapshots, '3.p.0_a=20b-C', payload, 0);
        expect(await rival.read('3.p.0_a=20b-C')).toEqual({ revision, payload });
      }),
    );

    test(
      'a value is replaced only by who knows its revision',
      withStore(async ({ snapshots, rival }) => {
        const first = await write(snapshots, 'k', 'first', 0);
        expect(await rival.write('k', 'other', 0)).toEqual({ kind: 'conflict' });
        const second = await write(rival, 'k', 'second', first);
        expect(second).toBeGreaterThan(first);
        expect(await snapshots.write('k', 'late', first)).toEqual({ kind: 'conflict' });
        expect((await snapshots.read('k'))?.payload).toBe('second');
      }),
    );

    test(
      'of several writers with one revision exactly one is stored',
      withStore(async ({ snapshots, rival }) => {
        const outcomes = await Promise.all(
          [0, 1, 2, 3].map((index) => (index % 2 ? snapshots : rival).write('k', `${index}`, 0)),
        );
        const winner = outcomes.findIndex((outcome) => outcome.kind === 'stored');
        expect(outcomes.filter((outcome) => outcome.kind === 'stored')).toHaveLength(1);
        expect((await snapshots.read('k'))?.payload).toBe(`${winner}`);
      }),
    );

    test(
      'removes a key and everything below it, and nothing beside it',
      withStore(async ({ snapshots }) => {
        for (const key of ['1.a', '1.a.x', '1.a.x.y', '1.ab', '1.b']) {
          await write(snapshots, key, key, 0);
        }
        await snapshots.remove('1.a');
        for (const key of ['1.a', '1.a.x', '1.a.x.y']) {
          expect(await snapshots.read(key)).toBeUndefined();
        }
        expect((await snapshots.read('1.ab'))?.payload).toBe('1.ab');
        expect((await snapshots.read('1.b'))?.payload).toBe('1.b');
        await write(snapshots, '1.a', 'new', 0);
        await snapshots.remove('9.nothing');
      }),
    );
  });
}
