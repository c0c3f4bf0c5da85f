// The main job end to end: stock comes in, channels reserve and confirm over NATS, views follow.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startNats, type TestNats } from '../support/nats.ts';
import {
  connectChannel,
  startNode,
  type TestChannel,
  type TestNode,
  wireTapOf,
} from '../support/node.ts';

let server: TestNats;
let node: TestNode;
let channel: TestChannel;

beforeAll(async () => {
  server = await startNats();
  node = await startNode({ url: server.url });
  channel = await connectChannel(server.url);
});

afterAll(async () => {
  await channel?.close();
  await node?.stop();
  await server?.stop();
});

test('goods in, reserve, confirm: the strong read follows', async () => {
  const sku = 'MUG 1';
  expect(await channel.request('inv.cmd.wms.receive', { id: 'g-1', sku, qty: 5 })).toMatchObject({
    ok: true,
    id: 'g-1',
    sku,
    qty: 5,
  });
  const reserved = await channel.request('inv.cmd.web.reserve', { id: 'r-1', sku, qty: 2 });
  expect(reserved).toMatchObject({ ok: true, id: 'r-1', qty: 2, available: 3 });
  expect(await channel.request('inv.cmd.web.get', { sku })).toMatchObject({
    ok: true,
    onHand: 5,
    reserved: 2,
    available: 3,
    reservations: 1,
  });
  expect(
    await channel.request('inv.cmd.web.confirm', {
      id: 'c-1',
      sku,
      reservation: 'r-1',
      order: 'o-1',
    }),
  ).toMatchObject({ ok: true, qty: 2, available: 3 });
  expect(await channel.request('inv.cmd.web.get', { sku })).toMatchObject({
    onHand: 3,
    reserved: 0,
  });
});

test('a cart over several SKUs is reserved and confirmed as one', async () => {
  for (const sku of ['C-A', 'C-B', 'C-C']) {
    await channel.request('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 3 });
  }
  const cart = await channel.request('inv.cmd.web.reserve', {
    id: 'cart-1',
    lines: [
      { sku: 'C-A', qty: 1 },
      { sku: 'C-B', qty: 2 },
      { sku: 'C-C', qty: 3 },
    ],
  });
  expect(cart).toMatchObject({ ok: true, id: 'cart-1' });
  const confirmed = await channel.request('inv.cmd.web.confirm', {
    id: 'cart-1-pay',
    reservation: 'cart-1',
    order: 'o-9',
  });
  expect(confirmed).toMatchObject({ ok: true });
  await expect
    .poll(() => channel.request('inv.cmd.web.get', { sku: 'C-C' }))
    .toMatchObject({ onHand: 0, reserved: 0 });
});

test('state comes back from the journal after a restart', async () => {
  const sku = 'PLATE';
  await channel.request('inv.cmd.wms.receive', { id: 'p-1', sku, qty: 10 });
  const first = await channel.request('inv.cmd.web.reserve', { id: 'pr-1', sku, qty: 4 });
  await node.stop();
  node = await startNode({ url: server.url });
  expect(await channel.request('inv.cmd.web.get', { sku })).toMatchObject({
    onHand: 10,
    reserved: 4,
    available: 6,
  });
  expect(await channel.request('inv.cmd.web.reserve', { id: 'pr-1', sku, qty: 4 })).toEqual({
    ...first,
    replayed: true,
    state: 'open',
  });
});

test('every message on the wire has fitted its published schema', async () => {
  const tap = await wireTapOf(server.url);
  await expect.poll(() => tap?.checked.get('event') ?? 0).toBeGreaterThan(0);
  await expect.poll(() => tap?.checked.get('view row') ?? 0).toBeGreaterThan(0);
  for (const kind of ['request', 'reply', 'cart request', 'cart reply', 'stock row']) {
    expect(tap?.checked.get(kind) ?? 0, kind).toBeGreaterThan(0);
  }
  expect(tap?.violations).toEqual([]);
});
