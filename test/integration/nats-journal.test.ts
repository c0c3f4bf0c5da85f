/** The journal on a real server: what an append's answer, or none, proves. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createJournal } from '../../src/nats/journal.ts';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import type { AppendOutcome, Journal } from '../../src/ports.ts';
import { freshPrefix, openPorts, until, untilItWorks } from '../support/deployment.ts';
import { startNats, type TestNats } from '../support/nats.ts';

let counter = 0;
const nextId = () => `journal.${process.pid}.${counter++}`;

async function seqOf(outcome: Promise<AppendOutcome>): Promise<number> {
  const done = await outcome;
  if (done.kind !== 'appended') throw new Error(`not appended: ${JSON.stringify(done)}`);
  return done.seq;
}

describe('the journal on one server', () => {
  let nats: TestNats;
  let node: NatsPorts;
  let journal: Journal;

  beforeEach(async () => {
    nats = await startNats();
    node = await openPorts(nats.url, freshPrefix());
    journal = node.ports.journal;
  });
  afterEach(async () => {
    await node.close();
    await nats.stop();
  });

  const append = (expected: number, payload: string, messageId = nextId()) =>
    journal.append({ partition: 0, expect: expected, messageId, payload });
  const connected = () => until(() => node.api.mux.status === 'connected');

  test('an acknowledged append survives kill -9, and one in the middle of it is unknown, never lost or doubled', async () => {
    for (let round = 0; round < 3; round++) {
      let expected = (await journal.last(0))?.seq ?? 0;
      let outcome: AppendOutcome;
      let messageId: string;
      let killed: Promise<void> | undefined;
      let appended = 0;
      do {
        messageId = nextId();
        const pending = append(expected, messageId, messageId);
        if (++appended === 200) killed = nats.kill();
        outcome = await pending;
        if (outcome.kind === 'appended') expected = outcome.seq;
      } while (outcome.kind === 'appended');
      await killed;
      expect(outcome.kind).toBe('unknown');
      // Away: certainly not stored is not said either; nothing was sent, but nobody may rely on it.
      expect((await append(expected, 'away')).kind).toBe('unknown');
      await nats.restart();
      await connected();
      const last = await untilItWorks(() => journal.last(0));
      if (last?.seq !== expected) expect(last?.messageId).toBe(messageId);
      // The same bytes again under the same id: stored once, whichever way it went.
      const again = await append(expected, messageId, messageId);
      expect(again.kind).toBe(last?.seq === expected ? 'appended' : 'refused');
      expect((await journal.last(0))?.messageId).toBe(messageId);
    }
    const payloads: string[] = [];
    const to = (await journal.last(0))?.seq ?? 0;
    await journal.read(0, { from: 1, to }, (entry) => {
      expect(entry.payload).toBe(entry.messageId);
      payloads.push(entry.payload);
    });
    expect(new Set(payloads).size).toBe(payloads.length);
  });

  test('long tails of many partitions, read at once by somebody slow, do not make the server cut us off', async () => {
    const partitions = Array.from({ length: 24 }, (_, partition) => partition);
    const payload = 'x'.repeat(1_000_000);
    const messages = 6;
    const ends = await Promise.all(
      partitions.map(async (partition) => {
        let expect = 0;
        for (let count = 0; count < messages; count++) {
          const done = journal.append({ partition, expect, messageId: nextId(), payload });
          expect = await seqOf(done);
        }
        return expect;
      }),
    );
    const statuses: string[] = [];
    node.api.mux.onStatus((status) => statuses.push(status));
    let read = 0;
    await Promise.all(
      partitions.map((partition) =>
        journal.read(partition, { from: 1, to: ends[partition] as number }, () => {
          read += 1;
          const until = performance.now() + 10;
          while (performance.now() < until);
        }),
      ),
    );
    expect(read).toBe(partitions.length * messages);
    expect(statuses).toEqual([]);
  });

  test('an append to a frozen server is unknown, and may be stored long after', async () => {
    const impatient = createJournal(node.api, node.names, { appendTimeoutMs: 200 });
    const first = await seqOf(append(0, 'first'));
    await nats.pause();
    const messageId = nextId();
    const late = { partition: 0, expect: first, messageId, payload: 'late' };
    expect((await impatient.append(late)).kind).toBe('unknown');
    nats.resume();
    await until(async () => (await journal.last(0))?.payload === 'late');
    expect((await impatient.append(late)).kind).toBe('refused');
    expect((await journal.last(0))?.messageId).toBe(messageId);
  });

  test('without the stream an append is busy: certainly not stored', async () => {
    await node.api.call(`STREAM.DELETE.${node.names.streams.journal}`);
    expect((await append(0, 'nowhere')).kind).toBe('busy');
  });

  test('a full stream is busy and takes the message once there is room', async () => {
    const { journal: stream } = node.names.streams;
    const { config } = (await node.api.info(stream)) ?? { config: {} };
    await node.api.call(`STREAM.UPDATE.${stream}`, { ...config, max_bytes: 2_000 });
    const first = await seqOf(append(0, 'x'.repeat(1_500)));
    expect((await append(first, 'y'.repeat(1_500))).kind).toBe('busy');
    await node.api.call(`STREAM.UPDATE.${stream}`, { ...config, max_bytes: -1 });
    expect((await append(first, 'y'.repeat(1_500))).kind).toBe('appended');
  });

  test('the largest message comes back whole', async () => {
    const max = node.connection.info?.max_payload ?? 0;
    const payload = 'ü'.repeat(max / 2 - 500);
    const seq = await seqOf(append(0, payload));
    expect((await journal.last(0))?.payload === payload).toBe(true);
    let read = '';
    await journal.read(0, { from: seq, to: seq }, (entry) => {
      read = entry.payload;
    });
    expect(read === payload).toBe(true);
    await expect(append(seq, 'ü'.repeat(max))).rejects.toMatchObject({ code: 'misconfigured' });
  });

  test('many barriers leave one message, and none in the partition', async () => {
    const seq = await seqOf(append(0, 'first'));
    for (let round = 0; round < 20; round++) {
      const barrier = await journal.barrier({ partition: 0, expect: seq, messageId: nextId() });
      expect(barrier.kind).toBe('appended');
    }
    const { state } = (await node.api.info(node.names.streams.journal)) ?? {};
    expect(state?.messages).toBe(2);
    expect((await journal.last(0))?.seq).toBe(seq);
    expect(await journal.barrier({ partition: 0, expect: seq + 1, messageId: nextId() })).toEqual({
      kind: 'refused',
    });
  });

  test('a read goes on where it was when the server is killed under it', async () => {
    let last = 0;
    for (let index = 0; index < 3_000; index++) last = await seqOf(append(last, `${index}`));
    const read: string[] = [];
    let killed: Promise<void> | undefined;
    await journal.read(0, { from: 1, to: last }, (entry) => {
      read.push(entry.payload);
      if (read.length === 100) killed = nats.kill().then(() => nats.restart());
    });
    await killed;
    expect(read).toEqual(Array.from({ length: 3_000 }, (_, index) => `${index}`));
  });

  test('a read to a message that is not there gives up and hands over nothing more', async () => {
    const first = await seqOf(append(0, 'first'));
    const impatient = createJournal(node.api, node.names, { readStallMs: 100, readGiveUpMs: 500 });
    const reading = impatient.read(0, { from: 1, to: first + 1 }, () => {});
    await expect(reading).rejects.toMatchObject({ code: 'timeout' });
    const other = { partition: 1, expect: 0, messageId: nextId(), payload: 'other' };
    const gap = await seqOf(journal.append(other));
    await append(first, 'after the gap');
    const past = impatient.read(0, { from: first + 1, to: gap }, () => {});
    await expect(past).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('an error of the reader ends the read with that error', async () => {
    const seq = await seqOf(append(0, 'first'));
    const reading = journal.read(0, { from: 1, to: seq }, () => {
      throw new Error('does not fold');
    });
    await expect(reading).rejects.toThrow('does not fold');
  });
});
