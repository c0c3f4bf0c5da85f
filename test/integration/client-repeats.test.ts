// The client against a real server: a scripted responder misbehaves, a node is killed, a server restarts.

import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, connectClient } from '../../src/client/index.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { startNode } from '../support/node.ts';

interface Element {
  readonly id: string;
  readonly sku: string;
}

let server: TestNats;

beforeAll(async () => {
  server = await startNats();
});

afterAll(() => server?.stop());

/** Answers frames of partition 0 as the script says; `undefined` is silence. */
function respondTo(
  connection: NatsConnection,
  prefix: string,
  script: (elements: readonly Element[], attempt: number) => unknown,
): void {
  let attempt = 0;
  connection.subscribe(`${prefix}.p.0.web`, {
    callback: (_error, message) => {
      const reply = script(message.json<Element[]>(), ++attempt);
      if (reply !== undefined) message.respond(JSON.stringify(reply));
    },
  });
}

const accepted = ({ id, sku }: Element) => ({
  ok: true,
  id,
  sku,
  qty: 1,
  available: 1,
  version: 1,
});

describe('with a responder that does what nodes do in trouble', () => {
  let responder: NatsConnection;
  let client: Client;

  beforeAll(async () => {
    responder = await connect({ servers: server.url });
  });

  afterAll(() => responder?.close());

  const connected = async (prefix: string) => {
    client = await connectClient({
      servers: server.url,
      channel: 'web',
      prefix,
      partitions: 1,
      attemptTimeoutMs: 300,
    });
  };

  test('nobody listens at first', async () => {
    await connected('late');
    const reply = client.reserve({ sku: 'A', qty: 1 });
    setTimeout(() => respondTo(responder, 'late', (elements) => elements.map(accepted)), 300);
    expect(await reply).toMatchObject({ ok: true });
    await client.close();
  });

  test('silence, then unavailable, then the answer, all to the same id', async () => {
    await connected('silent');
    const ids: string[] = [];
    respondTo(responder, 'silent', (elements, attempt) => {
      ids.push(elements[0]!.id);
      if (attempt === 1) return undefined;
      const error = { code: 'unavailable', message: 'moving', retry: true };
      return attempt === 2 ? [{ ok: false, id: elements[0]!.id, error }] : elements.map(accepted);
    });
    expect(await client.reserve({ sku: 'A', qty: 1 })).toMatchObject({ ok: true });
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
    await client.close();
  });

  test('silence for longer than the deadline', async () => {
    await connected('mute');
    respondTo(responder, 'mute', () => undefined);
    const failure = client.reserve({ sku: 'A', qty: 1 }, { deadlineMs: 1_000 });
    await expect(failure).rejects.toMatchObject({
      code: 'deadline_exceeded',
      cause: { code: 'timeout' },
    });
    await client.close();
  });
});

describe('with nodes', () => {
  test('learns the number of partitions, and every verb works', async () => {
    const node = await startNode({ url: server.url });
    const options = { servers: server.url, deadlineMs: 5_000 };
    const web = await connectClient({ ...options, channel: 'web' });
    const ops = await connectClient({ ...options, channel: 'ops' });
    expect(web.partitions).toBe(4);
    const sku = 'BANK CHARGES';
    expect(await ops.receive({ sku, qty: 100 })).toMatchObject({ ok: true, available: 100 });
    expect(await ops.policy({ sku, safetyStock: 10 })).toMatchObject({ ok: true });
    const held = await web.reserve({ sku, qty: 4 });
    expect(held).toMatchObject({ ok: true, available: 86 });
    if (!held.ok) throw new Error('refused');
    const reservation = held.id;
    expect(await web.renew({ sku, reservation, ttlMs: 60_000 })).toMatchObject({ ok: true });
    const confirm = { sku, reservation, order: 'o-1', qty: 3 };
    expect(await web.confirm(confirm)).toMatchObject({ ok: true, qty: 3 });
    expect(await web.release({ sku, reservation })).toMatchObject({
      ok: false,
      error: { code: 'already_confirmed' },
    });
    expect(await web.sell({ sku, qty: 1 })).toMatchObject({ ok: true });
    expect(await web.restock({ sku, qty: 1 })).toMatchObject({ ok: true });
    expect(await ops.adjust({ sku, delta: -2, reason: 'broken' })).toMatchObject({ delta: -2 });
    expect(await ops.count({ sku, counted: 95 })).toMatchObject({ ok: true, delta: 0 });
    const move = { sku, qty: 5, from: 'main', to: 'shop-2' };
    expect(await ops.transfer(move)).toMatchObject({ ok: true });
    expect(await web.get({ sku })).toMatchObject({ onHand: 95, reserved: 0, available: 85 });
    expect(await web.receive({ sku, qty: 1 })).toMatchObject({ error: { code: 'forbidden' } });

    await ops.receive({ sku: 'A', qty: 5 });
    const cart = await web.reserve({
      lines: [
        { sku, qty: 1 },
        { sku: 'A', qty: 2 },
      ],
    });
    expect(cart).toMatchObject({ ok: true, lines: [{ sku }, { sku: 'A', qty: 2 }] });
    if (!cart.ok) throw new Error('refused');
    expect(await web.confirm({ reservation: cart.id, order: 'o-2' })).toMatchObject({ ok: true });

    const scanner = await connectClient({ ...options, channel: 'wms' });
    const fact = await scanner.publishFact('receive', { id: 'f-1', sku: 'A', qty: 7 });
    expect(fact).toMatchObject({ id: 'f-1', duplicate: false });
    const again = await scanner.publishFact('receive', { id: 'f-1', sku: 'A', qty: 7 });
    expect(again).toMatchObject({ seq: fact.seq, duplicate: true });
    await expect.poll(async () => web.get({ sku: 'A' })).toMatchObject({ onHand: 10 });
    await Promise.all([web, ops, scanner].map((one) => one.close()));
    await node.stop();
  });

  test('hides the loss of a node: nobody sees an error and nothing happens twice', async () => {
    const nodes = [
      await startNode({ url: server.url, name: 'a' }),
      await startNode({ url: server.url, name: 'b' }),
    ];
    const ops = await connectClient({ servers: server.url, channel: 'ops' });
    const skus = Array.from({ length: 8 }, (_, index) => `LOST-${index}`);
    for (const sku of skus) await ops.receive({ sku, qty: 1_000_000 });
    let running = true;
    const counts = skus.map(async (sku) => {
      let sold = 0;
      while (running) {
        const reply = await ops.sell({ sku, qty: 1 }, { deadlineMs: 20_000 });
        if (!reply.ok) throw new Error(reply.error.message);
        sold += 1;
      }
      return sold;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await nodes[0]!.crash();
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    running = false;
    const sold = await Promise.all(counts);
    for (const [index, sku] of skus.entries()) {
      expect(await ops.get({ sku })).toMatchObject({ onHand: 1_000_000 - sold[index]! });
    }
    await ops.close();
    await nodes[1]!.stop();
  });

  test('goes on after a restart of the server', async () => {
    const node = await startNode({ url: server.url });
    const ops = await connectClient({ servers: server.url, channel: 'ops', deadlineMs: 30_000 });
    await ops.receive({ sku: 'R', qty: 10 });
    await server.kill();
    const reply = ops.sell({ sku: 'R', qty: 1 });
    await server.restart();
    expect(await reply).toMatchObject({ ok: true });
    expect(await ops.get({ sku: 'R' })).toMatchObject({ onHand: 9 });
    await ops.close();
    await node.stop();
  });
});

test('without a node yet, commands wait for one and go through it', async () => {
  const fresh = await startNats();
  const client = await connectClient({ servers: fresh.url, channel: 'ops', deadlineMs: 20_000 });
  expect(client.partitions).toBeUndefined();
  const reply = client.receive({ sku: 'A', qty: 1 });
  const node = await startNode({ url: fresh.url });
  expect(await reply).toMatchObject({ ok: true });
  await expect.poll(() => client.partitions, { timeout: 3_000 }).toBe(4);
  await client.close();
  await node.stop();
  const connection = await connect({ servers: fresh.url });
  const manager = await jetstreamManager(connection);
  expect((await manager.streams.info('KV_inv_nodes')).config.name).toBe('KV_inv_nodes');
  await connection.close();
  await fresh.stop();
});
