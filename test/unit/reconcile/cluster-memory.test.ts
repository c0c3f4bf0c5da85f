// What the cluster's reconcilers share: the lease, and which snapshots have been compared.

import { expect, test } from 'vitest';
import type { KeyValues } from '../../../src/ports.ts';
import { Lease } from '../../../src/reconcile/lease.ts';
import type { RunReport } from '../../../src/reconcile/report.ts';
import { SourceMemories } from '../../../src/reconcile/source-memory.ts';
import { SteppingClock } from '../client/world.ts';

class FakeValues implements KeyValues {
  readonly stored = new Map<string, { revision: number; payload: string }>();
  /** Called before each write. */
  meanwhile: (key: string) => void = () => {};
  #revision = 0;

  async read(key: string) {
    return this.stored.get(key);
  }

  async write(key: string, payload: string, expect: number) {
    this.meanwhile(key);
    if ((this.stored.get(key)?.revision ?? 0) !== expect) return { kind: 'conflict' } as const;
    return { kind: 'stored', revision: this.put(key, payload) } as const;
  }

  put(key: string, payload: string): number {
    this.#revision += 1;
    this.stored.set(key, { revision: this.#revision, payload });
    return this.#revision;
  }

  async list() {
    return this.stored;
  }

  async remove(key: string) {
    this.stored.delete(key);
  }
}

function reportOn(snapshotId: string): RunReport {
  return {
    ...{ run: `run-${snapshotId}`, source: 'sap', mode: 'apply', outcome: 'applied' },
    ...{ startedAtMs: 1, endedAtMs: 2 },
    snapshot: { snapshotId, asOfFromMs: 1, asOfToMs: 1, complete: true },
    lines: { received: 5 },
  } as unknown as RunReport;
}

test('a snapshot that two runs record at once is remembered by both', async () => {
  const values = new FakeValues();
  const memories = new SourceMemories(values);
  await memories.record(reportOn('s-1'), true);
  let raced = false;
  values.meanwhile = (key) => {
    if (raced || key !== 'source.sap') return;
    raced = true;
    values.put(key, JSON.stringify({ seen: ['s-1', 's-2'], lastAsOfToMs: 1, runs: [] }));
  };
  await memories.record(reportOn('s-3'), true);
  const { seenIds, lastId, lastLines } = await memories.read('sap');
  expect([...seenIds]).toEqual(['s-1', 's-2', 's-3']);
  expect([lastId, lastLines]).toEqual(['s-3', 5]);
});

test('a dry run is recorded, and its snapshot is not', async () => {
  const memories = new SourceMemories(new FakeValues());
  await memories.record(reportOn('s-1'), false);
  expect((await memories.read('sap')).seenIds.size).toBe(0);
});

async function pass(clock: SteppingClock, ms: number): Promise<void> {
  const untilMs = clock.now() + ms;
  do {
    await new Promise((resolve) => setImmediate(resolve));
  } while (clock.ring(untilMs));
}

test('a lease that nobody can read lapses like any other', async () => {
  const values = new FakeValues();
  const clock = new SteppingClock();
  values.put('lease', 'not even JSON');
  let gained = 0;
  const lease = new Lease({
    ...{ values, clock, holder: 'us', lapseMs: 1_000 },
    onGained: () => {
      gained += 1;
    },
    onLost: () => {},
  });
  lease.start();
  await pass(clock, 900);
  expect([gained, lease.isHeld]).toEqual([0, false]);
  await pass(clock, 600);
  expect([gained, lease.isHeld]).toEqual([1, true]);
  await lease.stop();
});
