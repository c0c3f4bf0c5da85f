/** The adapters pass the suites of the ports on a real nats-server, as the in-memory twins do. */

import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe } from 'vitest';
import { factMessageId } from '../../src/contract/subjects.ts';
import { partitionOf } from '../../src/domain/names.ts';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import { createReconcilePorts } from '../../src/nats/reconcile-ports.ts';
import { createRowBuckets } from '../../src/nats/row-buckets.ts';
import { acknowledgementsContract } from '../contract/acknowledgements.suite.ts';
import { busContract } from '../contract/bus.suite.ts';
import { factsContract } from '../contract/facts.suite.ts';
import { journalContract } from '../contract/journal.suite.ts';
import { keyValuesContract } from '../contract/key-values.suite.ts';
import { membersContract } from '../contract/members.suite.ts';
import { rowBucketContract } from '../contract/row-bucket.suite.ts';
import { sinkContract } from '../contract/sink.suite.ts';
import { snapshotsContract } from '../contract/snapshots.suite.ts';
import {
  memberTtlSeconds,
  messagesOf,
  openPair,
  sinkOf,
  testPartitions,
} from '../support/deployment.ts';
import { startCluster, startNats } from '../support/nats.ts';

const decoder = new TextDecoder();

const servers = {
  'one nats-server': async () => {
    const nats = await startNats();
    return { url: nats.url, stop: () => nats.stop() };
  },
  'a cluster of three': async () => {
    const cluster = await startCluster();
    return { url: cluster.urls.join(','), stop: () => cluster.stop() };
  },
};

for (const [kind, start] of Object.entries(servers)) {
  describe(kind, () => {
    let server: { url: string; stop(): Promise<void> };
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());

    const connectTwice = () => openPair(server.url);

    journalContract(kind, async () => {
      const { mine, theirs, close } = await connectTwice();
      return { journal: mine.ports.journal, rival: theirs.ports.journal, close };
    });

    snapshotsContract(kind, async () => {
      const { mine, theirs, close } = await connectTwice();
      return { snapshots: mine.ports.snapshots, rival: theirs.ports.snapshots, close };
    });

    keyValuesContract(kind, async () => {
      const { mine, theirs, close } = await connectTwice();
      const { values } = createReconcilePorts(mine.api, mine.names);
      const { values: rival } = createReconcilePorts(theirs.api, theirs.names);
      return { values, rival, close };
    });

    acknowledgementsContract(kind, async () => {
      const { mine, theirs, close } = await connectTwice();
      const { acknowledgements } = createReconcilePorts(mine.api, mine.names);
      const publish = async (source: string, payload: string) => {
        await jetstream(theirs.connection).publish(mine.names.subjects.erpAck(source), payload);
      };
      return { acknowledgements, publish, close };
    });

    for (const name of ['stock', 'view.web']) {
      rowBucketContract(`${kind}, ${name}`, async () => {
        const { mine, theirs, close } = await connectTwice();
        const bucket = createRowBuckets(mine.api, mine.names, ['web']).find(
          (candidate) => candidate.name === name,
        );
        if (bucket === undefined) throw new Error(`no bucket ${name}`);
        return { bucket, sink: sinkOf(theirs, name), close };
      });
    }

    for (const name of ['stock', 'view.web', 'events']) {
      sinkContract(`${kind}, ${name}`, async () => {
        const { mine, theirs, close } = await connectTwice();
        const row = async (key: string) => (await messagesOf(mine, name, key)).at(-1);
        const messages =
          name === 'events' ? (key: string) => messagesOf(mine, name, key) : undefined;
        return { sink: sinkOf(mine, name), rival: sinkOf(theirs, name), row, messages, close };
      });
    }

    membersContract(kind, async () => {
      const { mine, theirs, close } = await connectTwice();
      return {
        members: mine.ports.members,
        rival: theirs.ports.members,
        ttlMs: memberTtlSeconds * 1_000,
        elapse: (ms: number) => sleep(ms),
        close,
      };
    });

    busContract(kind, async () => {
      // A pong orders what one server has: in a cluster both clients have to be on the same.
      const { mine, theirs, close } = await openPair(server.url.split(',')[0] ?? '');
      return {
        bus: mine.ports.bus,
        rival: theirs.ports.bus,
        elapse: (ms: number) => sleep(ms),
        close,
      };
    });

    factsContract(kind, async () => {
      const { mine, theirs, close } = await connectTwice();
      return {
        facts: mine.ports.facts,
        rival: theirs.ports.facts,
        publish: async ({ source, verb, skuKey, id, payload }) => {
          const subject = mine.names.subjects.fact(source, verb, skuKey);
          const ack = await jetstream(theirs.connection).publish(subject, payload, {
            msgID: factMessageId(source, skuKey, id),
          });
          return ack.seq;
        },
        partitionOf: (skuKey) => partitionOf(skuKey, testPartitions),
        dead: () => deadOf(mine),
        elapse: (ms: number) => sleep(ms),
        close,
      };
    });
  });
}

async function deadOf({ api, names }: NatsPorts) {
  const found: { source: string; payload: string; code: string; message: string }[] = [];
  for (let seq = 1; ; ) {
    const message = await api.message(names.streams.dead, {
      seq,
      next_by_subj: names.subjects.allDead,
    });
    if (message === undefined) return found;
    found.push({
      source: message.subject.split('.')[2] ?? '',
      payload: decoder.decode(message.payload),
      code: message.header('Lastunit-Error-Code') ?? '',
      message: message.header('Lastunit-Error') ?? '',
    });
    seq = message.seq + 1;
  }
}
