// Three servers, streams with three replicas: any one of them may die.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Caller, openCaller } from '../support/calls.ts';
import { openPorts, until, untilItWorks } from '../support/deployment.ts';
import { brokenLinks, claimsIn, eventsIn, readJournal } from '../support/journal-log.ts';
import { startCluster, type TestCluster, type TestNats } from '../support/nats.ts';
import { startNode, type TestNode, testConfig } from '../support/node.ts';

const partitions = 8;
const config = testConfig({ partitions });
const skus = Array.from({ length: 24 }, (_, index) => `C-${index}`);

let cluster: TestCluster;
let url: string;
let caller: Caller;
let nodes: TestNode[];

beforeAll(async () => {
  cluster = await startCluster();
  url = cluster.urls.join(',');
  caller = await openCaller(cluster.urls);
  nodes = [
    await startNode({ url, name: 'a', config }),
    await startNode({ url, name: 'b', config }),
  ];
  await Promise.all(
    skus.map((sku) => caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 100_000 })),
  );
}, 120_000);

afterAll(async () => {
  await caller?.close();
  await Promise.allSettled((nodes ?? []).map((node) => node.stop()));
  await cluster?.stop();
});

async function inJournal<T>(
  look: (messages: Awaited<ReturnType<typeof readJournal>>) => T,
): Promise<T> {
  const nats = await untilItWorks(() => openPorts(url, 'inv', { partitions }));
  try {
    return look(await readJournal(nats));
  } finally {
    await nats.close();
  }
}

test('every stream has three replicas', async () => {
  const nats = await openPorts(url, 'inv', { partitions });
  const { names, api } = nats;
  for (const stream of [
    ...Object.values(names.streams),
    'KV_inv_nodes',
    'KV_inv_stock',
    'KV_inv_view_web',
  ]) {
    expect((await api.info(stream))?.config).toMatchObject({ name: stream, num_replicas: 3 });
  }
  await nats.close();
});

/** Buyers that insist, each on a next reservation as soon as it has one. Answers when each was acknowledged. */
function startBuyers(run: string): { stop(): Promise<{ ids: string[]; gapMs: number }> } {
  let over = false;
  const ids: string[] = [];
  const answeredMs: number[] = [Date.now()];
  const buyers = Array.from({ length: 6 }, async (_, buyer) => {
    for (let index = 0; !over; index++) {
      const id = `${run}-${buyer}-${index}`;
      const sku = skus[(buyer * 7 + index) % skus.length] as string;
      const reply = await caller.insist('inv.cmd.web.reserve', { id, sku, qty: 1 });
      expect(reply).toMatchObject({ ok: true, qty: 1 });
      ids.push(id);
      answeredMs.push(Date.now());
    }
  });
  return {
    async stop() {
      over = true;
      await Promise.all(buyers);
      const gaps = answeredMs.map((atMs, index) => atMs - (answeredMs[index - 1] ?? atMs));
      return { ids, gapMs: Math.max(...gaps) };
    },
  };
}

async function survive(run: string, hurt: () => Promise<void>, repair: () => Promise<void>) {
  const buyers = startBuyers(run);
  await sleep(1_000);
  await hurt();
  // Long enough for what a failed leader brings about; the buyers go on as soon as they can.
  await sleep(10_000);
  await repair();
  const { ids, gapMs } = await buyers.stop();
  console.log(`${run}: ${ids.length} acknowledged, longest silence ${gapMs} ms`);
  await cluster.ready();
  const messages = await inJournal((all) => all);
  expect(brokenLinks(messages)).toEqual([]);
  const created = eventsIn(messages).flatMap(({ event }) =>
    event.type === 'reservation.created' ? [event.command] : [],
  );
  const counts = new Map<string, number>();
  for (const id of created) counts.set(id, (counts.get(id) ?? 0) + 1);
  expect(ids.filter((id) => counts.get(id) !== 1)).toEqual([]);
  return messages;
}

test.each([0, 1, 2])(
  'server %i is killed: nothing acknowledged is lost, and service comes back by itself',
  async (index) => {
    const server = cluster.servers[index] as TestNats;
    const before = claimsIn(await inJournal((all) => all)).length;
    const messages = await survive(
      `kill-${index}`,
      () => server.kill(),
      () => server.restart(),
    );
    const claims = claimsIn(messages).length - before;
    console.log(`claims: ${claims}`);
    // Nobody died: a partition may start again, but nobody takes them from each other in turns.
    expect(claims).toBeLessThanOrEqual(2 * partitions);
    await until(
      () =>
        nodes.every(({ node }) => node.status().ready) &&
        nodes.reduce((sum, { node }) => sum + node.status().partitions.length, 0) === partitions,
      'the nodes share the partitions',
    );
  },
  180_000,
);

test('a server that is frozen and wakes is no different', async () => {
  const server = cluster.servers[1] as TestNats;
  await survive(
    'freeze',
    () => server.pause(),
    async () => server.resume(),
  );
}, 180_000);
