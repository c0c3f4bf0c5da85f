// Invariants 1, 3 and 4: what became of an append is found out, never guessed.

import { expect, test } from 'vitest';
import type {
  AppendOutcome,
  Clock,
  Journal,
  JournalAppend,
  JournalEntry,
} from '../../../src/ports.ts';
import { noMetrics } from '../../../src/runtime/metrics.ts';
import { Committer, FencedError, MessageIds } from '../../../src/runtime/partition/committer.ts';

/** Rings at once: pauses between attempts cost nothing here. */
const impatient: Clock = {
  now: () => 0,
  after(_ms, ring) {
    queueMicrotask(ring);
    return { cancel() {} };
  },
};

/** A journal that does what the script says, and remembers what it was asked. */
function scripted(
  outcomes: ((append: JournalAppend) => AppendOutcome)[],
  lasts: (() => JournalEntry | undefined)[] = [],
) {
  const appends: JournalAppend[] = [];
  const barriers: Omit<JournalAppend, 'payload'>[] = [];
  const journal: Journal = {
    async append(request) {
      appends.push(request);
      return (outcomes.shift() as (append: JournalAppend) => AppendOutcome)(request);
    },
    async barrier(request) {
      barriers.push(request);
      return (outcomes.shift() as (append: JournalAppend) => AppendOutcome)({
        ...request,
        payload: '',
      });
    },
    async last() {
      return (lasts.shift() as () => JournalEntry | undefined)();
    },
    read: () => Promise.reject(new Error('not read here')),
    readAll: () => Promise.reject(new Error('not read here')),
  };
  const committer = new Committer(journal, impatient, new MessageIds('run-1'), 3, noMetrics);
  return { committer, appends, barriers };
}

const entry = (seq: number, messageId: string): JournalEntry => ({
  seq,
  messageId,
  storedAtMs: 0,
  payload: '',
});
const appended = (seq: number) => (): AppendOutcome => ({ kind: 'appended', seq });
const refused = (): AppendOutcome => ({ kind: 'refused' });
const unknown = (): AppendOutcome => ({ kind: 'unknown', reason: 'time-out' });
const busy = (): AppendOutcome => ({ kind: 'busy', reason: 'leader election' });

test('every append expects the last sequence that was seen (invariant 1)', async () => {
  const { committer, appends } = scripted([appended(8)]);
  expect(await committer.append(7, 'bytes')).toBe(8);
  expect(appends).toEqual([{ partition: 3, expect: 7, messageId: 'run-1.1', payload: 'bytes' }]);
});

test('no message id is used for two messages (invariant 4)', async () => {
  const { committer, appends } = scripted([appended(8), appended(9)]);
  await committer.append(7, 'one');
  await committer.append(8, 'two');
  expect(new Set(appends.map(({ messageId }) => messageId)).size).toBe(2);
});

test("somebody else's message is a fence (invariant 3)", async () => {
  const { committer } = scripted([refused], [() => entry(9, 'run-2.1')]);
  await expect(committer.append(7, 'bytes')).rejects.toThrow(FencedError);
});

test('an unknown outcome that turns out to be ours is done (invariant 3)', async () => {
  const { committer, appends } = scripted([unknown], [() => entry(8, 'run-1.1')]);
  expect(await committer.append(7, 'bytes')).toBe(8);
  expect(appends).toHaveLength(1);
});

test('an unknown outcome that left nothing is sent again with the same bytes and id', async () => {
  const { committer, appends } = scripted([unknown, appended(8)], [() => entry(7, 'run-0.9')]);
  expect(await committer.append(7, 'bytes')).toBe(8);
  expect(appends[1]).toEqual(appends[0]);
});

test('a late publish that lands after "unchanged" counts once', async () => {
  const { committer } = scripted(
    [unknown, refused],
    [() => entry(7, 'run-0.9'), () => entry(8, 'run-1.1')],
  );
  expect(await committer.append(7, 'bytes')).toBe(8);
});

test('an acknowledgement without a newer sequence proves nothing', async () => {
  const { committer } = scripted([appended(7)], [() => entry(8, 'run-1.1')]);
  expect(await committer.append(7, 'bytes')).toBe(8);
});

test('a busy journal is neither a fence nor an answer', async () => {
  const { committer, appends } = scripted([busy, busy, appended(8)]);
  expect(await committer.append(7, 'bytes')).toBe(8);
  expect(appends).toHaveLength(3);
});

test('a journal that cannot be asked keeps the outcome open until it can', async () => {
  const away = () => {
    throw new Error('no responders');
  };
  const { committer } = scripted([unknown], [away, away, () => entry(8, 'run-1.1')]);
  expect(await committer.append(7, 'bytes')).toBe(8);
});

test('a barrier that is refused by a newer message is a fence (invariant 2)', async () => {
  const { committer } = scripted([refused], [() => entry(9, 'run-2.1')]);
  await expect(committer.barrier(7)).rejects.toThrow(FencedError);
});

test('a barrier without an answer is repeated under a new id', async () => {
  const { committer, barriers } = scripted([unknown, appended(20)]);
  await committer.barrier(7);
  expect(barriers.map(({ messageId }) => messageId)).toEqual(['run-1.1', 'run-1.2']);
});

test('giving up ends the search', async () => {
  const { committer } = scripted([busy]);
  committer.abandon();
  await expect(committer.append(7, 'bytes')).rejects.toThrow(FencedError);
});
