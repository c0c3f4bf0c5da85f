/** The in-memory twins pass the suites that the adapters pass on a real nats-server. */

import { systemClock } from '../../src/runtime/system-clock.ts';
import { partitionOf } from '../sim/model/names.ts';
import { acknowledgementsTwin } from '../sim/twins/acknowledgements.ts';
import { Bench } from '../sim/twins/bench.ts';
import { busTwin } from '../sim/twins/bus.ts';
import { factsTwin } from '../sim/twins/facts.ts';
import { journalTwin } from '../sim/twins/journal.ts';
import { membersTwin } from '../sim/twins/members.ts';
import { rowBucketTwin } from '../sim/twins/row-bucket.ts';
import { sinkTwin } from '../sim/twins/sinks.ts';
import { keyValuesTwin, snapshotsTwin } from '../sim/twins/snapshots.ts';
import { acknowledgementsContract } from './acknowledgements.suite.ts';
import { busContract } from './bus.suite.ts';
import { clockContract } from './clock.suite.ts';
import { factsContract } from './facts.suite.ts';
import { journalContract } from './journal.suite.ts';
import { keyValuesContract } from './key-values.suite.ts';
import { membersContract } from './members.suite.ts';
import { rowBucketContract } from './row-bucket.suite.ts';
import { sinkContract } from './sink.suite.ts';
import { snapshotsContract } from './snapshots.suite.ts';

for (const replicas of [1, 3] as const) {
  journalContract(`twin with ${replicas} replicas`, async () => {
    const bench = new Bench({ replicas });
    return {
      journal: journalTwin(bench.link('a')),
      rival: journalTwin(bench.link('b')),
      close: () => bench.close(),
    };
  });
}

snapshotsContract('twin', async () => {
  const bench = new Bench();
  return {
    snapshots: snapshotsTwin(bench.link('a')),
    rival: snapshotsTwin(bench.link('b')),
    close: () => bench.close(),
  };
});

keyValuesContract('twin', async () => {
  const bench = new Bench();
  const { reconcile } = bench.world;
  return {
    values: keyValuesTwin(bench.link('a'), reconcile),
    rival: keyValuesTwin(bench.link('b'), reconcile),
    close: () => bench.close(),
  };
});

acknowledgementsContract('twin', async () => {
  const bench = new Bench();
  return {
    acknowledgements: acknowledgementsTwin(bench.link('a')),
    publish: async (source, payload) => bench.world.acknowledgements.publish(source, payload),
    close: () => bench.close(),
  };
});

rowBucketContract('twin', async () => {
  const bench = new Bench();
  const state = bench.world.sinks.get('stock');
  if (!state) throw new Error('no sink stock');
  return {
    bucket: rowBucketTwin(bench.link('a'), state),
    sink: sinkTwin(bench.link('b'), state),
    close: () => bench.close(),
  };
});

for (const name of ['stock', 'events']) {
  sinkContract(`twin of ${name}`, async () => {
    const bench = new Bench();
    const state = bench.world.sinks.get(name);
    if (!state) throw new Error(`no sink ${name}`);
    return {
      sink: sinkTwin(bench.link('a'), state),
      rival: sinkTwin(bench.link('b'), state),
      row: async (key) => state.row(key),
      messages:
        name === 'events'
          ? async (key) => state.messages(key).map((entry) => entry.payload)
          : undefined,
      close: () => bench.close(),
    };
  });
}

membersContract('twin', async () => {
  const bench = new Bench();
  return {
    members: membersTwin(bench.link('a')),
    rival: membersTwin(bench.link('b')),
    ttlMs: bench.world.options.memberTtlMs,
    elapse: (ms) => bench.elapse(ms),
    close: () => bench.close(),
  };
});

busContract('twin', async () => {
  const bench = new Bench();
  return {
    bus: busTwin(bench.link('a')),
    rival: busTwin(bench.link('b')),
    elapse: (ms) => bench.elapse(ms),
    close: () => bench.close(),
  };
});

factsContract('twin', async () => {
  const bench = new Bench();
  const { facts, options } = bench.world;
  return {
    facts: factsTwin(bench.link('a')),
    rival: factsTwin(bench.link('b')),
    publish: async ({ source, verb, skuKey, id, payload }) =>
      facts.publish({ source, verb, skuKey, payload, messageId: `${source}.${skuKey}.${id}` }),
    partitionOf: (skuKey) => partitionOf(skuKey, options.partitions),
    dead: async () =>
      facts.dead.map(({ fact, code, message }) => ({
        source: fact.source,
        payload: new TextDecoder().decode(fact.payload),
        code,
        message,
      })),
    elapse: (ms) => bench.elapse(ms),
    close: () => bench.close(),
  };
});

clockContract('twin', async () => {
  const bench = new Bench();
  return {
    clock: bench.link('a').process.clock,
    elapse: (ms) => bench.elapse(ms),
    close: () => bench.close(),
  };
});

clockContract('the machine’s own', async () => ({
  clock: systemClock,
  elapse: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  close: async () => {},
}));
