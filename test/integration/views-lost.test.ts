// Invariant 10: what a server has lost of the derived data comes back by itself, also for a
// partition that nobody calls.

import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, expect, test } from 'vitest';
import { startNats, type TestNats } from '../support/nats.ts';
import { connectChannel, startNode, type TestChannel, type TestNode } from '../support/node.ts';

let server: TestNats;
let node: TestNode;
let channel: TestChannel;

afterEach(async () => {
  await channel?.close();
  await node?.stop();
  await server?.stop();
});

/** Messages of a stream; 0 when they are lost. */
async function messagesIn(stream: string): Promise<number> {
  const manager = await jetstreamManager(channel.connection);
  return (await manager.streams.info(stream)).state.messages;
}

test('rows and history that a killed server has lost are written again after the reconnect', async () => {
  server = await startNats();
  node = await startNode({ url: server.url });
  channel = await connectChannel(server.url);
  for (const sku of ['LOST-1', 'LOST-2', 'LOST-3']) {
    await channel.request('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 7 });
  }
  const streams = ['KV_inv_stock', 'KV_inv_view_web', 'INV_EVENTS'];
  for (const stream of streams) await expect.poll(() => messagesIn(stream)).toBeGreaterThan(3);
  const manager = await jetstreamManager(channel.connection);
  for (const stream of streams) await manager.streams.purge(stream);

  await server.kill();
  await server.restart();

  const published = async (subject: string) => {
    const found = await manager.streams
      .getMessage('KV_inv_stock', { last_by_subj: subject })
      .catch(() => null);
    return found?.json();
  };
  for (const sku of ['LOST-1', 'LOST-2', 'LOST-3']) {
    await expect
      .poll(() => published(`$KV.inv_stock.${sku}`), { timeout: 20_000 })
      .toMatchObject({ sku, onHand: 7, available: 7 });
  }
  await expect
    .poll(
      async () => {
        const last = await manager.streams
          .getMessage('INV_EVENTS', { last_by_subj: 'inv.event.LOST-2' })
          .catch(() => null);
        return last?.json();
      },
      { timeout: 20_000 },
    )
    .toMatchObject({ sku: 'LOST-2', events: [{ type: 'stock.received', version: 1, onHand: 7 }] });
});
