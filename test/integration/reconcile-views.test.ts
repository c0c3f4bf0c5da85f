// The read models against their owners on a real nats-server: rows that were deleted, corrupted, made
// up or purged by hand are as they should be after the next run.

import { Kvm } from '@nats-io/kv';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startNats, type TestNats } from '../support/nats.ts';
import { connectChannel, startNode, type TestChannel, type TestNode } from '../support/node.ts';
import { MadeUpErp, startReconciler, type TestReconciler } from '../support/reconciler.ts';

let server: TestNats;
let node: TestNode;
let channel: TestChannel;
let reconciler: TestReconciler;
const skus = Array.from({ length: 30 }, (_, i) => `VIEW ${i}`);
const keyOf = (i: number) => `VIEW=20${i}`;

beforeAll(async () => {
  server = await startNats();
  node = await startNode({ url: server.url });
  channel = await connectChannel(server.url);
  for (const [i, sku] of skus.entries()) {
    const reply = await channel.request('inv.cmd.wms.receive', { id: `g-${i}`, sku, qty: 10 + i });
    expect(reply.ok).toBe(true);
  }
  reconciler = await startReconciler({
    ...{ nats: node.nats, sources: [new MadeUpErp('views')] },
    viewChannels: ['web', 'pos'],
  });
});

afterAll(async () => {
  await reconciler?.stop();
  await channel?.close();
  // Not `node.stop`: that proves that all rows on the wire are sound, and ours were not.
  await node?.node.stop();
  await node?.nats.close();
  await server?.stop();
});

const nothing = { missing: 0, different: 0, strangers: 0, rewritten: 0 };

async function bucket(name: string) {
  return new Kvm(channel.connection).open(name);
}

async function rowIn(name: string, key: string): Promise<Record<string, unknown> | undefined> {
  const entry = await (await bucket(name)).get(key);
  return entry === null || entry.operation !== 'PUT' ? undefined : entry.json();
}

test('rows that follow their owners are left alone', async () => {
  expect(await reconciler.run()).toMatchObject({
    views: [
      { bucket: 'stock', checked: 30, ...nothing },
      { bucket: 'view.web', checked: 30, ...nothing },
      { bucket: 'view.pos', checked: 30, ...nothing },
    ],
  });
});

test('rows that somebody deleted, corrupted or made up are repaired and counted', async () => {
  const web = await bucket('inv_view_web');
  const before = await rowIn('inv_view_web', keyOf(1));
  await web.delete(keyOf(1));
  await web.put(keyOf(2), 'not even JSON');
  await web.put(
    keyOf(3),
    JSON.stringify({ ...(await rowIn('inv_view_web', keyOf(3))), available: 99 }),
  );
  await web.put(
    keyOf(4),
    JSON.stringify({ ...(await rowIn('inv_view_web', keyOf(4))), version: 99 }),
  );
  await web.put('NOBODY', JSON.stringify({ sku: 'NOBODY', available: 5 }));
  await (await bucket('inv_stock')).put(keyOf(5), '{}');
  expect(await reconciler.run('views', { dryRun: true })).toMatchObject({
    views: [
      { bucket: 'stock', different: 1, rewritten: 0 },
      { bucket: 'view.web', missing: 1, different: 3, strangers: 1, rewritten: 0 },
      { bucket: 'view.pos', ...nothing },
    ],
  });
  // What a dry run has looked at must not be forgotten.
  expect(await reconciler.run()).toMatchObject({
    views: [
      { bucket: 'stock', different: 1, rewritten: 1 },
      { bucket: 'view.web', missing: 1, different: 3, strangers: 1, rewritten: 5 },
      { bucket: 'view.pos', ...nothing },
    ],
  });
  expect(await rowIn('inv_view_web', keyOf(1))).toEqual(before);
  expect(await rowIn('inv_view_web', keyOf(3))).toMatchObject({ available: 13, version: 1 });
  expect(await rowIn('inv_view_web', 'NOBODY')).toBeUndefined();
  expect(await rowIn('inv_stock', keyOf(5))).toMatchObject({ sku: skus[5], onHand: 15 });
  expect(await reconciler.run()).toMatchObject({
    views: [nothing, nothing, nothing],
  });
});

test('rows that were purged without a trace are missed', async () => {
  const { api } = node.nats;
  await api.call('STREAM.PURGE.KV_inv_view_pos', { filter: '$KV.inv_view_pos.>' });
  expect(await rowIn('inv_view_pos', keyOf(7))).toBeUndefined();
  expect(await reconciler.run()).toMatchObject({
    views: [nothing, nothing, { bucket: 'view.pos', missing: 30, rewritten: 30 }],
  });
  expect(await rowIn('inv_view_pos', keyOf(7))).toMatchObject({ available: 17 });
});

test('a repaired row goes on following its owner', async () => {
  const sell = (id: string) =>
    channel.request('inv.cmd.web.sell', { id, sku: skus[1], qty: 1, order: id });
  const web = await bucket('inv_view_web');
  await web.delete(keyOf(1));
  await reconciler.run();
  expect(await sell('after-repair')).toMatchObject({ ok: true });
  await expect
    .poll(async () => (await rowIn('inv_view_web', keyOf(1)))?.available, { timeout: 5_000 })
    .toBe(10);
  expect(await reconciler.run()).toMatchObject({ views: [nothing, nothing, nothing] });
});

test('rows of SKUs that move without a pause follow their owners: none is called different', async () => {
  let isBusy = true;
  let count = 0;
  const moving = skus.slice(10, 14).map(async (sku) => {
    for (; isBusy; count += 1) {
      const reply = await channel.request('inv.cmd.wms.receive', { id: `b-${count}`, sku, qty: 1 });
      expect(reply).toMatchObject({ ok: true });
    }
  });
  try {
    for (let times = 0; times < 3; times += 1) {
      expect(await reconciler.run()).toMatchObject({ views: [nothing, nothing, nothing] });
    }
  } finally {
    isBusy = false;
    await Promise.all(moving);
  }
  expect(count).toBeGreaterThan(100);
});
