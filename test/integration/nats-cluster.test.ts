/** The adapters on a cluster of three while its servers are killed and frozen. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import type { AppendOutcome, Journal, NodeRecord } from '../../src/ports.ts';
import {
  freshPrefix,
  messagesOf,
  openPorts,
  sinkOf,
  until,
  untilItWorks,
} from '../support/deployment.ts';
import { startCluster, type TestCluster, type TestNats } from '../support/nats.ts';

let counter = 0;
const nextId = () => `cluster.${process.pid}.${counter++}`;

describe('a cluster of three', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster?.stop());

  const open = (prefix = freshPrefix()) => openPorts(cluster.urls.join(','), prefix);

  async function leaderOf(node: NatsPorts, stream: string): Promise<TestNats> {
    const info = (await node.api.info(stream)) as unknown as { cluster?: { leader?: string } };
    const index = Number(info.cluster?.leader?.slice(1)) - 1;
    const server = cluster.servers[index];
    if (server === undefined) throw new Error(`no leader: ${JSON.stringify(info.cluster)}`);
    return server;
  }

  /**
   * Waits until every replica of a stream has caught up. A second death before that leaves a stream in memory
   * without a leader until the dead server is back, although two of three are there.
   */
  async function caughtUp(node: NatsPorts, stream: string): Promise<void> {
    await until(async () => {
      const info = (await untilItWorks(() => node.api.info(stream))) as unknown as {
        cluster?: { replicas?: { current: boolean; offline?: boolean }[] };
      };
      const replicas = info.cluster?.replicas ?? [];
      return replicas.length === 2 && replicas.every((one) => one.current && one.offline !== true);
    });
  }

  /** Appends until it is done, as the partition's actor would: never guessing. */
  async function appendForSure(
    journal: Journal,
    expected: number,
    payload: string,
  ): Promise<{ seq: number; outcomes: AppendOutcome['kind'][] }> {
    const message = { partition: 0, expect: expected, messageId: nextId(), payload };
    const outcomes: AppendOutcome['kind'][] = [];
    for (;;) {
      const outcome = await journal.append(message);
      outcomes.push(outcome.kind);
      if (outcome.kind === 'appended') return { seq: outcome.seq, outcomes };
      if (outcome.kind === 'busy') continue;
      const last = await untilItWorks(() => journal.last(0));
      if (last?.messageId === message.messageId) return { seq: last.seq, outcomes };
      if ((last?.seq ?? 0) !== expected) throw new Error(`fenced by ${JSON.stringify(last)}`);
    }
  }

  test('three replicas of everything, and views in memory', async () => {
    const node = await open();
    expect(node.provisioned.replicas).toBe(3);
    const { buckets, streams } = node.names;
    for (const stream of node.provisioned.created) {
      expect((await node.api.info(stream))?.config.num_replicas).toBe(3);
    }
    expect((await node.api.info(`KV_${buckets.stock}`))?.config.storage).toBe('memory');
    expect((await node.api.info(streams.journal))?.config.storage).toBe('file');
    expect((await node.api.info(streams.events))?.config.storage).toBe('file');
    await node.close();
  });

  test('appends go on after the journal’s leader is killed: nothing lost, nothing twice, in order', async () => {
    const node = await open();
    const { journal } = node.ports;
    const kinds = new Set<string>();
    let last = 0;
    for (let index = 0; index < 300; index++) {
      if (index === 100) {
        const victim = await leaderOf(node, node.names.streams.journal);
        const dying = victim.kill();
        const { seq, outcomes } = await appendForSure(journal, last, `${index}`);
        last = seq;
        for (const kind of outcomes) kinds.add(kind);
        await dying;
        await victim.restart();
        continue;
      }
      const { seq, outcomes } = await appendForSure(journal, last, `${index}`);
      last = seq;
      for (const kind of outcomes) kinds.add(kind);
    }
    // The death was noticed, and never as somebody else's writing.
    expect(kinds.size).toBeGreaterThan(1);
    const read: string[] = [];
    await journal.read(0, { from: 1, to: last }, (entry) => read.push(entry.payload));
    expect(read).toEqual(Array.from({ length: 300 }, (_, index) => `${index}`));
    await node.close();
  });

  test('of two owners that append at once one is refused, however often', async () => {
    const prefix = freshPrefix();
    const [one, two] = [await open(prefix), await open(prefix)];
    let last = 0;
    for (let round = 0; round < 50; round++) {
      const attempts = [one, two].map((node, index) =>
        node.ports.journal.append({
          partition: 0,
          expect: last,
          messageId: nextId(),
          payload: `${round}.${index}`,
        }),
      );
      const outcomes = await Promise.all(attempts);
      const winners = outcomes.filter((outcome) => outcome.kind === 'appended');
      expect(winners).toHaveLength(1);
      for (const outcome of outcomes) {
        expect(['appended', 'refused', 'busy']).toContain(outcome.kind);
        if (outcome.kind === 'appended') last = outcome.seq;
      }
    }
    await two.close();
    await one.close();
  });

  test('a read outlives the server that served it', async () => {
    const node = await open();
    const { journal } = node.ports;
    let last = 0;
    const payload = 'x'.repeat(20_000);
    for (let index = 0; index < 400; index++) {
      last = (await appendForSure(journal, last, `${index} ${payload}`)).seq;
    }
    for (const victim of cluster.servers) {
      const read: string[] = [];
      let killed: Promise<void> | undefined;
      await journal.read(0, { from: 1, to: last }, (entry) => {
        read.push(entry.payload.split(' ')[0] ?? '');
        if (read.length === 3) killed = victim.kill();
      });
      expect(read).toEqual(Array.from({ length: 400 }, (_, index) => `${index}`));
      await killed;
      await victim.restart();
      await cluster.ready();
      await caughtUp(node, node.names.streams.journal);
    }
    await node.close();
  });

  test('a client on a frozen server moves to another one', async () => {
    const node = await open();
    const { port } = new URL(`nats://${node.connection.getServer()}`);
    const frozen = cluster.servers.find((server) => `${server.port}` === port);
    await frozen?.pause();
    await until(() => node.api.mux.status === 'disconnected');
    await until(() => node.api.mux.status === 'connected');
    expect(node.connection.getServer()).not.toContain(port);
    const append = { partition: 1, expect: 0, messageId: nextId(), payload: 'elsewhere' };
    await untilItWorks(async () => {
      const outcome = await node.ports.journal.append(append);
      const last = await node.ports.journal.last(1);
      if (outcome.kind !== 'appended' && last?.messageId !== append.messageId) throw outcome;
    });
    frozen?.resume();
    await cluster.ready();
    await node.close();
  });

  test('rows never go backwards while two owners write, and history has neither gaps nor repetitions', async () => {
    const prefix = freshPrefix();
    const [one, two] = [await open(prefix), await open(prefix)];
    const rows = (seq: number) =>
      Array.from({ length: 30 }, (_, at) => ({
        key: `K${at}`,
        payload: JSON.stringify({ asOfSeq: seq }),
      }));
    const events = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, at) => ({
        key: 'K0',
        payload: JSON.stringify({ events: [{ version: from + at }] }),
      }));
    let seen = 0;
    for (let round = 1; round <= 20; round++) {
      const [before, after] = round % 2 ? [one, two] : [two, one];
      const late = [
        sinkOf(before, 'stock').write(0, rows(round * 10 - 1), round * 10 - 1),
        sinkOf(before, 'events').write(0, events(round * 2, round * 2), round * 10 - 1),
      ];
      await sinkOf(after, 'stock').takeOver(0, round * 10);
      await sinkOf(after, 'events').takeOver(0, round * 10);
      await sinkOf(after, 'stock').write(0, rows(round * 10), round * 10);
      await sinkOf(after, 'events').write(0, events(1, round * 2 + 1), round * 10);
      await Promise.all(late);
      for (const key of ['K0', 'K29']) {
        const [text = '{}'] = await messagesOf(one, 'stock', key);
        const { asOfSeq } = JSON.parse(text);
        expect(asOfSeq).toBe(round * 10);
        expect(asOfSeq).toBeGreaterThan(seen);
      }
      seen = round * 10;
      const versions = (await messagesOf(one, 'events', 'K0')).flatMap((text) =>
        JSON.parse(text).events.map((event: { version: number }) => event.version),
      );
      expect(versions).toEqual(Array.from({ length: round * 2 + 1 }, (_, at) => at + 1));
    }
    await two.close();
    await one.close();
  });

  test('sinks and members go on after a server is killed', async () => {
    const node = await open();
    const record: NodeRecord = {
      name: 'n1',
      incarnation: 'i1',
      partitions: [],
      startedAtMs: 1,
      renewedAtMs: 1,
    };
    const stock = sinkOf(node, 'stock');
    await stock.takeOver(0, 1);
    await node.ports.members.renew(record);
    for (let round = 0; round < 3; round++) {
      const victim = await leaderOf(node, `KV_${node.names.buckets.stock}`);
      await victim.kill();
      const seq = round + 2;
      const entries = Array.from({ length: 300 }, (_, at) => ({
        key: `K${at}`,
        payload: JSON.stringify({ asOfSeq: seq }),
      }));
      const written = await untilItWorks(() => stock.write(0, entries, seq));
      expect(written).toBe('written');
      expect((await untilItWorks(() => node.ports.members.renew(record))).kind).toBe('renewed');
      const { nodes } = await untilItWorks(() => node.ports.members.read());
      expect(nodes).toEqual([record]);
      expect(await messagesOf(node, 'stock', 'K299')).toEqual([JSON.stringify({ asOfSeq: seq })]);
      await victim.restart();
      await cluster.ready();
      await caughtUp(node, `KV_${node.names.buckets.stock}`);
      await caughtUp(node, `KV_${node.names.buckets.nodes}`);
    }
    await node.close();
  });
});
