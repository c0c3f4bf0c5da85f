// Failures that others have reported in public, as what must not happen here; each test is named after its own. Two
// nodes on a real server, spoken to as an integrator would.
//
// Told elsewhere: check and write in two steps (last-unit.test.ts), two living copies of one actor
// (failover-processes.test.ts, ownership-fencing.test.ts), the ERP's number that undoes orders in flight
// (reconcile-day.test.ts), and thousands of rows in seconds (npm run bench -- --only import).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { partitionOf, skuKeyOf } from '../../src/domain/names.ts';
import { rendezvousOwners } from '../../src/runtime/ownership.ts';
import { cliFor } from '../support/cli.ts';
import { until } from '../support/deployment.ts';
import { type Desk, openDesk, type Reply, skusApart } from '../support/desk.ts';
import { eventsIn, readJournal } from '../support/journal-log.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { startNode, type TestNode, testConfig } from '../support/node.ts';

const partitions = 8;
const config = testConfig({ partitions, limits: { handoverTimeoutMs: 500 } });

let server: TestNats;
let nodes: TestNode[];
let desk: Desk;

beforeAll(async () => {
  server = await startNats();
  nodes = [
    await startNode({ url: server.url, name: 'a', config }),
    await startNode({ url: server.url, name: 'b', config }),
  ];
  desk = await openDesk(server.url);
});

afterAll(async () => {
  await desk?.close();
  for (const node of nodes ?? []) await node.stop();
  await server?.stop();
});

const ports = () => (nodes[0] as TestNode).nats;

async function eventsOf(sku: string) {
  const messages = await readJournal(ports());
  return eventsIn(messages).flatMap((logged) => (logged.sku === sku ? [logged.event] : []));
}

test('medusa #16502: two lines of a cart that share a SKU do not each see all of it', async () => {
  await desk.receive('M-16502', 3);
  const lines = [
    { sku: 'M-16502', qty: 2 },
    { sku: 'M-16502', qty: 2 },
  ];
  expect(await desk.insist('web', 'reserve', { id: 'm-16502', lines })).toMatchObject({
    error: { code: 'insufficient_stock', lines: [{ sku: 'M-16502', requested: 4, available: 3 }] },
  });
  expect(await desk.get('M-16502')).toMatchObject({ reserved: 0, available: 3 });
});

test('medusa #14987, #15132: a quantity that no location has alone is taken from two', async () => {
  await desk.receive('M-14987', 1, 'main');
  await desk.receive('M-14987', 1, 'store-1');
  const held = await desk.insist('web', 'reserve', { id: 'm-14987', sku: 'M-14987', qty: 2 });
  expect(held).toMatchObject({ ok: true });
  expect(held.allocations).toEqual(
    expect.arrayContaining([
      { location: 'main', qty: 1 },
      { location: 'store-1', qty: 1 },
    ]),
  );
  const pay = { id: 'm-14987-pay', sku: 'M-14987', reservation: 'm-14987', order: 'o-1' };
  expect(await desk.insist('web', 'confirm', pay)).toMatchObject({ ok: true, qty: 2 });
  expect(await desk.get('M-14987')).toMatchObject({
    onHand: 0,
    locations: { main: { onHand: 0, reserved: 0 }, 'store-1': { onHand: 0, reserved: 0 } },
  });
});

describe('woocommerce #55396, PR #67931', () => {
  test('a failed payment gives the units back: the same buyer gets them again', async () => {
    await desk.receive('W-55396', 1);
    const wish = { sku: 'W-55396', qty: 1 };
    expect(await desk.insist('web', 'reserve', { id: 'w-1', ...wish })).toMatchObject({ ok: true });
    const release = { id: 'w-1-failed', sku: 'W-55396', reservation: 'w-1' };
    expect(await desk.insist('web', 'release', release)).toMatchObject({ ok: true, qty: 1 });
    expect(await desk.insist('web', 'reserve', { id: 'w-2', ...wish })).toMatchObject({ ok: true });
    expect(await desk.insist('web', 'reserve', { id: 'w-3', ...wish })).toMatchObject({
      error: { code: 'insufficient_stock' },
    });
  });

  test('a payment that comes back after the hold has expired never takes somebody else’s unit', async () => {
    await desk.receive('W-67931', 1);
    const wish = { sku: 'W-67931', qty: 1 };
    await desk.insist('web', 'reserve', { id: 'w-late', ...wish, ttlMs: 50 });
    await until(async () => (await desk.get('W-67931')).reserved === 0, 'the hold expires');
    expect(await desk.insist('mobile', 'reserve', { id: 'w-other', ...wish })).toMatchObject({
      ok: true,
    });
    const pay = { id: 'w-late-pay', sku: 'W-67931', reservation: 'w-late', order: 'o-1' };
    expect(await desk.insist('web', 'confirm', pay)).toMatchObject({
      error: { code: 'no_longer_available' },
    });
    const other = { id: 'w-other-pay', sku: 'W-67931', reservation: 'w-other', order: 'o-2' };
    expect(await desk.insist('mobile', 'confirm', other)).toMatchObject({ ok: true });
    expect(await desk.get('W-67931')).toMatchObject({ onHand: 0, reserved: 0 });
  });
});

test('magento PR #2420, POSNext #50, erpnext #11000: everything twice counts once, across a failover too', async () => {
  const extra = await startNode({ url: server.url, name: 'extra', config });
  const [sku = ''] = skusOf('extra');
  await until(() => extra.node.status().partitions.length > 0, 'it has taken its share');
  const said: [channel: string, verb: string, payload: Record<string, unknown>][] = [
    ['wms', 'receive', { id: 't-receive', sku, qty: 20, ref: 'PO-1' }],
    ['web', 'reserve', { id: 't-reserve', sku, qty: 2 }],
    ['web', 'renew', { id: 't-renew', sku, reservation: 't-reserve', ttlMs: 600_000 }],
    ['web', 'confirm', { id: 't-confirm', sku, reservation: 't-reserve', order: 'o-1' }],
    ['web', 'reserve', { id: 't-reserve-2', sku, qty: 3 }],
    ['web', 'release', { id: 't-release', sku, reservation: 't-reserve-2' }],
    ['pos', 'sell', { id: 't-sell', sku, qty: 1 }],
    ['pos', 'sell', { id: 't-fact', sku, qty: 1, fact: true }],
    ['wms', 'restock', { id: 't-restock', sku, qty: 1 }],
    ['wms', 'adjust', { id: 't-adjust', sku, delta: -2, reason: 'damage' }],
    ['wms', 'count', { id: 't-count', sku, counted: 14 }],
    ['wms', 'transfer', { id: 't-transfer', sku, qty: 4, from: 'main', to: 'store-1' }],
    ['ops', 'policy', { id: 't-policy', sku, safetyStock: 1 }],
  ];
  const first: Reply[] = [];
  for (const [channel, verb, payload] of said) {
    first.push(await desk.insist(channel, verb, payload));
  }
  expect(first.filter(({ ok }) => !ok)).toEqual([]);
  const before = await desk.get(sku, 'ops');
  expect(before).toMatchObject({ onHand: 14 });

  const repeatAll = async () => {
    for (const [at, [channel, verb, payload]] of said.entries()) {
      const again = await desk.insist(channel, verb, payload);
      const { qty, delta, allocations, version } = first[at] as Reply;
      expect(again).toMatchObject({ ok: true, replayed: true, version });
      expect([again.qty, again.delta, again.allocations]).toEqual([qty, delta, allocations]);
    }
    const { asOfSeq: _, ...stock } = await desk.get(sku, 'ops');
    const { asOfSeq: __, ...was } = before;
    expect(stock).toEqual(was);
  };
  await repeatAll();
  await extra.crash();
  await repeatAll();
});

/** SKUs of partitions that this node owns beside the other two. */
function skusOf(name: string): string[] {
  const owners = rendezvousOwners(['a', 'b', name], partitions);
  const candidates = Array.from({ length: 200 }, (_, n) => `TWICE-${n}`);
  return candidates.filter((sku) => owners[partitionOf(skuKeyOf(sku), partitions)] === name);
}

test('erpnext #13388: a document that can never be posted does not hold up those behind it', async () => {
  await desk.receive('E-13388', 10);
  const js = jetstream(desk.connection);
  const publish = (id: string, payload: string) =>
    js.publish(`inv.fact.pos.sell.${skuKeyOf('E-13388')}`, payload, {
      msgID: `pos.${skuKeyOf('E-13388')}.${id}`,
    });
  await publish('f-1', JSON.stringify({ id: 'f-1', sku: 'E-13388', qty: 1 }));
  await publish('f-2', '{"id": "f-2", "sku": "E-13388", "qty": "all of it"}');
  await publish('f-3', 'not even JSON');
  await publish('f-4', JSON.stringify({ id: 'f-4', sku: 'E-13388', qty: 2 }));
  await until(async () => (await desk.get('E-13388')).onHand === 7, 'both good ones are applied');
  const { names, api } = ports();
  await until(
    async () => ((await api.info(names.streams.dead))?.state.messages ?? 0) >= 2,
    'buried',
  );
  const last = await api.message(names.streams.dead, { last_by_subj: 'inv.dead.pos' });
  expect(last?.header('Lastunit-Error-Code')).toBe('invalid_request');
  expect(last?.header('Lastunit-Error')).not.toBe('');
});

describe('saleor (read in its code)', () => {
  test('an expired hold is an event, and what comes back is told', async () => {
    await desk.receive('S-EXPIRY', 1);
    await desk.insist('web', 'reserve', { id: 's-1', sku: 'S-EXPIRY', qty: 1, ttlMs: 100 });
    const types = async () => (await eventsOf('S-EXPIRY')).map(({ type }) => type);
    await until(async () => (await types()).includes('reservation.expired'), 'it expires');
    const told = await types();
    expect(told.indexOf('availability.back')).toBeGreaterThan(told.indexOf('availability.out'));
    await until(async () => {
      const { api, names } = ports();
      const row = await api.message(`KV_${names.buckets.view('web')}`, {
        last_by_subj: `$KV.${names.buckets.view('web')}.S-EXPIRY`,
      });
      return new TextDecoder().decode(row?.payload).includes('"in_stock"');
    }, 'the view says so');
  });

  test('two SKUs that sell out in one cart are told as two, each under its own name', async () => {
    const skus = skusApart(2, partitions, 'S-OUT');
    for (const sku of skus) await desk.receive(sku, 1);
    const lines = skus.map((sku) => ({ sku, qty: 1 }));
    expect(await desk.insist('web', 'reserve', { id: 's-cart', lines })).toMatchObject({
      ok: true,
    });
    for (const sku of skus) {
      const out = (await eventsOf(sku)).filter(({ type }) => type === 'availability.out');
      expect(new Set(out.map(({ channel }) => channel)).size).toBe(out.length);
      expect(out.map(({ channel }) => channel)).toContain('web');
    }
  });
});

test('medusa #12401, odoo #62139, magento #2078, #3165: the counters never drift from the documents', async () => {
  const skus = skusApart(6, partitions, 'DRIFT');
  for (const sku of skus) await desk.receive(sku, 30);
  let order = 0;
  const buyer = async (index: number) => {
    for (let times = 0; times < 25; times++) {
      const id = `drift-${index}-${times}`;
      const sku = skus[(index + times) % skus.length];
      const held = await desk.insist('web', 'reserve', { id, sku, qty: 1 });
      if (!held.ok) continue;
      const verb = (index + times) % 3 === 0 ? 'release' : 'confirm';
      order += 1;
      const more = verb === 'confirm' ? { order: `o-${order}` } : {};
      await desk.insist('web', verb, { id: `${id}-end`, sku, reservation: id, ...more });
    }
  };
  const extra = await startNode({ url: server.url, name: 'extra-2', config });
  const trading = Promise.all(Array.from({ length: 12 }, (_, index) => buyer(index)));
  await extra.crash();
  await trading;
  const audit = await cliFor({ url: server.url, config })('audit');
  expect(audit).toMatchObject({ status: 0, err: '' });
  expect(audit.out.at(-1)).toMatch(/^no difference/);
});

test('nats-server #7564 (Jepsen): the journal is on disk before it is acknowledged, or the node knows', async () => {
  const manager = await jetstreamManager(desk.connection);
  const { config: journal } = await manager.streams.info(ports().names.streams.journal);
  expect(journal).toMatchObject({ storage: 'file', discard: 'new' });
  expect((journal as { persist_mode?: string }).persist_mode ?? 'default').toBe('default');
  expect(readFileSync(join(server.dataDir, 'nats/server.conf'), 'utf8')).toContain(
    'sync_interval: always',
  );
  // A server that nobody can ask is not trusted.
  expect(ports().durability).toBe('unknown');
});
