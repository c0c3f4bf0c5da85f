/**
 * What servers do besides what they promise, one test by name for each: the twins do it, too. What they
 * promise all the same is in the suites; changes of leaders are held against a recording
 * (`test/sim/leader-change`).
 */

import { expect, test } from 'vitest';
import type { AppendOutcome, StoredFact } from '../../src/ports.ts';
import { Bench } from '../sim/twins/bench.ts';
import { factsTwin } from '../sim/twins/facts.ts';
import { journalTwin } from '../sim/twins/journal.ts';
import { membersTwin } from '../sim/twins/members.ts';

const record = (name: string) => {
  return { name, incarnation: `${name}.1`, partitions: [], startedAtMs: 0, renewedAtMs: 0 };
};

test('stale direct reads: a replica that lags hands over a beginning, never a gap and never nothing', async () => {
  const bench = new Bench({ replicas: 3, partitions: 1 }, 1, { 'replica-stale': 0.7 });
  const facts = factsTwin(bench.link('a'));
  const published = Array.from({ length: 20 }, (_, index) => {
    const fact = { source: 'pos', verb: 'sell', skuKey: 'A', payload: '{}' };
    return bench.world.facts.publish({ ...fact, messageId: `pos.A.${index}` });
  });
  const lengths = new Set<number>();
  for (let time = 0; time < 40; time++) {
    const read: readonly StoredFact[] = await facts.read(0, 0, 100);
    expect(read.map(({ seq }) => seq)).toEqual(published.slice(0, read.length));
    lengths.add(read.length);
  }
  expect(lengths.has(20)).toBe(true);
  expect(lengths.has(0)).toBe(false);
  expect(lengths.size).toBeGreaterThan(3);
  await bench.close();
});

test('TTL lateness: a key ends between 2 and 250 ms after its TTL', async () => {
  const late: number[] = [];
  for (let seed = 1; seed <= 12; seed++) {
    const bench = new Bench({}, seed);
    const members = membersTwin(bench.link('a'));
    await members.renew(record('n1'));
    const { memberTtlMs } = bench.world.options;
    const renewedMs = bench.timeline.nowMs;
    while ((await members.read()).nodes.length > 0) await bench.elapse(1);
    late.push(bench.timeline.nowMs - renewedMs - memberTtlMs);
    await bench.close();
  }
  // A reading takes a few milliseconds itself.
  expect(Math.min(...late)).toBeGreaterThan(0);
  expect(Math.max(...late)).toBeLessThan(260);
  expect(new Set(late.map((ms) => Math.floor(ms / 50))).size).toBeGreaterThan(2);
});

test('mass expiry: keys that nobody could renew while there was no leader end together once there is one', async () => {
  const bench = new Bench({ replicas: 3, callTimeoutMs: 500 });
  const members = membersTwin(bench.link('a'));
  for (const name of ['n1', 'n2', 'n3']) await members.renew(record(name));
  bench.world.changeLeaders(['members']);
  await bench.elapse(2_900);
  // Their TTL is long over, and there is nobody to end them.
  expect(bench.world.members.read().nodes).toHaveLength(3);
  while (bench.world.health('members') !== 'serving') await bench.elapse(10);
  await bench.elapse(260);
  expect((await members.read()).nodes).toEqual([]);
  await bench.close();
});

test('watch gaps: a hint that never comes hides nothing from who reads', async () => {
  const bench = new Bench({}, 1, { 'hint-lost': 1 });
  const [here, there] = [membersTwin(bench.link('a')), membersTwin(bench.link('b'))];
  const facts = factsTwin(bench.link('c'));
  let hints = 0;
  const hint = () => {
    hints += 1;
  };
  here.onChange(hint);
  facts.onArrival(hint);
  await there.renew(record('n2'));
  const fact = { source: 'pos', verb: 'sell', skuKey: 'A', payload: '{}', messageId: 'pos.A.1' };
  bench.world.facts.publish(fact);
  await bench.elapse(5);
  expect(hints).toBe(0);
  expect((await here.read()).nodes.map(({ name }) => name)).toEqual(['n2']);
  const partitions = Array.from({ length: bench.world.options.partitions }, (_, at) => at);
  const read = await Promise.all(partitions.map((partition) => facts.read(partition, 0, 10)));
  expect(read.flat()).toHaveLength(1);
  await bench.close();
});

test('10164: of two appends at once one may be told to wait, on three replicas only', async () => {
  const kinds = async (replicas: 1 | 3) => {
    const bench = new Bench({ replicas });
    const [one, two] = [journalTwin(bench.link('a')), journalTwin(bench.link('b'))];
    const seen = new Set<AppendOutcome['kind']>();
    let expected = 0;
    for (let round = 0; round < 60; round++) {
      const outcomes = await Promise.all(
        [one, two].map((journal, at) =>
          journal.append({
            ...{ partition: 0, expect: expected, messageId: `${round}.${at}`, payload: '{}' },
          }),
        ),
      );
      for (const outcome of outcomes) {
        seen.add(outcome.kind);
        if (outcome.kind === 'appended') expected = outcome.seq;
      }
    }
    expect(bench.world.journal.entries(0)).toHaveLength(60);
    await bench.close();
    return [...seen].sort();
  };
  expect(await kinds(3)).toEqual(['appended', 'busy', 'refused']);
  expect(await kinds(1)).toEqual(['appended', 'refused']);
});

test.each([
  [1, 'refused'],
  [3, 'unknown'],
] as const)(
  'duplicate windows: on %i replicas a message id that comes again is %s, and after the window it is new',
  async (replicas, within) => {
    const bench = new Bench({ replicas, duplicateWindowMs: 3_000 });
    const journal = journalTwin(bench.link('a'));
    const message = { partition: 0, expect: 0, messageId: 'once', payload: 'first' };
    const first = await journal.append(message);
    const seq = first.kind === 'appended' ? first.seq : 0;
    expect((await journal.append(message)).kind).toBe(within);
    const swallowed = await journal.append({ ...message, expect: seq, payload: 'other' });
    expect(swallowed.kind).toBe('unknown');
    await bench.elapse(3_100);
    expect((await journal.append(message)).kind).toBe('refused');
    expect((await journal.append({ ...message, expect: seq, payload: 'other' })).kind).toBe(
      'appended',
    );
    expect(bench.world.journal.entries(0).map(({ payload }) => payload)).toEqual([
      'first',
      'other',
    ]);
    await bench.close();
  },
);
