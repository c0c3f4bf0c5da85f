// Reconciliation on a real nats-server with a real node: what is proven is corrected through the SKU's
// actor, once, and nothing else is.

import { expect, test } from 'vitest';
import { PortError } from '../../src/ports.ts';
import type { ReconcilePorts } from '../../src/reconcile/source-context.ts';
import { promptly, reconcileWorld, showing } from '../support/reconcile-world.ts';
import { MadeUpErp, startReconciler } from '../support/reconciler.ts';

const world = reconcileWorld();

let counter = 0;
/** A SKU with so many on hand, which nobody else uses. */
async function stocked(qty: number): Promise<string> {
  counter += 1;
  const sku = `SKU ${counter}`;
  await world.stocked(sku, qty);
  return sku;
}

test('a loss that two snapshots prove is taken off, with its evidence, and then all agree', async () => {
  const erp = new MadeUpErp('lost');
  const sku = await stocked(10);
  const { run } = await world.reconciler(erp);
  showing(erp, sku, 7, 7, 7);
  expect(await run()).toMatchObject({
    outcome: 'applied',
    lines: { compared: 1, drifting: 1 },
    corrections: { lowered: { lines: 0 } },
    waiting: [{ sku, observed: 7, lo: 10, hi: 10, drift: -3 }],
  });
  expect(await world.onHand(sku)).toBe(10);
  expect(await run()).toMatchObject({
    outcome: 'applied',
    corrections: { lowered: { lines: 1, units: 3 } },
    corrected: [{ sku, delta: -3, result: 'applied', snapshotIds: ['s-1', 's-2'] }],
  });
  expect(await world.onHand(sku)).toBe(7);
  expect(await run()).toMatchObject({ lines: { exact: 1, drifting: 0 } });
  expect(await world.onHand(sku)).toBe(7);
  expect(erp.settled).toEqual(['compared', 'compared', 'compared']);
});

test('a sale in flight is no drift, however often the ERP says otherwise', async () => {
  const erp = new MadeUpErp('in-flight');
  const sku = await stocked(10);
  const slowly = { lanes: { wms: { maxPostingLagMs: 0, clockSkewMs: 0 }, '*': {} } };
  const { run } = await world.reconciler(erp, { settings: slowly });
  await world.channel.request('inv.cmd.web.sell', { id: 'sell', sku, qty: 4, order: 'o-1' });
  showing(erp, sku, 10, 10, 10, 6, 6);
  for (let i = 0; i < 5; i += 1) {
    expect(await run()).toMatchObject({ lines: { inFlight: 1, drifting: 0 } });
  }
  expect(await world.onHand(sku)).toBe(6);
});

test('a dry run changes nothing, proves nothing, and leaves the snapshot for the next run', async () => {
  const erp = new MadeUpErp('dry');
  const sku = await stocked(10);
  const { run } = await world.reconciler(erp);
  showing(erp, sku, 8, 8);
  for (let i = 0; i < 3; i += 1) {
    expect(await run('dry', { dryRun: true })).toMatchObject({
      mode: 'dry-run',
      outcome: 'dry_run',
      waiting: [{ sku, drift: -2 }],
    });
  }
  expect(erp.settled).toEqual(['later', 'later', 'later']);
  await run();
  await run();
  expect(await world.onHand(sku)).toBe(8);
});

test('a new source reports what it would do and does nothing', async () => {
  const erp = new MadeUpErp('new');
  const sku = await stocked(10);
  const { run } = await world.reconciler(erp, { settings: { mode: 'dry-run' } });
  showing(erp, sku, 8, 8);
  await run();
  expect(await run()).toMatchObject({ outcome: 'dry_run', corrected: [{ sku, delta: -2 }] });
  expect(await world.onHand(sku)).toBe(10);
});

test('a large correction waits in quarantine until somebody approves it', async () => {
  const erp = new MadeUpErp('large');
  const [large, other] = [await stocked(200), await stocked(200)];
  const settings = { rules: { perLineMaxUnits: 20, breakerUnitsShare: 1 } };
  const { run } = await world.reconciler(erp, { settings });
  const lines = [large, other].map((sku) => ({ sku, location: 'main', qty: 150 }));
  for (let i = 0; i < 3; i += 1) erp.show({ lines, asOfMs: Date.now() + i });
  await run();
  expect(await run()).toMatchObject({
    corrections: { quarantined: 2, lowered: { lines: 0 } },
    quarantined: [{ sku: large, delta: -50 }, { sku: other }],
  });
  expect(await world.onHand(large)).toBe(200);
  expect(await world.channel.request('inv.reconcile.approve', { sku: large })).toMatchObject({
    ok: true,
    results: [{ sku: large, delta: -50, outcome: 'applied' }],
  });
  expect(await world.onHand(large)).toBe(150);
  expect(await world.channel.request('inv.reconcile.reject', { sku: other })).toMatchObject({
    results: [{ sku: other, outcome: 'rejected' }],
  });
  // The third snapshot still says so: what was rejected stays rejected.
  expect(await run()).toMatchObject({ lines: { exact: 1 }, quarantined: [{ sku: other }] });
  expect(await world.channel.request('inv.reconcile.approve', { sku: other })).toMatchObject({
    results: [],
  });
  expect(await world.onHand(other)).toBe(200);
});

test('a run that would change too much changes nothing, unless an operator insists', async () => {
  const erp = new MadeUpErp('breaker');
  const skus = await Promise.all(Array.from({ length: 12 }, () => stocked(10)));
  const settings = { rules: { breakerUnitsFloor: 100, outageLinesMin: 1_000 } };
  const { run } = await world.reconciler(erp, { settings });
  const lines = skus.map((sku) => ({ sku, location: 'main', qty: 9 }));
  for (let i = 0; i < 3; i += 1) erp.show({ lines, asOfMs: Date.now() + i });
  await run();
  expect(await run()).toMatchObject({
    outcome: 'stopped',
    reason: 'circuit_breaker',
    breaker: { lines: 12, linesMax: 2 },
  });
  expect(await world.onHand(skus[0]!)).toBe(10);
  const order = { source: 'breaker', force: true };
  expect(await world.channel.request('inv.reconcile.run', order)).toMatchObject({
    ok: true,
    report: { outcome: 'applied', corrections: { lowered: { lines: 12, units: 12 } } },
  });
  expect(await world.onHand(skus[0]!)).toBe(9);
});

test('a late fact takes back the correction that had found its effect before', async () => {
  const erp = new MadeUpErp('late');
  const sku = await stocked(10);
  const { run } = await world.reconciler(erp);
  const occurredAtMs = Date.now();
  // The store's sale is in the ERP; the store itself has no line to us.
  await new Promise((resolve) => setTimeout(resolve, 5));
  showing(erp, sku, 7, 7, 7, 7);
  await run();
  await run();
  expect(await world.onHand(sku)).toBe(7);
  const sale = { id: 'offline-1', sku, qty: 3, fact: true, order: 'o-7', occurredAtMs };
  await world.channel.request('inv.cmd.pos.sell', sale);
  expect(await world.onHand(sku)).toBe(4);
  expect(await run()).toMatchObject({ netted: [{ sku, delta: 3, result: 'applied' }] });
  expect(await world.onHand(sku)).toBe(7);
  expect(await run()).toMatchObject({ lines: { exact: 1 }, netted: [] });
  expect(await world.onHand(sku)).toBe(7);
});

test('a fact that comes between comparing and correcting makes it compare again', async () => {
  const erp = new MadeUpErp('race');
  const sku = await stocked(10);
  const occurredAtMs = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 5));
  let raced = false;
  const racing = (ports: ReconcilePorts): ReconcilePorts => ({
    ...ports,
    bus: {
      ...ports.bus,
      async request(subject, payload, timeoutMs) {
        if (subject.endsWith('.correct') && !raced) {
          raced = true;
          const sale = { id: 'race-1', sku, qty: 2, fact: true, order: 'o-8', occurredAtMs };
          await world.channel.request('inv.cmd.pos.sell', sale);
        }
        return ports.bus.request(subject, payload, timeoutMs);
      },
    },
  });
  const { run } = await world.reconciler(erp, { wrap: racing });
  showing(erp, sku, 7, 7, 7);
  await run();
  expect(await run()).toMatchObject({ corrected: [{ sku, delta: -3, result: 'applied' }] });
  // Of the three that were missing two have turned up as a sale: only one was taken off.
  expect(await world.onHand(sku)).toBe(7);
  expect(await run()).toMatchObject({ lines: { exact: 1 } });
});

test('a crash in the middle of applying: the next reconciler finishes and repeats nothing', async () => {
  const erp = new MadeUpErp('crash');
  const skus = await Promise.all(Array.from({ length: 6 }, () => stocked(10)));
  const settings = {
    rules: { breakerLinesFloor: 100, breakerUnitsFloor: 100, outageLinesMin: 100 },
    correctionsInFlightMax: 1,
    backOffFirstMs: 600_000,
  };
  let corrections = 0;
  const dying = (ports: ReconcilePorts): ReconcilePorts => ({
    ...ports,
    bus: {
      ...ports.bus,
      async request(subject, payload, timeoutMs) {
        const reply = await ports.bus.request(subject, payload, timeoutMs);
        corrections += 1;
        // The third one is applied, and its answer never arrives; nothing arrives any more.
        if (corrections >= 3) return new Promise(() => {});
        return reply;
      },
    },
    values: {
      ...ports.values,
      write: (...args) =>
        corrections >= 3
          ? Promise.reject(new PortError('disconnected', 'dead'))
          : ports.values.write(...args),
    },
  });
  const lines = skus.map((sku) => ({ sku, location: 'main', qty: 8 }));
  for (let i = 0; i < 4; i += 1) erp.show({ lines, asOfMs: Date.now() + i });
  const first = await startReconciler({
    ...{
      nats: world.node.nats,
      sources: [erp],
      settings: { ...promptly, ...settings },
      wrap: dying,
    },
  });
  await first.run();
  void first.run().catch(() => {});
  await expect.poll(() => corrections).toBe(3);
  // It has its own memory: what the first one had proven is proven again.
  const second = await world.reconciler(erp, { settings });
  await second.run();
  await second.run();
  expect(await Promise.all(skus.map(world.onHand))).toEqual(skus.map(() => 8));
  expect(await second.run()).toMatchObject({ lines: { exact: 6 } });
});

test('two reconcilers at once: one leads, the other declines, and takes over when it is gone', async () => {
  const erp = new MadeUpErp('two');
  const first = await world.reconciler(erp);
  const second = await world.reconciler(erp, { waits: false });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect([first.reconciler.isLeading, second.reconciler.isLeading]).toEqual([true, false]);
  await expect(second.run()).rejects.toThrow('does not lead');
  await first.stop();
  await expect.poll(() => second.reconciler.isLeading, { timeout: 3_000 }).toBe(true);
});

test('what the ERP acknowledges is exactly known', async () => {
  const erp = new MadeUpErp('acks');
  const sku = await stocked(10);
  const slowly = { lanes: { wms: { maxPostingLagMs: 0, clockSkewMs: 0 }, '*': {} } };
  const { run } = await world.reconciler(erp, { settings: slowly });
  await world.channel.request('inv.cmd.web.sell', { id: 'ack', sku, qty: 4, order: 'o-9' });
  const postedAtMs = Date.now();
  world.channel.connection.publish(
    'inv.erp.acks.ack',
    JSON.stringify({ documents: [{ document: 'o-9', lane: 'web', postedAtMs }] }),
  );
  world.channel.connection.publish('inv.erp.acks.ack', 'not even JSON');
  await world.channel.connection.flush();
  await new Promise((resolve) => setTimeout(resolve, 50));
  // Without the acknowledgement 5 would be possible; with it, one has gone.
  showing(erp, sku, 5, 5);
  expect(await run()).toMatchObject({
    waiting: [{ sku, lo: 6, hi: 6, drift: -1 }],
    postingLag: { web: { documents: 1 } },
    acknowledged: { documents: 1, unknown: 0, notUnderstood: 1 },
  });
});

test('what must not be compared is not, and the report says why', async () => {
  const erp = new MadeUpErp('refusing');
  const sku = await stocked(10);
  const { run } = await world.reconciler(erp);
  const lines = [{ sku, location: 'main', qty: 1 }];
  const asOfMs = Date.now();
  erp.show({ lines, asOfMs, snapshotId: 'first' });
  await run();
  erp.show({ lines, asOfMs: asOfMs + 1, snapshotId: 'first' });
  expect(await run()).toMatchObject({ outcome: 'refused', reason: 'duplicate' });
  erp.show({ lines, asOfMs: asOfMs - 1_000 });
  expect(await run()).toMatchObject({ outcome: 'refused', reason: 'not_newer' });
  erp.show({ lines: [], asOfMs: asOfMs + 2 });
  expect(await run()).toMatchObject({ outcome: 'refused', reason: 'empty' });
  expect(erp.settled).toEqual(['compared', 'refused', 'refused', 'refused']);
  expect(await world.onHand(sku)).toBe(10);
  expect(await run()).toMatchObject({ outcome: 'nothing', reason: 'absent' });
});

test('trouble is reported, and the run is tried again after a while', async () => {
  const erp = new MadeUpErp('trouble');
  const sku = await stocked(10);
  const outcomes: string[] = [];
  const settings = { everyMs: 1_000, backOffFirstMs: 50 };
  const onReport = (report: { outcome: string }) => void outcomes.push(report.outcome);
  erp.show(new PortError('unavailable', 'the ERP sleeps'));
  erp.show(new PortError('unavailable', 'the ERP sleeps'));
  showing(erp, sku, 10);
  await world.reconciler(erp, { settings, onReport });
  await expect
    .poll(() => outcomes.slice(0, 3), { timeout: 10_000 })
    .toEqual(['failed', 'failed', 'applied']);
});

test('reports stand in the bucket, and are published', async () => {
  const erp = new MadeUpErp('reporting');
  const sku = await stocked(10);
  const { run } = await world.reconciler(erp);
  const heard: unknown[] = [];
  const published = world.channel.connection.subscribe('inv.pub.reconcile.reporting');
  void (async () => {
    for await (const message of published) heard.push(message.json());
  })();
  await world.channel.connection.flush();
  showing(erp, sku, 10);
  const report = await run();
  await expect.poll(() => heard).toEqual([JSON.parse(JSON.stringify(report))]);
  const { values } = await import('../../src/nats/reconcile-ports.ts').then((module) =>
    module.createReconcilePorts(world.node.nats.api, world.node.nats.names),
  );
  const stored = await values.read(`run.${report.run}`);
  expect(JSON.parse(stored!.payload)).toEqual(JSON.parse(JSON.stringify(report)));
  expect((await values.read('latest'))!.payload).toBe(stored!.payload);
});
