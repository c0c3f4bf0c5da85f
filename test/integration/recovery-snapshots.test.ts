// Starting again from snapshots and the journal's tail, and what happens when one of them is not what it was.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyValueSubject } from '../../src/contract/subjects.ts';
import { bucketStream } from '../../src/nats/adapter-names.ts';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import { readAll } from '../../src/nats/read-all.ts';
import type { Ports } from '../../src/ports.ts';
import { type Caller, openCaller, type Reply } from '../support/calls.ts';
import { openPorts, until } from '../support/deployment.ts';
import { brokenLinks, claimsIn, eventsIn, readJournal } from '../support/journal-log.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { startNode, type TestNode, testConfig } from '../support/node.ts';

const limits = { snapshotEveryMs: 200, pageCount: 8 };
const config = testConfig({ partitions: 1, limits });
const skus = Array.from({ length: 40 }, (_, index) => `R-${index}`);

let server: TestNats;
let caller: Caller;
let tools: NatsPorts;
let running: TestNode[];
/** Journal messages read since the last `start`. */
let read = 0;

beforeEach(async () => {
  server = await startNats();
  caller = await openCaller(server.url);
  tools = await openPorts(server.url, 'inv', { partitions: 1 });
  running = [];
});

afterEach(async () => {
  await caller.close();
  await Promise.allSettled(running.map((node) => node.stop()));
  await tools.close();
  await server.stop();
});

function counting(ports: Ports): Ports {
  read = 0;
  return {
    ...ports,
    journal: {
      ...ports.journal,
      read: (partition, range, each) =>
        ports.journal.read(partition, range, (entry) => {
          read += 1;
          each(entry);
        }),
    },
  };
}

async function start(more: { config?: typeof config } = {}): Promise<TestNode> {
  const node = await startNode({ url: server.url, name: 'a', config, wrap: counting, ...more });
  running.push(node);
  return node;
}

async function stop(node: TestNode, how: 'stop' | 'crash' = 'stop'): Promise<void> {
  running.splice(running.indexOf(node), 1);
  await node[how]();
}

/** Waits until a checkpoint covers everything. */
async function covered({ node }: TestNode): Promise<void> {
  await until(() => node.status().partitions[0]?.behindCheckpoint === 0, 'a checkpoint');
}

async function fill(): Promise<void> {
  for (const sku of skus) {
    await caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 100 });
    await caller.insist('inv.cmd.web.reserve', { id: `r-${sku}`, sku, qty: 3 });
    await caller.insist('inv.cmd.pos.sell', { id: `s-${sku}`, sku, qty: 2 });
  }
}

/** Everything that can be asked of every SKU, repetitions included; without the journal's position. */
async function everything(): Promise<Reply[]> {
  const asked = skus.flatMap((sku) => [
    caller.insist('inv.cmd.ops.get', { sku }),
    caller.insist('inv.cmd.web.reserve', { id: `r-${sku}`, sku, qty: 3 }),
    caller.insist('inv.cmd.pos.sell', { id: `s-${sku}`, sku, qty: 2 }),
    caller.insist('inv.cmd.web.confirm', {
      id: `none-${sku}`,
      sku,
      reservation: 'none',
      order: 'o',
    }),
  ]);
  return (await Promise.all(asked)).map(({ asOfSeq: _, ...reply }) => reply);
}

async function snapshotKeys(): Promise<string[]> {
  const bucket = tools.names.buckets.snapshots;
  const keys: string[] = [];
  await readAll(tools.api, { stream: bucketStream(bucket), deliver: 'newest' }, ({ subject }) => {
    keys.push(subject.slice(keyValueSubject(bucket, '').length));
  });
  return keys;
}

async function deleteSnapshots(filter: string): Promise<number> {
  const bucket = tools.names.buckets.snapshots;
  const { purged } = await tools.api.call<{ purged: number }>(
    `STREAM.PURGE.${bucketStream(bucket)}`,
    { filter: keyValueSubject(bucket, filter) },
  );
  return purged;
}

describe('what is read at a start', () => {
  test('after a clean stop nothing but our own claim', async () => {
    const first = await start();
    await fill();
    const before = await everything();
    await stop(first);
    await start();
    expect(read).toBe(1);
    expect(await everything()).toEqual(before);
  });

  test('after a crash the tail behind the checkpoint', async () => {
    const rare = testConfig({ partitions: 1, limits: { ...limits, snapshotEveryMs: 3_600_000 } });
    const first = await start();
    await fill();
    await covered(first);
    await stop(first);
    const second = await start({ config: rare });
    for (const sku of skus.slice(0, 5)) {
      await caller.insist('inv.cmd.web.release', { id: `x-${sku}`, sku, reservation: `r-${sku}` });
    }
    const before = await everything();
    await stop(second, 'crash');
    await start();
    // The five releases, and the claims around them.
    expect(read).toBeLessThanOrEqual(5 + 2);
    expect(await everything()).toEqual(before);
  });
});

describe('snapshots are an optimisation: the same state comes from the journal', () => {
  let before: Reply[];

  beforeEach(async () => {
    const first = await start();
    await fill();
    await covered(first);
    before = await everything();
    await stop(first);
  });

  test('without any of them', async () => {
    expect(await deleteSnapshots('>')).toBeGreaterThan(0);
    const node = await start();
    expect(read).toBeGreaterThan(3 * skus.length);
    expect(await everything()).toEqual(before);
    // And they come back.
    await covered(node);
    await stop(node);
    await start();
    expect(read).toBe(1);
    expect(await everything()).toEqual(before);
  });

  test.each([
    ['one page', '0.page.3'],
    ['every page', '0.page.*'],
    ['the checkpoint', '0.checkpoint'],
    ['the alarms', '0.alarms.>'],
  ])('without %s: noticed, and replayed from the beginning', async (_which, filter) => {
    expect(await deleteSnapshots(filter)).toBeGreaterThan(0);
    const node = await start();
    expect(await everything()).toEqual(before);
    expect(read).toBeGreaterThan(3 * skus.length);
    await covered(node);
    await stop(node);
    await start();
    expect(read).toBe(1);
    expect(await everything()).toEqual(before);
    expect(brokenLinks(await readJournal(tools))).toEqual([]);
  });
});

describe('a SKU with many holds', () => {
  const holds = Number(process.env.LASTUNIT_TEST_HOLDS ?? 20_000);

  test(`${holds} open holds are stored in pieces and come back`, async () => {
    const sku = 'LARGE';
    const big = testConfig({ partitions: 1, limits: { ...limits, snapshotEveryMs: 5_000 } });
    let node = await start({ config: big });
    await caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 1_000_000 });
    const id = (index: number) => `h-${index}`;
    for (let from = 0; from < holds; from += 1_000) {
      const frame = Array.from({ length: Math.min(1_000, holds - from) }, (_, index) => ({
        verb: 'reserve',
        id: id(from + index),
        sku,
        qty: 1,
        ttlMs: 3_600_000,
      }));
      const call = await caller.call('inv.p.0.web', frame as never, 30_000);
      const replies = call.reply as unknown as Reply[];
      expect(replies.filter(({ ok }) => !ok)).toEqual([]);
    }
    let startedMs = Date.now();
    await covered(node);
    console.log(`checkpoint after ${Date.now() - startedMs} ms`);
    const before = await caller.insist('inv.cmd.web.get', { sku });
    expect(before).toMatchObject({ reserved: holds, reservations: holds });
    const pieces = (await snapshotKeys()).filter((key) => key.startsWith('0.piece.LARGE.'));
    expect(pieces.length).toBeGreaterThan(holds / 20_000);
    await stop(node);
    startedMs = Date.now();
    node = await start({ config: big });
    const startMs = Date.now() - startedMs;
    const after = await caller.insist('inv.cmd.web.get', { sku });
    console.log(
      `started in ${startMs} ms, first answer of the large SKU ${Date.now() - startedMs - startMs} ms later`,
    );
    expect(read).toBe(1);
    expect({ ...after, asOfSeq: 0 }).toEqual({ ...before, asOfSeq: 0 });
    for (const index of [0, 1, Math.floor(holds / 2), holds - 1]) {
      expect(
        await caller.insist('inv.cmd.web.reserve', {
          id: id(index),
          sku,
          qty: 1,
          ttlMs: 3_600_000,
        }),
      ).toMatchObject({ ok: true, replayed: true, state: 'open' });
    }
    expect(
      await caller.insist('inv.cmd.web.confirm', {
        id: `c-${sku}`,
        sku,
        reservation: id(7),
        order: 'o',
      }),
    ).toMatchObject({ ok: true });
    // Without one of its pieces the SKU comes from the journal.
    await covered(node);
    await stop(node);
    const [piece] = (await snapshotKeys()).filter((key) => key.startsWith('0.piece.LARGE.'));
    await deleteSnapshots(piece as string);
    await start({ config: big });
    expect(await caller.insist('inv.cmd.web.get', { sku })).toMatchObject({
      onHand: 1_000_000 - 1,
      reservations: holds - 1,
    });
  }, 600_000);
});

describe('holds expire by themselves', () => {
  test.each(['stop', 'crash'] as const)(
    'after a %s, also of SKUs that nobody has asked for since',
    async (how) => {
      const first = await start();
      const ttlMs = 6_000;
      for (const sku of skus) {
        await caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 10 });
        await caller.insist('inv.cmd.web.reserve', { id: `r-${sku}`, sku, qty: 1, ttlMs });
      }
      if (how === 'stop') await covered(first);
      await stop(first, how);
      await start();
      const expired = async () =>
        eventsIn(await readJournal(tools)).flatMap(({ event }) =>
          event.type === 'reservation.expired' ? [event] : [],
        );
      await until(async () => (await expired()).length === skus.length, 'all holds expire');
      const late = (await expired()).map((event) => event.atMs - event.expiresAtMs);
      console.log(`expired at most ${Math.max(...late)} ms late, after a ${how}`);
      expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
      for (const sku of skus.slice(0, 3)) {
        expect(await caller.insist('inv.cmd.web.get', { sku })).toMatchObject({
          reserved: 0,
          available: 10,
        });
      }
    },
  );

  test('of passivated SKUs too', async () => {
    const small = testConfig({ partitions: 1, limits: { ...limits, residentsMax: 4 } });
    const node = await start({ config: small });
    for (const sku of skus) {
      await caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 10 });
      await caller.insist('inv.cmd.web.reserve', { id: `r-${sku}`, sku, qty: 1, ttlMs: 6_000 });
    }
    await until(() => node.node.status().residents <= 4, 'most SKUs are passivated');
    await until(
      async () =>
        eventsIn(await readJournal(tools)).filter(
          ({ event }) => event.type === 'reservation.expired',
        ).length === skus.length,
      'all holds expire',
    );
    for (const sku of skus) {
      expect(await caller.insist('inv.cmd.web.get', { sku })).toMatchObject({ reserved: 0 });
    }
  });
});

test('more SKUs than residents: every answer is right, and memory stays bounded', async () => {
  const small = testConfig({
    partitions: 1,
    limits: { ...limits, residentsMax: 8, pagesCachedMax: 2, pageCount: 16 },
  });
  const node = await start({ config: small });
  const many = Array.from({ length: 200 }, (_, index) => `P-${index}`);
  await Promise.all(
    many.map((sku) => caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 50 })),
  );
  let most = 0;
  for (let round = 1; round <= 5; round++) {
    const replies = await Promise.all(
      many.map((sku) =>
        caller.insist('inv.cmd.web.reserve', { id: `r-${round}-${sku}`, sku, qty: 2 }),
      ),
    );
    expect(replies.map(({ available }) => available)).toEqual(many.map(() => 50 - 2 * round));
    await until(() => node.node.status().residents <= 8, 'the idle ones are passivated');
    most = Math.max(most, node.node.status().residents);
  }
  expect(most).toBeLessThanOrEqual(8);
  await stop(node, 'crash');
  await start({ config: small });
  const after = await Promise.all(many.map((sku) => caller.insist('inv.cmd.web.get', { sku })));
  expect(after.map(({ reserved }) => reserved)).toEqual(many.map(() => 10));
  expect(claimsIn(await readJournal(tools)).length).toBe(2);
});

test('a catalogue comes in without a snapshot: memory stays bounded, nothing is lost, holds expire', async () => {
  const residentsMax = 20;
  const rare = testConfig({
    partitions: 2,
    limits: { residentsMax, snapshotEveryMs: 3_600_000, snapshotEveryEvents: 1_000_000 },
  });
  const node = await start({ config: rare });
  const many = Array.from({ length: 1_000 }, (_, index) => `C-${index}`);
  let most = 0;
  for (let from = 0; from < many.length; from += 50) {
    await Promise.all(
      many.slice(from, from + 50).map(async (sku) => {
        await caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 5 });
        most = Math.max(most, node.node.status().residents);
      }),
    );
  }
  expect(most).toBeGreaterThan(residentsMax / 2);
  expect(most).toBeLessThanOrEqual(2 * residentsMax);
  // More events than are kept a second time, and a few: both come back from where they went.
  const [busy = '', brief = ''] = many;
  for (let i = 0; i < 4; i++) {
    await caller.insist('inv.cmd.pos.sell', { id: `s-${i}`, sku: busy, qty: 1 });
  }
  await caller.insist('inv.cmd.web.reserve', { id: 'hold', sku: brief, qty: 2, ttlMs: 1_500 });
  const others = many.slice(100, 200);
  await Promise.all(others.map((sku) => caller.insist('inv.cmd.web.get', { sku })));
  await until(() => node.node.status().residents <= residentsMax, 'they have made room');
  await until(
    async () =>
      eventsIn(await readJournal(tools)).some(({ event }) => event.type === 'reservation.expired'),
    'the hold of a SKU that is not in memory expires',
  );
  const expected = many.map((sku) => (sku === busy ? 1 : 5));
  const onHand = async () =>
    (await Promise.all(many.map((sku) => caller.insist('inv.cmd.web.get', { sku })))).map(
      (reply) => reply.onHand,
    );
  expect(await onHand()).toEqual(expected);
  await stop(node, 'crash');
  await start({ config: rare });
  expect(await onHand()).toEqual(expected);
  expect(await caller.insist('inv.cmd.web.get', { sku: brief })).toMatchObject({ reserved: 0 });
});
