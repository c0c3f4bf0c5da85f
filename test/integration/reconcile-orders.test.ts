// What operators ask for, and what a run has to take into account besides the ledger, on a real nats-server.

import { expect, test } from 'vitest';
import type { EdgeExposure } from '../../src/ports.ts';
import { PortError } from '../../src/ports.ts';
import type { ReconcilePorts } from '../../src/reconcile/source-context.ts';
import { reconcileWorld, showing } from '../support/reconcile-world.ts';
import { MadeUpErp } from '../support/reconciler.ts';

const world = reconcileWorld();

test('an approval rests on what was compared: after a fact from before, it is not applied', async () => {
  const erp = new MadeUpErp('approving');
  const settings = { rules: { perLineMaxUnits: 1, breakerUnitsShare: 1 } };
  const { run } = await world.reconciler(erp, { settings });
  await world.stocked('APPROVE', 20);
  const occurredAtMs = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 5));
  showing(erp, 'APPROVE', 12, 12);
  await run();
  expect(await run()).toMatchObject({ quarantined: [{ sku: 'APPROVE', delta: -8 }] });
  const sale = { id: 'late', sku: 'APPROVE', qty: 3, fact: true, order: 'o-1', occurredAtMs };
  await world.channel.request('inv.cmd.pos.sell', sale);
  const answer = await world.channel.request('inv.reconcile.approve', { sku: 'APPROVE' });
  expect(answer).toMatchObject({ ok: true, results: [{ outcome: 'stock_changed' }] });
  expect(await world.onHand('APPROVE')).toBe(17);
  // The next run proposes what is left of it.
  showing(erp, 'APPROVE', 12);
  expect(await run()).toMatchObject({ quarantined: [{ sku: 'APPROVE', delta: -5 }] });
  const again = await world.channel.request('inv.reconcile.approve', { sku: 'APPROVE' });
  expect(again).toMatchObject({ results: [{ outcome: 'applied' }] });
  expect(await world.onHand('APPROVE')).toBe(12);
});

test('what an edge that has not been heard from may have sold is no drift', async () => {
  const erp = new MadeUpErp('edges');
  let heardAtMs = 0;
  const exposures = async (): Promise<EdgeExposure[]> => [
    { edge: 'store-7', sku: 'EDGE', location: 'main', units: 3, heardAtMs },
  ];
  const wrap = (ports: ReconcilePorts): ReconcilePorts => ({ ...ports, exposures });
  const { run } = await world.reconciler(erp, { wrap });
  await world.stocked('EDGE', 10);
  // A first agreement, so that the line has nothing of its own to be judged by.
  showing(erp, 'EDGE', 10, 7, 7, 6);
  for (let times = 0; times < 3; times += 1) {
    expect(await run()).toMatchObject({ lines: { drifting: 0 } });
  }
  expect(await run()).toMatchObject({ waiting: [{ sku: 'EDGE', lo: 7, hi: 10, drift: -1 }] });
  heardAtMs = Date.now() + 60_000;
  showing(erp, 'EDGE', 7);
  expect(await run()).toMatchObject({ lines: { drifting: 1 } });
});

test('runs that nobody could wait for are refused instead of piling up', async () => {
  class StuckErp extends MadeUpErp {
    release: () => void = () => {};
    override async fetch() {
      await new Promise<void>((resolve) => {
        this.release = resolve;
      });
      return super.fetch();
    }
  }
  const erp = new StuckErp('stuck');
  const reconciler = await world.reconciler(erp);
  const order = { source: 'stuck' };
  const waiting = Array.from({ length: 100 }, () =>
    world.channel.request('inv.reconcile.run', order),
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await world.channel.request('inv.reconcile.run', order)).toMatchObject({
    ok: false,
    error: { code: 'overloaded' },
  });
  const stopping = reconciler.stop();
  erp.release();
  await stopping;
  // Everybody hears of it.
  const replies = await Promise.all(waiting);
  expect(replies).toHaveLength(100);
  for (const reply of replies) {
    expect(reply).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  }
});

test('read models that cannot be looked at leave the report, which says so', async () => {
  const erp = new MadeUpErp('unlooked');
  const wrap = (ports: ReconcilePorts): ReconcilePorts => ({
    ...ports,
    views: {
      ...ports.views!,
      buckets: ports.views!.buckets.map((bucket) => ({
        ...bucket,
        scan: () => Promise.reject(new PortError('timeout', 'the bucket sleeps')),
      })),
    },
  });
  const { run } = await world.reconciler(erp, { wrap, viewChannels: ['web'] });
  await world.stocked('UNLOOKED', 10);
  showing(erp, 'UNLOOKED', 10);
  const report = await run();
  expect(report).toMatchObject({ outcome: 'applied', viewsNotChecked: 'the bucket sleeps' });
  expect(report).not.toHaveProperty('views');
});
