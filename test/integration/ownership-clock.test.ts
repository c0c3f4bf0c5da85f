// Clocks that are wrong: below `clockOffsetMaxMs` they are corrected, above it nothing is committed; and whoever's
// clock counts, time never runs backwards in a partition (invariant 11).

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Ports } from '../../src/ports.ts';
import type { Logger } from '../../src/runtime/log.ts';
import { type Caller, openCaller } from '../support/calls.ts';
import { openPorts, until } from '../support/deployment.ts';
import { jumpingClock } from '../support/distort.ts';
import { brokenLinks, eventsIn, readJournal } from '../support/journal-log.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { silentLog, startNode, type TestNode, testConfig } from '../support/node.ts';

const partitions = 4;
const config = testConfig({ partitions });
const minuteMs = 60_000;
const skus = Array.from({ length: 20 }, (_, index) => `T-${index}`);

let server: TestNats;
let caller: Caller;
let running: TestNode[];
let errors: string[];

beforeEach(async () => {
  server = await startNats();
  caller = await openCaller(server.url);
  running = [];
  errors = [];
});

afterEach(async () => {
  await caller.close();
  await Promise.allSettled(running.map((node) => node.stop()));
  await server.stop();
});

async function start(name: string, clock = jumpingClock()): Promise<TestNode> {
  const log: Logger = { ...silentLog, error: (_fields, message) => errors.push(message) };
  const node = await startNode({ url: server.url, name, config, wrap: clock.wrap, log });
  running.push(node);
  return node;
}

function serving({ node }: TestNode): number {
  return node.status().partitions.filter(({ phase }) => phase === 'serving').length;
}

async function events() {
  const nats = await openPorts(server.url, 'inv', { partitions });
  try {
    const messages = await readJournal(nats);
    expect(brokenLinks(messages)).toEqual([]);
    return eventsIn(messages);
  } finally {
    await nats.close();
  }
}

async function fill(): Promise<void> {
  for (const sku of skus) {
    await caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 10 });
    await caller.insist('inv.cmd.web.reserve', { id: `r-${sku}`, sku, qty: 1, ttlMs: minuteMs });
  }
}

/** Holds of one minute that a clock two minutes ahead would end. */
async function expectNothingExpired(): Promise<void> {
  const expired = (await events()).filter(({ event }) => event.type === 'reservation.expired');
  expect(expired).toEqual([]);
}

test.each([2 * minuteMs, -2 * minuteMs])(
  'a node whose clock is %i ms off joins, owns nothing and commits nothing until it is right',
  async (offMs) => {
    const a = await start('a');
    await fill();
    const clock = jumpingClock();
    clock.jump(offMs);
    const joining = start('b', clock);
    await until(() => errors.length > 0, 'it says so');
    expect(errors[0]).toMatch(/CLOCK IS WRONG/);
    for (const sku of skus) {
      expect(
        await caller.insist('inv.cmd.web.reserve', { id: `r2-${sku}`, sku, qty: 1 }),
      ).toMatchObject({
        ok: true,
        available: 8,
      });
    }
    expect(serving(a)).toBe(partitions);
    await expectNothingExpired();
    clock.jump(-offMs);
    const b = await joining;
    await until(
      () => serving(b) > 0 && serving(a) + serving(b) === partitions,
      'it takes its share',
    );
    expect(await caller.insist('inv.cmd.web.get', { sku: 'T-1' })).toMatchObject({ reserved: 2 });
    await expectNothingExpired();
  },
);

test.each([2 * minuteMs, -2 * minuteMs])(
  'a clock that jumps by %i ms under its node: the others take over, and give back when it is right',
  async (offMs) => {
    const a = await start('a');
    const clock = jumpingClock();
    const b = await start('b', clock);
    await until(() => serving(a) + serving(b) === partitions, 'they share');
    const share = serving(b);
    await fill();
    clock.jump(offMs);
    const jumpedMs = Date.now();
    for (const sku of skus) {
      expect(
        await caller.insist('inv.cmd.web.reserve', { id: `r2-${sku}`, sku, qty: 1 }),
      ).toMatchObject({
        ok: true,
        available: 8,
      });
    }
    console.log(`all SKUs answered ${Date.now() - jumpedMs} ms after the jump`);
    await until(() => serving(a) === partitions && serving(b) === 0, 'the other serves everything');
    expect(errors.length).toBeGreaterThan(0);
    await expectNothingExpired();
    clock.jump(-offMs);
    await until(
      () => serving(b) === share && serving(a) + share === partitions,
      'it is given back',
    );
    expect(await caller.insist('inv.cmd.web.get', { sku: 'T-1' })).toMatchObject({ reserved: 2 });
    await expectNothingExpired();
  },
);

test('a single node with a wrong clock answers `unavailable`, and works again by itself', async () => {
  const clock = jumpingClock();
  const a = await start('a', clock);
  await fill();
  clock.jump(2 * minuteMs);
  await until(() => errors.length > 0, 'it says so');
  for (const verb of ['get', 'reserve']) {
    const { reply } = await caller.call(`inv.cmd.web.${verb}`, {
      sku: 'T-1',
      ...(verb === 'get' ? {} : { id: 'x', qty: 1 }),
    });
    expect(reply).toMatchObject({ ok: false, error: { code: 'unavailable', retry: true } });
  }
  expect(a.node.status().ready).toBe(false);
  await expectNothingExpired();
  clock.jump(-2 * minuteMs);
  expect(await caller.insist('inv.cmd.web.reserve', { id: 'x', sku: 'T-1', qty: 1 })).toMatchObject(
    {
      ok: true,
      available: 8,
    },
  );
  expect(a.node.status().ready).toBe(true);
  await expectNothingExpired();
});

test('an offset below the limit is corrected: holds end by the time of the servers', async () => {
  const clock = jumpingClock();
  clock.jump(1_500);
  const a = await start('a', clock);
  const sku = 'T-1';
  await caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 10 });
  const askedMs = Date.now();
  const reply = await caller.insist('inv.cmd.web.reserve', {
    id: `r-${sku}`,
    sku,
    qty: 1,
    ttlMs: 3_000,
  });
  const answeredMs = Date.now();
  console.log(`offset taken for ${a.node.status().clockOffsetMs} ms`);
  // The machine is also the servers': their time is ours. Half the offset is far more than any estimate's error.
  expect(reply.expiresAtMs).toBeGreaterThan(askedMs + 3_000 - 750);
  expect(reply.expiresAtMs).toBeLessThan(answeredMs + 3_000 + 750);
});

test('an owner whose clock is behind its predecessor’s goes on where that one was (invariant 11)', async () => {
  const aheadMs = 1_900;
  const fast = (ports: Ports): Ports => ({
    ...ports,
    members: {
      ...ports.members,
      async renew(record) {
        const done = await ports.members.renew(record);
        return 'serverNowMs' in done ? { ...done, serverNowMs: done.serverNowMs + aheadMs } : done;
      },
    },
  });
  const sku = 'T-1';
  const a = await startNode({ url: server.url, name: 'a', config, wrap: fast });
  await caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 10 });
  await caller.insist('inv.cmd.web.reserve', { id: `r-${sku}`, sku, qty: 1, ttlMs: 500 });
  await a.stop();
  const predecessorMs = (await events()).at(-1)?.event.atMs ?? 0;
  expect(predecessorMs).toBeGreaterThan(Date.now());
  await start('b');
  await caller.insist('inv.cmd.wms.receive', { id: 'in-2', sku, qty: 1 });
  await until(async () =>
    (await events()).some(({ event }) => event.type === 'reservation.expired'),
  );
  const times = (await events()).map(({ event }) => event.atMs);
  expect(times).toEqual([...times].sort((one, other) => one - other));
  expect(times.length).toBeGreaterThanOrEqual(4);
});
