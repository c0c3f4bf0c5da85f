// Who owns which partition, on a real nats-server: joining, names, shapes that do not fit, NATS itself away.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { partitionOf, skuKeyOf } from '../../src/domain/names.ts';
import { type Bus, PortError, type Ports } from '../../src/ports.ts';
import { type Caller, openCaller, steadyTraffic } from '../support/calls.ts';
import { openPorts, until } from '../support/deployment.ts';
import { brokenLinks, claimsIn, readJournal } from '../support/journal-log.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { startNode, type TestNode, type TestNodeOptions, testConfig } from '../support/node.ts';

const partitions = 8;
const config = testConfig({ partitions });

let server: TestNats;
let caller: Caller;
let running: TestNode[];

beforeEach(async () => {
  server = await startNats();
  caller = await openCaller(server.url);
  running = [];
});

afterEach(async () => {
  await caller.close();
  await Promise.allSettled(running.map((node) => node.stop()));
  await server.stop();
});

async function join(name: string, more: Partial<TestNodeOptions> = {}): Promise<TestNode> {
  const node = await startNode({ url: server.url, name, config, ...more });
  running.push(node);
  return node;
}

async function leave(node: TestNode): Promise<void> {
  running.splice(running.indexOf(node), 1);
  await node.stop();
}

function serving({ node }: TestNode): number[] {
  return node
    .status()
    .partitions.filter(({ phase }) => phase === 'serving')
    .map(({ partition }) => partition)
    .sort((a, b) => a - b);
}

/** Waits until every partition is served by exactly one of the nodes, and nobody wants to move any. */
async function shared(...nodes: TestNode[]): Promise<void> {
  await until(() => {
    const all = nodes.flatMap(serving);
    return all.length === partitions && new Set(all).size === partitions;
  }, 'every partition is served once');
}

async function journal() {
  const nats = await openPorts(server.url, 'inv', { partitions });
  try {
    return await readJournal(nats);
  } finally {
    await nats.close();
  }
}

test('nodes share the partitions; who joins takes its share by hand-over, who leaves gives it back', async () => {
  const a = await join('a');
  expect(serving(a).length).toBe(partitions);
  const b = await join('b');
  await shared(a, b);
  const [ofA, ofB] = [serving(a), serving(b)];
  expect(Math.min(ofA.length, ofB.length)).toBeGreaterThan(0);

  const c = await join('c');
  await shared(a, b, c);
  // Only what moves to the new node moves at all.
  const ofC = serving(c);
  expect(serving(a)).toEqual(ofA.filter((partition) => !ofC.includes(partition)));
  expect(serving(b)).toEqual(ofB.filter((partition) => !ofC.includes(partition)));

  await leave(c);
  await shared(a, b);
  expect([serving(a), serving(b)]).toEqual([ofA, ofB]);

  const messages = await journal();
  expect(brokenLinks(messages)).toEqual([]);
  // One claim per move: nobody was fenced on the way.
  expect(claimsIn(messages).length).toBe(partitions + ofB.length + 2 * ofC.length);
});

test('a joining node that hears of no change but its own takes its share without a refused command', async () => {
  // Whoever hands over reads the membership to do so, and commits with it: later than the joining node's own.
  const unhurried = testConfig({
    partitions,
    limits: { memberTtlMs: 60_000, renewEveryMs: 20_000 },
  });
  await join('a', { config: unhurried });
  const skus = Array.from({ length: 32 }, (_, index) => `T-${index}`);
  await Promise.all(
    skus.map((sku) => caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 10_000 })),
  );
  const traffic = steadyTraffic(caller, 1, (index) => ({
    subject: 'inv.cmd.web.reserve',
    payload: { id: `r-${index}`, sku: skus[index % skus.length] as string, qty: 1 },
  }));
  await until(() => traffic.calls.length > 300, 'traffic');
  const b = await join('b', {
    config: unhurried,
    wrap: (ports) => ({
      ...ports,
      members: { ...ports.members, onChange: () => ({ unsubscribe() {} }) },
    }),
  });
  expect(serving(b).length).toBeGreaterThan(0);
  const calls = await traffic.stop();
  expect(calls.filter(({ reply }) => reply?.ok !== true)).toEqual([]);
  expect(brokenLinks(await journal())).toEqual([]);
});

test('a second node of the same name refuses to start and does not disturb the first', async () => {
  const a = await join('a');
  const b = await join('b');
  await shared(a, b);
  await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'X', qty: 1_000_000 });
  const skus = Array.from({ length: 32 }, (_, index) => `T-${index}`);
  await Promise.all(
    skus.map((sku) => caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 1_000 })),
  );
  const claims = claimsIn(await journal()).length;
  const traffic = steadyTraffic(caller, 5, (index) => ({
    subject: 'inv.cmd.web.reserve',
    payload: { id: `r-${index}`, sku: skus[index % skus.length] as string, qty: 1 },
  }));
  await expect(startNode({ url: server.url, name: 'a', config })).rejects.toMatchObject({
    code: 'name_taken',
    message: expect.stringContaining('choose another --name'),
  });
  const calls = await traffic.stop();
  expect(calls.length).toBeGreaterThan(100);
  expect(calls.filter(({ reply }) => reply?.ok !== true)).toEqual([]);
  await shared(a, b);
  expect(claimsIn(await journal()).length).toBe(claims);
});

test('a node that is started again takes its name back from its own dead run', async () => {
  const a = await join('a');
  await a.crash();
  running.splice(0);
  const again = await join('a');
  expect(serving(again).length).toBe(partitions);
  await expect(
    caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'X', qty: 1 }),
  ).resolves.toMatchObject({ ok: true });
});

test('a node with another number of partitions refuses to join and says what to set', async () => {
  const a = await join('a');
  await expect(
    startNode({ url: server.url, name: 'b', config: testConfig({ partitions: 16 }) }),
  ).rejects.toMatchObject({
    code: 'configuration_mismatch',
    message: expect.stringContaining('set "partitions" to 8'),
  });
  expect(serving(a).length).toBe(partitions);
});

test('NATS away for longer than the TTL: nobody takes anything from anybody, and work goes on after it', async () => {
  const a = await join('a');
  const b = await join('b');
  await shared(a, b);
  const before = [serving(a), serving(b)];
  await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'X', qty: 1_000 });
  const claims = claimsIn(await journal()).length;
  for (let outage = 1; outage <= 2; outage++) {
    await server.kill();
    // Longer than a TTL, or keys of healthy nodes would not expire: this is the point.
    await sleep(4_000);
    const backMs = Date.now();
    await server.restart();
    const reply = await caller.insist('inv.cmd.web.reserve', {
      id: `r-${outage}`,
      sku: 'X',
      qty: 1,
    });
    console.log(`answers ${Date.now() - backMs} ms after the server's restart was begun`);
    expect(reply).toMatchObject({ ok: true, available: 1_000 - outage });
    // One more TTL and a quiet period: nothing may move then either.
    await sleep(3_000);
    await shared(a, b);
  }
  expect([serving(a), serving(b)]).toEqual(before);
  const messages = await journal();
  expect(brokenLinks(messages)).toEqual([]);
  expect(claimsIn(messages).length).toBe(claims);
});

test('the server frozen for longer than the TTL: the same', async () => {
  const a = await join('a');
  const b = await join('b');
  await shared(a, b);
  await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'X', qty: 1_000 });
  const claims = claimsIn(await journal()).length;
  await server.pause();
  await sleep(6_000);
  server.resume();
  const reply = await caller.insist('inv.cmd.web.reserve', { id: 'r', sku: 'X', qty: 1 });
  expect(reply).toMatchObject({ ok: true, available: 999 });
  await sleep(3_000);
  await shared(a, b);
  expect(claimsIn(await journal()).length).toBe(claims);
});

/** A node whose connection swallows everything that comes in, like a process that is frozen. */
function deaf(ports: Ports): Ports & { freeze(): void } {
  let frozen = false;
  const bus: Bus = {
    ...ports.bus,
    serve: (subject, options, handle) =>
      ports.bus.serve(subject, options, (message) => {
        if (!frozen) handle(message);
      }),
  };
  return {
    ...ports,
    bus,
    members: {
      ...ports.members,
      renew: async (record) => {
        if (frozen) throw new PortError('timeout', 'frozen');
        return ports.members.renew(record);
      },
    },
    freeze: () => {
      frozen = true;
    },
  };
}

test('a router does not let anybody wait for an owner that gives no sign of life', async () => {
  const a = await join('a');
  let silence = () => {};
  const b = await join('b', {
    wrap: (ports) => {
      const wrapped = deaf(ports);
      silence = wrapped.freeze;
      return wrapped;
    },
  });
  await shared(a, b);
  const skus = Array.from({ length: 64 }, (_, index) => `D-${index}`);
  await Promise.all(
    skus.map((sku) => caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 9 })),
  );
  const ofB = skus.filter((sku) => serving(b).includes(partitionOf(skuKeyOf(sku), partitions)));
  silence();
  const frozenMs = Date.now();
  const answers: { reason: string; waitMs: number }[] = [];
  const asked: Promise<unknown>[] = [];
  while (a.node.status().membership.nodes.length === 2) {
    // To the node that hears, as a router would: the queue group would give the deaf one its share.
    const sku = ofB[asked.length % ofB.length] as string;
    asked.push(
      caller.call('inv.n.a.1.cmd.web.get', { sku }, 10_000).then((call) => {
        const { message = '' } = (call.reply?.error ?? {}) as { message?: string };
        answers.push({ reason: message, waitMs: (call.answeredMs ?? 0) - call.sentMs });
      }),
    );
    await sleep(20);
  }
  await Promise.all(asked);
  const noticed = answers.filter(({ reason }) => reason.includes('no sign of life'));
  const longest = (some: typeof answers) => Math.max(...some.map(({ waitMs }) => waitMs));
  console.log(
    `key gone after ${Date.now() - frozenMs} ms; ${answers.length} callers waited at most ${longest(answers)} ms, ${noticed.length} who came later at most ${longest(noticed)} ms`,
  );
  expect(noticed.length).toBeGreaterThan(0);
  await until(() => serving(a).length === partitions, 'the living node serves everything');
});
