/** What every journal does, in memory and on a real server (invariants 1–5 rest on it). */

import { describe, expect, test } from 'vitest';
import type { AppendOutcome, Journal, JournalEntry } from '../../src/ports.ts';

export interface JournalHarness {
  readonly journal: Journal;
  /** The same journal over another connection. */
  readonly rival: Journal;
  close(): Promise<void>;
}

let counter = 0;
const nextId = () => `suite.${process.pid}.${counter++}`;

function seqOf(outcome: AppendOutcome): number {
  expect(outcome.kind).toBe('appended');
  return outcome.kind === 'appended' ? outcome.seq : 0;
}

/** `make` gives an empty journal with at least two partitions. */
export function journalContract(name: string, make: () => Promise<JournalHarness>): void {
  const withJournal = (run: (harness: JournalHarness) => Promise<void>) => async () => {
    const harness = await make();
    try {
      await run(harness);
    } finally {
      await harness.close();
    }
  };
  const append = (journal: Journal, expect: number, payload: string, partition = 0) =>
    journal.append({ partition, expect, messageId: nextId(), payload });
  const contents = async (journal: Journal, from: number, to: number, partition = 0) => {
    const entries: JournalEntry[] = [];
    await journal.read(partition, { from, to }, (entry) => entries.push(entry));
    return entries;
  };

  describe(`journal contract: ${name}`, () => {
    test(
      'an empty partition has no last message and takes its first one expecting 0',
      withJournal(async ({ journal }) => {
        expect(await journal.last(0)).toBeUndefined();
        const seq = seqOf(await append(journal, 0, 'first'));
        expect(seq).toBeGreaterThan(0);
        const last = await journal.last(0);
        expect(last).toMatchObject({ seq, payload: 'first' });
        expect(last?.storedAtMs).toBeGreaterThan(1_000_000_000_000);
      }),
    );

    test(
      'a message is stored only where its expectation holds',
      withJournal(async ({ journal, rival }) => {
        const first = seqOf(await append(journal, 0, 'first'));
        expect(await append(rival, 0, 'second of two')).toEqual({ kind: 'refused' });
        expect(await append(rival, first + 7, 'from the future')).toEqual({ kind: 'refused' });
        expect((await journal.last(0))?.payload).toBe('first');
        const second = seqOf(await append(rival, first, 'second'));
        expect(await append(journal, first, 'displaced')).toEqual({ kind: 'refused' });
        expect(second).toBeGreaterThan(first);
        expect((await contents(journal, 1, second)).map((entry) => entry.payload)).toEqual([
          'first',
          'second',
        ]);
      }),
    );

    test(
      'partitions do not disturb each other',
      withJournal(async ({ journal }) => {
        const here = seqOf(await append(journal, 0, 'here', 0));
        const there = seqOf(await append(journal, 0, 'there', 1));
        const again = seqOf(await append(journal, here, 'here again', 0));
        expect((await journal.last(1))?.seq).toBe(there);
        const entries = await contents(journal, 1, again);
        expect(entries.map((entry) => entry.seq)).toEqual([here, again]);
      }),
    );

    test(
      'of several appends with one expectation exactly one is stored',
      withJournal(async ({ journal, rival }) => {
        const outcomes = await Promise.all(
          [0, 1, 2, 3, 4, 5].map((index) =>
            append(index % 2 ? journal : rival, 0, `attempt ${index}`),
          ),
        );
        expect(outcomes.filter((outcome) => outcome.kind === 'appended')).toHaveLength(1);
        const last = await journal.last(0);
        expect(await contents(journal, 1, last?.seq ?? 0)).toHaveLength(1);
      }),
    );

    test(
      'an append that has to wait for another one with its expectation (10164) has not been stored',
      withJournal(async ({ journal, rival }) => {
        let expected = 0;
        for (let round = 0; round < 25; round++) {
          const outcomes = await Promise.all(
            [journal, rival].map((one, at) => append(one, expected, `${round}.${at}`)),
          );
          const winners = outcomes.filter((outcome) => outcome.kind === 'appended');
          expect(winners).toHaveLength(1);
          for (const { kind } of outcomes) expect(['appended', 'busy', 'refused']).toContain(kind);
          expected = seqOf(winners[0] as AppendOutcome);
          const last = await journal.last(0);
          expect(last?.payload).toBe(`${round}.${outcomes.indexOf(winners[0] as AppendOutcome)}`);
        }
        expect(await contents(journal, 1, expected)).toHaveLength(25);
      }),
    );

    test(
      'the same message again is not stored twice and is not called appended',
      withJournal(async ({ journal }) => {
        const message = { partition: 0, expect: 0, messageId: nextId(), payload: 'once' };
        const seq = seqOf(await journal.append(message));
        const again = await journal.append(message);
        expect(['refused', 'unknown']).toContain(again.kind);
        expect(await journal.last(0)).toMatchObject({ seq, messageId: message.messageId });
      }),
    );

    test(
      'a reused message id loses the new content and is not called appended',
      withJournal(async ({ journal }) => {
        const messageId = nextId();
        const seq = seqOf(
          await journal.append({ partition: 0, expect: 0, messageId, payload: 'kept' }),
        );
        const swallowed = await journal.append({
          partition: 0,
          expect: seq,
          messageId,
          payload: 'swallowed',
        });
        expect(swallowed.kind).toBe('unknown');
        expect((await journal.last(0))?.payload).toBe('kept');
      }),
    );

    test(
      'a barrier passes only while the expectation holds, and leaves nothing in the partition',
      withJournal(async ({ journal, rival }) => {
        const barrier = (expect: number, who = journal) =>
          who.barrier({ partition: 0, expect, messageId: nextId() });
        expect((await barrier(0)).kind).toBe('appended');
        const first = seqOf(await append(journal, 0, 'first'));
        expect((await barrier(first)).kind).toBe('appended');
        expect((await barrier(first)).kind).toBe('appended');
        expect(await barrier(0)).toEqual({ kind: 'refused' });
        const second = seqOf(await append(rival, first, 'second'));
        expect(await barrier(first)).toEqual({ kind: 'refused' });
        expect((await barrier(second, rival)).kind).toBe('appended');
        expect((await journal.last(0))?.seq).toBe(second);
        expect(await contents(journal, 1, second)).toHaveLength(2);
      }),
    );

    test(
      'reads a range of many messages in order, ends included, each as it was written',
      withJournal(async ({ journal }) => {
        const seqs: number[] = [];
        const ids: string[] = [];
        for (let index = 0; index < 130; index++) {
          const messageId = nextId();
          const payload = JSON.stringify({ index, text: `Ü "€" ${index}` });
          const outcome = await journal.append({
            partition: index % 3 === 2 ? 1 : 0,
            expect:
              index % 3 === 2
                ? (seqs.filter((_, i) => i % 3 === 2).at(-1) ?? 0)
                : (seqs.filter((_, i) => i % 3 !== 2).at(-1) ?? 0),
            messageId,
            payload,
          });
          seqs.push(seqOf(outcome));
          ids.push(messageId);
        }
        const mine = seqs.filter((_, index) => index % 3 !== 2);
        const from = mine[5] as number;
        const to = mine[80] as number;
        const entries = await contents(journal, from, to);
        expect(entries.map((entry) => entry.seq)).toEqual(mine.slice(5, 81));
        for (const entry of entries) {
          const index = seqs.indexOf(entry.seq);
          expect(entry.messageId).toBe(ids[index]);
          expect(JSON.parse(entry.payload)).toEqual({ index, text: `Ü "€" ${index}` });
        }
        expect(await contents(journal, to, to)).toHaveLength(1);

        const all: (readonly [number, number])[] = [];
        await journal.readAll({ from, to: seqs.at(-1) as number }, (partition, entry) => {
          const index = seqs.indexOf(entry.seq);
          expect(JSON.parse(entry.payload)).toEqual({ index, text: `Ü "€" ${index}` });
          all.push([entry.seq, partition]);
        });
        const expected = seqs.map((seq, index) => [seq, index % 3 === 2 ? 1 : 0]);
        expect(all).toEqual(expected.slice(seqs.indexOf(from)));
      }),
    );
  });
}
