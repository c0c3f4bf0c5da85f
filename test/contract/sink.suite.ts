/** What every derived stream or bucket does (invariant 10). */

import { describe, expect, test } from 'vitest';
import type { Sink } from '../../src/ports.ts';

export interface SinkHarness {
  readonly sink: Sink;
  /** The same sink as another node sees it. */
  readonly rival: Sink;
  /** The key's newest payload. */
  row(key: string): Promise<string | undefined>;
  /** Every payload of the key in order, where the sink keeps every message; else undefined. */
  readonly messages: ((key: string) => Promise<readonly string[]>) | undefined;
  close(): Promise<void>;
}

/** `make` gives an empty sink with at least two partitions. */
export function sinkContract(name: string, make: () => Promise<SinkHarness>): void {
  const withSink = (run: (harness: SinkHarness) => Promise<void>) => async () => {
    const harness = await make();
    try {
      await run(harness);
    } finally {
      await harness.close();
    }
  };
  const entry = (key: string, payload: string, messageId?: string) =>
    messageId === undefined ? { key, payload } : { key, payload, messageId };

  describe(`sink contract: ${name}`, () => {
    test(
      'a first owner finds nothing, writes, and its successor learns how far it came',
      withSink(async ({ sink, rival, row }) => {
        expect(await sink.takeOver(0, 5)).toEqual({ kind: 'taken', completeTo: 0 });
        expect(await sink.write(0, [entry('A', 'a1', 'A.1'), entry('B', 'b1', 'B.1')], 6)).toBe(
          'written',
        );
        expect(await sink.write(0, [entry('A', 'a2', 'A.2')], 9)).toBe('written');
        expect(await row('A')).toBe('a2');
        expect(await row('B')).toBe('b1');
        expect(await rival.takeOver(0, 12)).toEqual({ kind: 'taken', completeTo: 9 });
      }),
    );

    test(
      'a write without entries still moves the mark',
      withSink(async ({ sink, rival }) => {
        await sink.takeOver(0, 5);
        expect(await sink.write(0, [], 11)).toBe('written');
        expect(await rival.takeOver(0, 12)).toEqual({ kind: 'taken', completeTo: 11 });
      }),
    );

    test(
      'a displaced owner writes nothing and is told so',
      withSink(async ({ sink, rival, row }) => {
        await sink.takeOver(0, 5);
        await sink.write(0, [entry('A', 'old', 'A.1')], 6);
        await rival.takeOver(0, 8);
        expect(await rival.write(0, [entry('A', 'new', 'A.2')], 9)).toBe('written');
        expect(
          await sink.write(0, [entry('A', 'zombie', 'A.3'), entry('C', 'zombie', 'C.1')], 10),
        ).toBe('displaced');
        expect(await row('A')).toBe('new');
        expect(await row('C')).toBeUndefined();
        expect(await sink.takeOver(0, 5)).toEqual({ kind: 'displaced' });
        expect(await rival.write(0, [entry('A', 'newer', 'A.4')], 11)).toBe('written');
        expect(await row('A')).toBe('newer');
      }),
    );

    test(
      'taking over again with the same claim is fine',
      withSink(async ({ sink }) => {
        await sink.takeOver(0, 5);
        await sink.write(0, [entry('A', 'a', 'A.1')], 6);
        expect(await sink.takeOver(0, 5)).toEqual({ kind: 'taken', completeTo: 6 });
        expect(await sink.write(0, [entry('A', 'b', 'A.2')], 7)).toBe('written');
      }),
    );

    test(
      'partitions have owners of their own',
      withSink(async ({ sink, rival, row }) => {
        await sink.takeOver(0, 5);
        await rival.takeOver(1, 6);
        expect(await sink.write(0, [entry('A', 'a', 'A.1')], 7)).toBe('written');
        expect(await rival.write(1, [entry('Z', 'z', 'Z.1')], 8)).toBe('written');
        expect(await row('A')).toBe('a');
        expect(await row('Z')).toBe('z');
        expect(await rival.takeOver(0, 9)).toEqual({ kind: 'taken', completeTo: 7 });
      }),
    );

    test(
      'many entries arrive in order',
      withSink(async ({ sink, row, messages }) => {
        await sink.takeOver(0, 5);
        const entries = Array.from({ length: 500 }, (_, index) =>
          entry(`K${index % 20}`, `value ${index}`, `K${index % 20}.${index}`),
        );
        expect(await sink.write(0, entries, 6)).toBe('written');
        expect(await row('K0')).toBe('value 480');
        expect(await row('K19')).toBe('value 499');
        if (messages) {
          expect(await messages('K3')).toEqual(
            Array.from({ length: 25 }, (_, index) => `value ${3 + 20 * index}`),
          );
        }
      }),
    );

    test(
      'entries that are repeated after a doubtful write are kept once',
      withSink(async ({ sink, rival, row, messages }) => {
        await sink.takeOver(0, 5);
        await sink.write(0, [entry('A', 'a1', 'A.1'), entry('A', 'a2', 'A.2')], 6);
        expect(await sink.write(0, [entry('A', 'a2', 'A.2'), entry('A', 'a3', 'A.3')], 7)).toBe(
          'written',
        );
        await rival.takeOver(0, 8);
        expect(await rival.write(0, [entry('A', 'a3', 'A.3'), entry('A', 'a4', 'A.4')], 9)).toBe(
          'written',
        );
        expect(await row('A')).toBe('a4');
        if (messages) expect(await messages('A')).toEqual(['a1', 'a2', 'a3', 'a4']);
      }),
    );
  });
}
