// Nodes as processes of their own: stopped cleanly, killed, frozen and woken. Elsewhere two living copies of one actor
// were the result (dapr #9514, orleans #9855, Effect #6508, akka.net #6973).

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { partitionOf, skuKeyOf } from '../../src/domain/names.ts';
import {
  type Call,
  type Caller,
  openCaller,
  percentile,
  steadyTraffic,
  waits,
} from '../support/calls.ts';
import { openPorts, until } from '../support/deployment.ts';
import { brokenLinks, claimsIn, eventsIn, readJournal } from '../support/journal-log.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { compileNodes, type NodeProcess, type NodeProcesses } from '../support/node-process.ts';
import { type Published, startTap } from '../support/tap.ts';

const partitions = 8;
const config = { partitions };
const skus = Array.from({ length: 64 }, (_, index) => `S-${index}`);

let nodes: NodeProcesses;
let server: TestNats;
let caller: Caller;

beforeAll(() => {
  nodes = compileNodes();
});

afterAll(async () => {
  await nodes?.close();
});

/** A fresh server with two nodes, every SKU in stock. */
async function deploy(urls: (server: TestNats) => { a: string; b: string }) {
  server = await startNats();
  caller = await openCaller(server.url);
  const { a, b } = urls(server);
  const first = nodes.start({ url: a, name: 'a', config });
  await first.ready;
  const second = nodes.start({ url: b, name: 'b', config });
  await second.ready;
  await Promise.all(
    skus.map((sku) => caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 100_000 })),
  );
  return { a: first, b: second };
}

async function remove() {
  await caller?.close();
  await server?.stop();
}

async function partitionsOf(node: NodeProcess): Promise<number[]> {
  const status = await node.status();
  return status.partitions.filter(({ phase }) => phase === 'serving').map((p) => p.partition);
}

async function journal() {
  const nats = await openPorts(server.url, 'inv', { partitions });
  try {
    return await readJournal(nats);
  } finally {
    await nats.close();
  }
}

function skuOf(partition: number): string {
  const found = skus.find((sku) => partitionOf(skuKeyOf(sku), partitions) === partition);
  if (found === undefined) throw new Error(`no SKU in partition ${partition}`);
  return found;
}

const reserveOne = (index: number) => ({
  subject: 'inv.cmd.web.reserve',
  payload: { id: `r-${index}`, sku: skus[index % skus.length] as string, qty: 1 },
});

function describeWaits(calls: readonly Call[]): string {
  const sorted = waits(calls);
  return `${sorted.length} calls, median ${percentile(sorted, 0.5)} ms, 99 % ${percentile(sorted, 0.99)} ms, most ${sorted.at(-1)} ms`;
}

describe('a planned stop (SIGTERM)', () => {
  let both: { a: NodeProcess; b: NodeProcess };

  beforeAll(async () => {
    both = await deploy(({ url }) => ({ a: url, b: url }));
  });
  afterAll(remove);

  test('under steady traffic no request fails, neither when a node leaves nor when it joins', async () => {
    expect((await partitionsOf(both.a)).length).toBeGreaterThan(0);
    expect((await partitionsOf(both.b)).length).toBeGreaterThan(0);
    const traffic = steadyTraffic(caller, 3, reserveOne);
    await until(() => traffic.calls.length > 500, 'traffic');
    const usual = [...traffic.calls];
    const leftMs = Date.now();
    await both.a.stop();
    expect(await both.a.exited).toEqual({ code: 0, signal: null });
    const stoppedMs = Date.now();
    await until(() => traffic.calls.length > usual.length + 500, 'traffic');
    const joinedMs = Date.now();
    const again = nodes.start({ url: server.url, name: 'a', config });
    await again.ready;
    const servingMs = Date.now();
    await until(() => traffic.calls.some(({ sentMs }) => sentMs > servingMs + 1_000), 'traffic');
    const calls = await traffic.stop();

    const during = (fromMs: number, toMs: number) =>
      calls.filter(({ sentMs }) => sentMs >= fromMs && sentMs <= toMs);
    console.log(`usually: ${describeWaits(usual)}`);
    console.log(`leaving (${stoppedMs - leftMs} ms): ${describeWaits(during(leftMs, stoppedMs))}`);
    console.log(
      `joining (${servingMs - joinedMs} ms): ${describeWaits(during(joinedMs, servingMs))}`,
    );

    const failed = calls.filter(({ reply }) => reply?.ok !== true);
    const said = [both.a, both.b, again].flatMap(({ name, log }) => log.map((l) => `${name} ${l}`));
    expect(failed, said.join('\n')).toEqual([]);
    const messages = await journal();
    expect(brokenLinks(messages)).toEqual([]);
    const reserved = eventsIn(messages).filter(({ event }) => event.type === 'reservation.created');
    expect(reserved.length).toBe(calls.length);
    await again.stop();
  });
});

describe('a crash (SIGKILL)', () => {
  let both: { a: NodeProcess; b: NodeProcess };

  beforeAll(async () => {
    both = await deploy(({ url }) => ({ a: url, b: url }));
  });
  afterAll(remove);

  test('every SKU of the dead node answers again by itself, and nothing acknowledged is lost', async () => {
    const orphans = (await partitionsOf(both.a)).map(skuOf);
    expect(orphans.length).toBeGreaterThan(0);
    const traffic = steadyTraffic(caller, 3, reserveOne);
    await until(() => traffic.calls.length > 300, 'traffic');
    const killedMs = Date.now();
    both.a.signal('SIGKILL');
    await both.a.exited;
    const goneMs = Date.now();
    const back = await Promise.all(
      orphans.map(async (sku) => {
        await caller.insist('inv.cmd.web.get', { sku });
        return Date.now() - killedMs;
      }),
    );
    console.log(`answers again after SIGKILL: ${back.join(', ')} ms`);
    const calls = await traffic.stop();
    console.log(`calls that were answered: ${describeWaits(calls.filter(({ reply }) => reply))}`);

    const messages = await journal();
    expect(brokenLinks(messages)).toEqual([]);
    const reserved = new Set(
      eventsIn(messages).flatMap(({ event }) =>
        event.type === 'reservation.created' ? [event.command] : [],
      ),
    );
    const lost = calls.filter(
      ({ reply, payload }) => reply?.ok && !reserved.has(payload.id as string),
    );
    expect(lost).toEqual([]);
    // What the dead process had received is gone with it. Everybody else gets an answer, however it turns out.
    const unanswered = calls.filter(
      ({ failure, sentMs }) => failure !== undefined && sentMs > goneMs,
    );
    expect(unanswered).toEqual([]);
  });
});

describe('a pause (SIGSTOP, 15 s, SIGCONT)', () => {
  afterAll(remove);

  test.each([
    ['whose connection the server drops meanwhile', undefined],
    ['whose connection survives', 'ping_interval: "2m"'],
  ])(
    'of a node %s: no double sale, and no reply from the past',
    async (_which, extraConfig) => {
      await pauseAndWake(extraConfig);
    },
    180_000,
  );
});

async function pauseAndWake(extraConfig: string | undefined): Promise<void> {
  await remove();
  server = await startNats(extraConfig === undefined ? {} : { extraConfig });
  const tap = await startTap(server, (subject) => subject.startsWith('_INBOX.caller'));
  caller = await openCaller(server.url);
  const a = nodes.start({ url: tap.url, name: 'a', config });
  await a.ready;
  const b = nodes.start({ url: server.url, name: 'b', config });
  await b.ready;
  const frozen = await partitionsOf(a);
  const last = frozen.map(skuOf);
  await Promise.all(
    skus.map((sku) =>
      caller.insist('inv.cmd.wms.receive', {
        id: `in-${sku}`,
        sku,
        qty: last.includes(sku) ? 1 : 1_000_000,
      }),
    ),
  );
  // Reserves of the last units, strong reads and refusals reach the frozen node as long as it is frozen.
  const traffic = steadyTraffic(caller, 5, (index) => {
    const sku = last[index % last.length] as string;
    const id = `p-${index}`;
    switch (index % 4) {
      case 0:
        return { subject: 'inv.cmd.web.get', payload: { sku } };
      case 1:
        return { subject: 'inv.cmd.web.reserve', payload: { id, sku, qty: 2 } };
      case 2:
        return {
          subject: 'inv.cmd.pos.sell',
          payload: { id, sku: skus[index % skus.length] as string, qty: 1 },
        };
      default:
        return {
          subject: 'inv.cmd.wms.receive',
          payload: { id, sku: skus[index % skus.length] as string, qty: 1 },
        };
    }
  });
  await until(() => traffic.calls.length > 200, 'traffic');
  a.signal('SIGSTOP');
  const buyers = ['web', 'mobile', 'marketplace'].flatMap((channel) =>
    last.map((sku) =>
      caller.insist(`inv.cmd.${channel}.reserve`, {
        id: `last-${sku}`,
        sku,
        qty: 1,
        ttlMs: 600_000,
      }),
    ),
  );
  await sleep(15_000);
  const wokenMs = Date.now();
  a.signal('SIGCONT');
  // It notices, joins again and takes its share back.
  await until(async () => (await partitionsOf(a)).length > 0, 'the woken node serves again', 1_200);
  await until(() => traffic.calls.some(({ sentMs }) => sentMs > wokenMs + 3_000), 'traffic');
  await traffic.stop();
  await Promise.all(buyers);

  const messages = await journal();
  expect(brokenLinks(messages)).toEqual([]);
  const takenOver = new Map(
    frozen.map((partition) => {
      const claims = claimsIn(messages, partition);
      const by = claims.find(
        ({ claim, storedAtMs }) => claim?.node === 'b' && storedAtMs <= wokenMs,
      );
      return [partition, by?.seq] as const;
    }),
  );
  expect([...takenOver.values()].every((seq) => seq !== undefined)).toBe(true);
  expectNoReplyFromThePast(tap.published, wokenMs, takenOver, messages);
  expectNoDoubleSale(messages, last);
  await tap.close();
  await Promise.all([a.stop(), b.stop()]);
}

interface PastReply {
  readonly id?: string;
  readonly sku: string;
  readonly version?: number;
  readonly asOfSeq?: number;
  readonly error?: { readonly code: string };
}

/** Everything that the woken node told callers was either `unavailable` or decided after the take-over. */
function expectNoReplyFromThePast(
  published: readonly Published[],
  wokenMs: number,
  takenOver: ReadonlyMap<number, number | undefined>,
  messages: Awaited<ReturnType<typeof journal>>,
): void {
  const sentLater = new Set(
    caller.calls
      .filter(({ sentMs }) => sentMs >= wokenMs)
      .map(({ payload }) => String(payload.id ?? payload.sku)),
  );
  const seqOf = new Map(
    eventsIn(messages).map(({ sku, seq, event }) => [`${sku} ${event.version}`, seq]),
  );
  const replies = published
    .filter(({ atMs }) => atMs >= wokenMs)
    .map(({ payload }) => JSON.parse(payload.toString()) as PastReply);
  const unavailable = replies.filter((reply) => reply.error?.code === 'unavailable');
  console.log(
    `replies after SIGCONT: ${replies.length}, of these unavailable: ${unavailable.length}`,
  );
  const past = replies.filter((reply) => {
    if (reply.error?.code === 'unavailable') return false;
    if (!sentLater.has(String(reply.id ?? reply.sku))) return true;
    const seq = reply.asOfSeq ?? seqOf.get(`${reply.sku} ${reply.version}`);
    if (seq === undefined) return false;
    const claim = takenOver.get(partitionOf(skuKeyOf(reply.sku), partitions));
    return claim !== undefined && seq < claim;
  });
  expect(past).toEqual([]);
  expect(unavailable.length).toBeGreaterThan(0);
}

function expectNoDoubleSale(
  messages: Awaited<ReturnType<typeof journal>>,
  last: readonly string[],
): void {
  const events = eventsIn(messages);
  for (const { sku, event } of events) {
    if (event.onHand < event.reserved) throw new Error(`${sku}: ${JSON.stringify(event)}`);
  }
  const effects = new Map<string, number>();
  for (const { sku, event } of events) {
    if (event.type !== 'reservation.created' && event.type !== 'stock.sold') continue;
    const key = `${sku} ${event.channel}/${event.command}`;
    effects.set(key, (effects.get(key) ?? 0) + 1);
  }
  expect([...effects].filter(([, count]) => count > 1)).toEqual([]);
  expect(last.length).toBeGreaterThan(0);
}
