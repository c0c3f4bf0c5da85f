/** Derived data on one real server (invariant 10): fast writes without reply, and nobody else's among them. */

import { Kvm } from '@nats-io/kv';
import { connect as connectNats2 } from 'nats';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyValueSubject } from '../../src/contract/subjects.ts';
import { markSubject } from '../../src/nats/adapter-names.ts';
import { header, headerBlock } from '../../src/nats/headers.ts';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import { createSinks } from '../../src/nats/sinks.ts';
import type { DerivedEntry, Sink } from '../../src/ports.ts';
import {
  freshPrefix,
  messagesOf,
  openPorts,
  sinkOf,
  until,
  untilItWorks,
} from '../support/deployment.ts';
import { startNats, type TestNats } from '../support/nats.ts';

const row = (key: string, asOfSeq: number): DerivedEntry => ({
  key,
  payload: JSON.stringify({ sku: key, available: asOfSeq, asOfSeq }),
});

/** A message of the history with the events of these versions. */
const history = (key: string, from: number, to = from): DerivedEntry => ({
  key,
  payload: JSON.stringify({
    sku: key,
    events: Array.from({ length: to - from + 1 }, (_, index) => ({ version: from + index })),
  }),
});

async function versionsOf(nats: NatsPorts, key: string): Promise<number[]> {
  const messages = await messagesOf(nats, 'events', key);
  return messages.flatMap((text) =>
    JSON.parse(text).events.map((event: { version: number }) => event.version),
  );
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

describe('sinks on one server', () => {
  let nats: TestNats;
  let mine: NatsPorts;
  let theirs: NatsPorts;

  beforeEach(async () => {
    nats = await startNats();
    const prefix = freshPrefix();
    mine = await openPorts(nats.url, prefix);
    theirs = await openPorts(nats.url, prefix);
  });
  afterEach(async () => {
    await theirs.close();
    await mine.close();
    await nats.stop();
  });

  const impatientSink = async (name: string): Promise<Sink> => {
    const sinks = await createSinks(mine.api, mine.names, ['web'], { timeoutMs: 200 });
    const sink = sinks.find((candidate) => candidate.name === name);
    if (sink === undefined) throw new Error(`no sink ${name}`);
    return sink;
  };
  const reconnected = () =>
    until(() => mine.api.mux.status === 'connected' && theirs.api.mux.status === 'connected');

  test('a displaced writer’s messages change nothing, although nobody tells it so', async () => {
    const stock = sinkOf(mine, 'stock');
    await stock.takeOver(0, 5);
    await stock.write(0, [row('A', 6)], 6);
    const { stock: bucket } = mine.names.buckets;
    const mark = markSubject(mine.names, 'stock', 0);
    const stream = `KV_${bucket}`;
    const fence = (await mine.api.message(stream, { last_by_subj: mark }))?.seq ?? 0;
    await sinkOf(theirs, 'stock').takeOver(0, 8);
    const before = (await mine.api.info(stream))?.state.last_seq;
    // Exactly what the displaced sink would send for its rows.
    const headers = headerBlock({
      [header.expectedSequence]: fence,
      [header.expectedSubject]: mark,
    });
    for (let index = 0; index < 1_000; index++) {
      mine.api.mux.publish(keyValueSubject(bucket, `K${index}`), 'zombie', headers);
      mine.api.mux.publish(keyValueSubject(bucket, 'A'), 'zombie', headers);
    }
    await mine.connection.flush();
    expect(await stock.write(0, [row('A', 7)], 7)).toBe('displaced');
    expect((await mine.api.info(stream))?.state.last_seq).toBe(before);
    expect(await messagesOf(mine, 'stock', 'A')).toEqual([row('A', 6).payload]);
  });

  test('of two writers that take over from each other all the time, no row of an older claim stays', async () => {
    const sinks = [sinkOf(mine, 'stock'), sinkOf(theirs, 'stock')] as const;
    let displaced = 0;
    for (let claim = 1; claim <= 60; claim++) {
      const [before, after] = claim % 2 ? sinks : [sinks[1], sinks[0]];
      const rows = (seq: number) => Array.from({ length: 50 }, (_, at) => row(`K${at}`, seq));
      // The old owner is still writing while the new one takes over.
      const late = before.write(0, rows(claim * 10 - 1), claim * 10 - 1);
      expect((await after.takeOver(0, claim * 10)).kind).toBe('taken');
      expect(await after.write(0, rows(claim * 10 + 1), claim * 10 + 1)).toBe('written');
      if ((await late) === 'displaced') displaced += 1;
      for (const key of ['K0', 'K49']) {
        expect(await messagesOf(mine, 'stock', key)).toEqual([row(key, claim * 10 + 1).payload]);
      }
    }
    expect(displaced).toBeGreaterThan(0);
  });

  test('a write that the server’s death interrupts rejects, and its repetition makes it whole', async () => {
    const stock = sinkOf(mine, 'stock');
    const events = sinkOf(mine, 'events');
    await stock.takeOver(0, 1);
    await events.takeOver(0, 1);
    const keys = Array.from({ length: 2_000 }, (_, index) => `K${index}`);
    const write = () =>
      Promise.all([
        stock.write(
          0,
          keys.map((key) => row(key, 2)),
          2,
        ),
        events.write(
          0,
          keys.map((key) => history(key, 1, 3)),
          2,
        ),
      ]);
    const writing = write();
    const killed = nats.kill();
    await expect(writing).rejects.toMatchObject({ code: expect.stringMatching(/timeout|disco/) });
    await killed;
    await nats.restart();
    await reconnected();
    for (const sink of [stock, events]) await untilItWorks(() => sink.takeOver(0, 1));
    expect(await write()).toEqual(['written', 'written']);
    for (const key of ['K0', 'K511', 'K512', 'K1999']) {
      expect(await messagesOf(mine, 'stock', key)).toEqual([row(key, 2).payload]);
      expect(await versionsOf(mine, key)).toEqual([1, 2, 3]);
    }
  });

  test('acknowledged rows that a killed server has lost are noticed at the next write', async () => {
    const stock = sinkOf(mine, 'stock');
    await stock.takeOver(0, 1);
    let completeTo = 2;
    await stock.write(0, [row('A', 2)], 2);
    // A clean stop: so much is on disk.
    await nats.restart();
    await reconnected();
    // Until it happens: the server writes behind in a fraction of a second.
    for (let attempt = 1; ; attempt++) {
      let killed: Promise<void> | undefined;
      for (let count = 0; ; count++) {
        if (count === 50) killed = nats.kill();
        const seq = completeTo + 1;
        const outcome = await stock.write(0, [row('A', seq)], seq).catch(() => 'failed');
        if (outcome !== 'written') break;
        completeTo = seq;
      }
      await killed;
      await nats.restart();
      await reconnected();
      const outcome = await untilItWorks(() => stock.write(0, [], completeTo));
      if (outcome === 'displaced') break;
      // Nothing was lost this time.
      expect(attempt).toBeLessThan(20);
    }
    const taken = await stock.takeOver(0, 1);
    if (taken.kind !== 'taken') throw new Error('displaced by nobody');
    expect(taken.completeTo).toBeGreaterThanOrEqual(2);
    expect(taken.completeTo).toBeLessThan(completeTo);
    expect(await stock.write(0, [row('A', completeTo)], completeTo)).toBe('written');
    expect(await messagesOf(mine, 'stock', 'A')).toEqual([row('A', completeTo).payload]);
  });

  test('messages that a frozen server takes long after are neither doubled nor believed', async () => {
    const events = await impatientSink('events');
    await events.takeOver(0, 1);
    expect(await events.write(0, [history('A', 1)], 2)).toBe('written');
    for (let round = 1; round <= 5; round++) {
      const next = [history('A', 2 * round), history('A', 2 * round + 1)];
      await nats.pause();
      await expect(events.write(0, next, 2 + round)).rejects.toMatchObject({ code: 'timeout' });
      nats.resume();
      await until(() => mine.api.mux.status === 'connected');
      expect(await untilItWorks(() => events.write(0, next, 2 + round))).toBe('written');
    }
    expect(await versionsOf(mine, 'A')).toEqual(upTo(11));
  });

  test('a successor’s repetition of history adds only what is missing, however it is cut', async () => {
    const before = sinkOf(mine, 'events');
    await before.takeOver(0, 10);
    // It dies before its mark says how far it came: the successor knows of 10 only.
    await before.write(0, [history('A', 1, 3)], 10);
    const after = sinkOf(theirs, 'events');
    expect(await after.takeOver(0, 20)).toEqual({ kind: 'taken', completeTo: 10 });
    const again = [history('A', 1), history('A', 2, 5), history('B', 1, 2), history('A', 6)];
    expect(await after.write(0, again, 15)).toBe('written');
    expect(await after.write(0, [history('B', 2, 3)], 21)).toBe('written');
    expect(await versionsOf(mine, 'A')).toEqual(upTo(6));
    expect(await versionsOf(mine, 'B')).toEqual(upTo(3));
  });

  test('the mark of an idle partition outlives the history’s retention', async () => {
    const short = await openPorts(nats.url, freshPrefix(), { eventsRetentionMs: 1_000 });
    const events = sinkOf(short, 'events');
    await events.takeOver(0, 1);
    await events.write(0, [history('A', 1)], 7);
    await until(async () => (await messagesOf(short, 'events', 'A')).length === 0);
    expect(await events.takeOver(0, 9)).toEqual({ kind: 'taken', completeTo: 7 });
    await short.close();
  });

  test('two writes at a time to one partition are our bug', async () => {
    const stock = sinkOf(mine, 'stock');
    await stock.takeOver(0, 1);
    const first = stock.write(0, [row('A', 2)], 2);
    await expect(stock.write(0, [row('A', 3)], 3)).rejects.toThrow('two writes at a time');
    expect(await first).toBe('written');
  });

  test('any KV client opens the buckets, and sees rows and changes, but no mark', async () => {
    const { stock: stockBucket } = mine.names.buckets;
    const viewBucket = mine.names.buckets.view('web');
    const { subjects } = mine.names;
    const pushed: string[] = [];
    theirs.ports.bus.serve(subjects.publishedStock('*'), {}, (message) =>
      pushed.push(message.subject),
    );
    theirs.ports.bus.serve(subjects.publishedView('web', '*'), {}, (message) =>
      pushed.push(message.subject),
    );
    await theirs.connection.flush();
    for (const name of ['stock', 'view.web']) {
      await sinkOf(mine, name).takeOver(0, 1);
      await sinkOf(mine, name).write(0, [row('A', 2), row('B=20C', 2)], 2);
    }
    const kv = await new Kvm(mine.connection).open(stockBucket);
    expect((await kv.get('A'))?.json()).toMatchObject({ asOfSeq: 2 });
    expect((await kv.status()).history).toBe(1);
    const keys: string[] = [];
    for await (const key of await kv.keys()) keys.push(key);
    expect(keys.sort()).toEqual(['A', 'B=20C']);

    const old = await connectNats2({ servers: nats.url });
    const view = await old.jetstream().views.kv(viewBucket);
    expect((await view.get('B=20C'))?.json()).toMatchObject({ asOfSeq: 2 });
    const watched: string[] = [];
    for await (const entry of await view.watch()) {
      watched.push(entry.key);
      if (watched.length === 2) break;
    }
    expect(watched.sort()).toEqual(['A', 'B=20C']);
    await old.close();

    await until(() => pushed.length === 4);
    expect(pushed.sort()).toEqual(
      [
        ...['A', 'B=20C'].map((key) => subjects.publishedStock(key)),
        ...['A', 'B=20C'].map((key) => subjects.publishedView('web', key)),
      ].sort(),
    );
  });
});
