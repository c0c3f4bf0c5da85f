/** The adapters pass the suites of the ports on a real nats-server, as the in-memory twins do. */

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe } from 'vitest';
import { factMessageId, keyValueSubject } from '../../src/contract/subjects.ts';
import { partitionOf } from '../../src/domain/names.ts';
import { bucketStream } from '../../src/nats/adapter-names.ts';
import { createNatsPorts, type NatsPorts } from '../../src/nats/nats-ports.ts';
import type { Sink } from '../../src/ports.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { busContract } from '../contract/bus.suite.ts';
import { factsContract } from '../contract/facts.suite.ts';
import { journalContract } from '../contract/journal.suite.ts';
import { membersContract } from '../contract/members.suite.ts';
import { sinkContract } from '../contract/sink.suite.ts';
import { snapshotsContract } from '../contract/snapshots.suite.ts';
import { startCluster, startNats } from '../support/nats.ts';

const partitions = 8;
const memberTtlSeconds = 2;
const decoder = new TextDecoder();

/** A fresh deployment, seen over two connections. */
interface Pair {
  readonly mine: NatsPorts;
  readonly theirs: NatsPorts;
  close(): Promise<void>;
}

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

    const connectTwice = () => pairOn(server.url);

    journalContract(kind, async () => {
      const { mine, theirs, close } = await connectTwice();
      return { journal: mine.ports.journal, rival: theirs.ports.journal, close };
    });

    snapshotsContract(kind, async () => {
      const { mine, theirs, close } = await connectTwice();
      return { snapshots: mine.ports.snapshots, rival: theirs.ports.snapshots, close };
    });

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
      const { mine, theirs, close } = await pairOn(server.url.split(',')[0] ?? '');
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
        partitionOf: (skuKey) => partitionOf(skuKey, partitions),
        dead: () => deadOf(mine),
        elapse: (ms: number) => sleep(ms),
        close,
      };
    });
  });
}

async function pairOn(url: string): Promise<Pair> {
  const prefix = `t${randomBytes(6).toString('hex')}`;
  const connect = () =>
    createNatsPorts({
      nats: { url },
      prefix,
      partitions,
      viewChannels: ['web'],
      clock: systemClock,
      memberTtlSeconds,
    });
  const mine = await connect();
  const theirs = await connect();
  return {
    mine,
    theirs,
    close: async () => {
      const streams = [
        ...Object.values(mine.names.streams),
        ...['stock', 'nodes', 'reconcile', 'snapshots', 'view_web'].map((name) =>
          bucketStream(`${prefix}_${name}`),
        ),
      ];
      for (const stream of streams) await mine.api.call(`STREAM.DELETE.${stream}`);
      await theirs.close();
      await mine.close();
    },
  };
}

function sinkOf(nats: NatsPorts, name: string): Sink {
  const sink = nats.ports.sinks.find((candidate) => candidate.name === name);
  if (sink === undefined) throw new Error(`no sink ${name}`);
  return sink;
}

/** All messages of a key that a sink's stream holds, in order. */
async function messagesOf({ api, names }: NatsPorts, sink: string, key: string): Promise<string[]> {
  const bucket = sink === 'stock' ? names.buckets.stock : names.buckets.view('web');
  const [stream, subject] =
    sink === 'events'
      ? [names.streams.events, names.subjects.event(key)]
      : [bucketStream(bucket), keyValueSubject(bucket, key)];
  const found: string[] = [];
  for (let seq = 1; ; ) {
    const message = await api.message(stream, { seq, next_by_subj: subject });
    if (message === undefined) return found;
    found.push(decoder.decode(message.payload));
    seq = message.seq + 1;
  }
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
