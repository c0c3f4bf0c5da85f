// One meaning per id (invariant 7), also where the id comes back for a SKU that has never heard of it: another SKU in
// another partition, a cart after a single hold, a single hold after a cart.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { partitionOf, skuKeyOf } from '../../src/domain/names.ts';
import { type Desk, openDesk, skusApart } from '../support/desk.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { startNode, type TestNode, testConfig } from '../support/node.ts';

const config = testConfig({ partitions: 8 });
const [a = '', b = '', c = ''] = skusApart(3, 8, 'id');

let server: TestNats;
let node: TestNode;
let desk: Desk;

beforeAll(async () => {
  server = await startNats();
  node = await startNode({ url: server.url, config });
  desk = await openDesk(server.url);
  await Promise.all([a, b, c].map((sku) => desk.receive(sku, 10)));
});

afterAll(async () => {
  await desk?.close();
  await node?.stop();
  await server?.stop();
});

const conflict = { ok: false, error: { code: 'id_conflict', retry: false } };

test('an id that was accepted for one SKU is a conflict for every other', async () => {
  const wish = { id: 'r-1', qty: 1 };
  expect(await desk.ask('web', 'reserve', { ...wish, sku: a })).toMatchObject({ ok: true });
  expect(await desk.ask('web', 'reserve', { ...wish, sku: b })).toMatchObject(conflict);
  expect(await desk.ask('web', 'sell', { ...wish, sku: b })).toMatchObject(conflict);
  expect(await desk.ask('web', 'reserve', { ...wish, sku: a })).toMatchObject({ replayed: true });
  expect(await desk.get(b)).toMatchObject({ onHand: 10, reserved: 0 });
});

test('another channel’s id of the same name is a stranger', async () => {
  expect(await desk.ask('mobile', 'reserve', { id: 'r-1', sku: b, qty: 1 })).toMatchObject({
    ok: true,
  });
});

test('an id that was only refused may be used for something else', async () => {
  expect(await desk.ask('web', 'reserve', { id: 'r-2', sku: a, qty: 99 })).toMatchObject({
    error: { code: 'insufficient_stock' },
  });
  expect(await desk.ask('web', 'reserve', { id: 'r-2', sku: b, qty: 1 })).toMatchObject({
    ok: true,
  });
});

test('a cart and a single hold do not share an id', async () => {
  const lines = [b, c].map((sku) => ({ sku, qty: 1 }));
  expect(await desk.ask('web', 'reserve', { id: 'r-1', lines })).toMatchObject(conflict);
  expect(await desk.insist('web', 'reserve', { id: 'cart-1', lines })).toMatchObject({ ok: true });
  expect(await desk.ask('web', 'reserve', { id: 'cart-1', sku: a, qty: 1 })).toMatchObject(
    conflict,
  );
  const pay = { id: 'pay-1', reservation: 'cart-1', order: 'o-1' };
  expect(await desk.insist('web', 'confirm', pay)).toMatchObject({ ok: true });
  expect(await desk.ask('web', 'sell', { id: 'pay-1', sku: a, qty: 1 })).toMatchObject(conflict);
  expect(await desk.insist('web', 'confirm', pay)).toMatchObject({ ok: true, replayed: true });
  // Also through one of its SKUs.
  expect(await desk.insist('web', 'confirm', { ...pay, skus: [b, c] })).toMatchObject({
    ok: false,
  });
});

test('frames answer each element by itself', async () => {
  const { body } = await desk.raw(
    `inv.p.${partitionOf(skuKeyOf(a), 8)}.web`,
    JSON.stringify([
      { verb: 'reserve', id: 'r-2', sku: a, qty: 1 },
      { verb: 'reserve', id: 'r-3', sku: a, qty: 1 },
    ]),
  );
  expect(body).toMatchObject([conflict, { ok: true, id: 'r-3' }]);
});
