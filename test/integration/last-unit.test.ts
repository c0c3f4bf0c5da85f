// Who gets the last unit: the failure that this project exists to prevent. Check and write in two
// steps sold 2 orders for 1 unit elsewhere (medusa #16569, vendure #3508, saleor #543 and others).

import { connect as connectOlder, JSONCodec, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startNats, type TestNats } from '../support/nats.ts';
import { connectChannel, startNode, type TestChannel, type TestNode } from '../support/node.ts';

interface Reply {
  ok: boolean;
  error?: { code: string };
}

const codec = JSONCodec<Reply>();
let server: TestNats;
let node: TestNode;
let channels: TestChannel[];
let older: NatsConnection;

beforeAll(async () => {
  server = await startNats();
  node = await startNode({ url: server.url });
  channels = await Promise.all(Array.from({ length: 7 }, () => connectChannel(server.url)));
  older = await connectOlder({ servers: server.url });
});

afterAll(async () => {
  await older?.close();
  await Promise.all((channels ?? []).map((channel) => channel.close()));
  await node?.stop();
  await server?.stop();
});

/** One of eight connections; the last belongs to the older client package. */
async function reserve(buyer: number, payload: object): Promise<Reply> {
  const channel = channels[buyer % 8];
  const subject = 'inv.cmd.web.reserve';
  if (channel) return (await channel.request(subject, payload, 30_000)) as unknown as Reply;
  const reply = await older.request(subject, JSON.stringify(payload), { timeout: 30_000 });
  return codec.decode(reply.data);
}

function receive(sku: string, qty: number) {
  const [channel] = channels as [TestChannel];
  return channel.request('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty });
}

/** How many of the replies were acceptances, and which codes the others had. */
function tally(replies: readonly Reply[]) {
  const codes = new Set(replies.flatMap((reply) => (reply.error ? [reply.error.code] : [])));
  return { accepted: replies.filter((reply) => reply.ok).length, codes: [...codes] };
}

test('64 buyers and 1 unit, 1,000 times: exactly one of them gets it', {
  timeout: 120_000,
}, async () => {
  const rounds = Array.from({ length: 1_000 }, (_, index) => `LAST-${index}`);
  for (let from = 0; from < rounds.length; from += 50) {
    const tallies = await Promise.all(
      rounds.slice(from, from + 50).map(async (sku) => {
        await receive(sku, 1);
        const buyers = Array.from({ length: 64 }, (_, buyer) =>
          reserve(buyer, { id: `${sku}-${buyer}`, sku, qty: 1 }),
        );
        return tally(await Promise.all(buyers));
      }),
    );
    for (const round of tallies) {
      expect(round).toEqual({ accepted: 1, codes: ['insufficient_stock'] });
    }
  }
});

test('10,000 buyers at once and 100 units: exactly 100 of them get one', {
  timeout: 120_000,
}, async () => {
  await receive('HOT', 100);
  const buyers = Array.from({ length: 10_000 }, (_, buyer) =>
    reserve(buyer, { id: `hot-${buyer}`, sku: 'HOT', qty: 1 }),
  );
  expect(tally(await Promise.all(buyers))).toEqual({
    accepted: 100,
    codes: ['insufficient_stock'],
  });
  const [channel] = channels as [TestChannel];
  expect(await channel.request('inv.cmd.web.get', { sku: 'HOT' })).toMatchObject({
    onHand: 100,
    reserved: 100,
    available: 0,
    reservations: 100,
  });
});
