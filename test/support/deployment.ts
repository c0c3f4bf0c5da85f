// A deployment of lastunit on a test server, as adapters see it: every one has a prefix of its own, so that many
// can share a server without meeting.

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { keyValueSubject } from '../../src/contract/subjects.ts';
import { bucketStream } from '../../src/nats/adapter-names.ts';
import {
  createNatsPorts,
  type NatsPorts,
  type NatsPortsOptions,
} from '../../src/nats/nats-ports.ts';
import type { Sink } from '../../src/ports.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';

export const testPartitions = 8;
export const memberTtlSeconds = 2;

const decoder = new TextDecoder();

/** A prefix that nobody else uses. */
export function freshPrefix(): string {
  return `t${randomBytes(6).toString('hex')}`;
}

/** Connects as a node would. */
export function openPorts(
  url: string,
  prefix: string,
  options: Partial<NatsPortsOptions> = {},
): Promise<NatsPorts> {
  return createNatsPorts({
    nats: { url },
    prefix,
    partitions: testPartitions,
    viewChannels: ['web'],
    clock: systemClock,
    memberTtlSeconds,
    ...options,
  });
}

/** A fresh deployment, seen over two connections. */
export interface PortsPair {
  readonly mine: NatsPorts;
  readonly theirs: NatsPorts;
  /** Removes the deployment's streams and closes both connections. */
  close(): Promise<void>;
}

/** Makes a fresh deployment and connects to it twice. */
export async function openPair(
  url: string,
  options: Partial<NatsPortsOptions> = {},
): Promise<PortsPair> {
  const prefix = freshPrefix();
  const mine = await openPorts(url, prefix, options);
  const theirs = await openPorts(url, prefix, options);
  return {
    mine,
    theirs,
    async close() {
      await removeStreams(mine);
      await theirs.close();
      await mine.close();
    },
  };
}

async function removeStreams({ api, names }: NatsPorts): Promise<void> {
  const { stock, nodes, reconcile, snapshots, view } = names.buckets;
  const buckets = [stock, nodes, reconcile, snapshots, view('web')].map(bucketStream);
  for (const stream of [...Object.values(names.streams), ...buckets]) {
    await api.call(`STREAM.DELETE.${stream}`).catch(() => {});
  }
}

export function sinkOf(nats: NatsPorts, name: string): Sink {
  const sink = nats.ports.sinks.find((candidate) => candidate.name === name);
  if (sink === undefined) throw new Error(`no sink ${name}`);
  return sink;
}

/** All messages of a key that a sink's stream holds, in order. */
export async function messagesOf(nats: NatsPorts, sink: string, key: string): Promise<string[]> {
  const { names } = nats;
  const bucket = sink === 'stock' ? names.buckets.stock : names.buckets.view('web');
  return sink === 'events'
    ? messagesOn(nats, names.streams.events, names.subjects.event(key))
    : messagesOn(nats, bucketStream(bucket), keyValueSubject(bucket, key));
}

async function messagesOn({ api }: NatsPorts, stream: string, subject: string): Promise<string[]> {
  const found: string[] = [];
  for (let seq = 1; ; ) {
    const message = await api.message(stream, { seq, next_by_subj: subject });
    if (message === undefined) return found;
    found.push(decoder.decode(message.payload));
    seq = message.seq + 1;
  }
}

/** Tries until it works: for what a server that is starting again, or electing a leader, refuses for a while. */
export async function untilItWorks<T>(work: () => Promise<T>, attemptsMax = 300): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === attemptsMax) throw error;
      await sleep(100);
    }
  }
}

/** Looks until the condition holds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = 'the condition',
  attemptsMax = 600,
): Promise<void> {
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    if (await condition()) return;
    await sleep(50);
  }
  throw new Error(`${what} did not come true`);
}
