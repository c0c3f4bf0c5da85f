// A journal that is not what it must be (invariants 5 and 13): the partition is refused and says what to do, others serve.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { partitionOf, skuKeyOf } from '../../src/domain/names.ts';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import type { PartitionStatus } from '../../src/runtime/partition/partition.ts';
import { type Caller, openCaller } from '../support/calls.ts';
import { openPorts, until } from '../support/deployment.ts';
import { readJournal } from '../support/journal-log.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { startNode, type TestNode, testConfig } from '../support/node.ts';

const partitions = 2;
const config = testConfig({ partitions, limits: { snapshotEveryMs: 3_600_000 } });
const [inFirst, inSecond] = [0, 1].map((partition) => {
  const names = Array.from({ length: 50 }, (_, index) => `J-${index}`);
  return names.find((sku) => partitionOf(skuKeyOf(sku), partitions) === partition) as string;
}) as [string, string];

let server: TestNats;
let caller: Caller;
let tools: NatsPorts;
let running: TestNode[];

beforeEach(async () => {
  server = await startNats();
  caller = await openCaller(server.url);
  tools = await openPorts(server.url, 'inv', { partitions });
  running = [];
});

afterEach(async () => {
  await caller.close();
  await Promise.allSettled(running.map((node) => node.stop()));
  await tools.close();
  await server.stop();
});

async function start(
  name = 'a',
  wrap?: Parameters<typeof startNode>[0]['wrap'],
): Promise<TestNode> {
  const node = await startNode({ url: server.url, name, config, ...(wrap ? { wrap } : {}) });
  running.push(node);
  return node;
}

async function crash(node: TestNode): Promise<void> {
  running.splice(running.indexOf(node), 1);
  await node.crash();
}

function first({ node }: TestNode): PartitionStatus | undefined {
  return node.status().partitions.find(({ partition }) => partition === 0);
}

async function fill(): Promise<void> {
  for (const sku of [inFirst, inSecond]) {
    await caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 10 });
    for (let index = 0; index < 5; index++) {
      await caller.insist('inv.cmd.web.reserve', { id: `r-${index}-${sku}`, sku, qty: 1 });
    }
  }
}

function purge(options: object = {}): Promise<unknown> {
  const { names, api } = tools;
  return api.call(`STREAM.PURGE.${names.streams.journal}`, {
    filter: names.subjects.journal(0),
    ...options,
  });
}

/** The first partition is not served and says why; the second one works. */
async function expectRefused(node: TestNode, why: RegExp): Promise<void> {
  await until(() => first(node)?.phase === 'refused', 'the partition is refused');
  expect(first(node)?.trouble).toMatch(why);
  const { reply } = await caller.call('inv.cmd.web.get', { sku: inFirst });
  expect(reply).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  expect(await caller.insist('inv.cmd.web.get', { sku: inSecond })).toMatchObject({ reserved: 5 });
}

test('purged while nobody serves it', async () => {
  const a = await start();
  await fill();
  await crash(a);
  await purge();
  await expectRefused(await start(), /journal is empty, but it has been written before.*Restore/);
  expect((await readJournal(tools)).filter(({ partition }) => partition === 0)).toEqual([]);
});

test('purged under its owner', async () => {
  const a = await start();
  await fill();
  await purge();
  const { reply } = await caller.call('inv.cmd.web.reserve', { id: 'x', sku: inFirst, qty: 1 });
  expect(reply).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  await expectRefused(a, /journal is empty/);
  expect((await readJournal(tools)).filter(({ partition }) => partition === 0)).toEqual([]);
});

test('purged, and taken over by a node that joined before the partition was first written', async () => {
  const a = await start();
  await fill();
  await crash(a);
  await purge();
  // What it read of `meta` when it joined names no genesis; that must not make an emptied journal look new.
  let asked = 0;
  const late = await start('b', (ports) => ({
    ...ports,
    members: {
      ...ports.members,
      meta: async (wanted) => {
        asked += 1;
        const meta = await ports.members.meta(wanted);
        return asked === 1 ? { ...meta, genesis: [] } : meta;
      },
    },
  }));
  await expectRefused(late, /journal is empty/);
  expect((await readJournal(tools)).filter(({ partition }) => partition === 0)).toEqual([]);
});

test('its beginning purged, without a checkpoint that covers it', async () => {
  const a = await start();
  await fill();
  await crash(a);
  await purge({ keep: 2 });
  await expectRefused(await start(), /Messages are missing: restore the journal/);
});

test('one message deleted in the middle', async () => {
  const a = await start();
  await fill();
  await crash(a);
  const messages = (await readJournal(tools)).filter(({ partition }) => partition === 0);
  const victim = messages[3]?.seq as number;
  await tools.api.call(`STREAM.MSG.DELETE.${tools.names.streams.journal}`, { seq: victim });
  await expectRefused(await start(), /Messages are missing/);
});

test('its end lost, behind what a checkpoint covers', async () => {
  const a = await start();
  await fill();
  running.splice(0);
  // A clean stop makes a checkpoint of everything.
  await a.stop();
  const messages = (await readJournal(tools)).filter(({ partition }) => partition === 0);
  for (const { seq } of messages.slice(-3)) {
    await tools.api.call(`STREAM.MSG.DELETE.${tools.names.streams.journal}`, { seq });
  }
  const again = await start();
  await until(() => first(again)?.phase === 'refused', 'the partition is refused');
  expect(first(again)?.trouble).toMatch(/restore/i);
});

test('somebody else has written into it', async () => {
  const a = await start();
  await fill();
  await crash(a);
  tools.connection.publish(tools.names.subjects.journal(0), 'hello');
  await tools.connection.flush();
  await expectRefused(await start(), /partition 0, sequence \d+: broken journal message/);
});

test('a message of a newer schema', async () => {
  const a = await start();
  await fill();
  await crash(a);
  tools.connection.publish(tools.names.subjects.journal(0), '{"v":99}');
  await tools.connection.flush();
  await expectRefused(await start(), /schema 99/);
});
