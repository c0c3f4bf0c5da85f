// An ERP that disagrees: a file of its stock, compared and corrected from the shell, with what an operator decides.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/deployment.ts';
import { processesNaming, run, type Serving, serve } from '../support/processes.ts';

let folder: string;
let running: Serving;
let variables: Record<string, string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lastunit-erp-'));
  const config = join(folder, 'lastunit.json');
  const source = {
    kind: 'file',
    path: join(folder, 'stock.csv'),
    mode: 'apply',
    settleMs: 100,
    exportTakesMs: 0,
    lanes: { '*': { maxPostingLagMs: 200, clockSkewMs: 50 } },
    rules: {
      proofsToLower: 1,
      perLineMaxUnits: 5,
      breakerLinesFloor: 100,
      breakerUnitsFloor: 1_000,
    },
  };
  writeFileSync(config, JSON.stringify({ erp: { sources: { sap: source } } }));
  variables = { LASTUNIT_CONFIG: config, LASTUNIT_DATA_DIR: join(folder, 'data') };
  running = await serve(['up'], variables);
  for (const sku of ['SAME', 'SHRUNK', 'FAR-1', 'FAR-2']) {
    await lastunit('receive', sku, '--qty', '100', '--ref', `po-${sku}`);
  }
  // Beyond the lane's posting lag: what was received is in the ERP for certain.
  await sleep(1_000);
  erpSays({ SAME: 100, SHRUNK: 97, 'FAR-1': 40, 'FAR-2': 30 });
});

afterAll(async () => {
  await running?.end('SIGINT');
  rmSync(folder, { recursive: true, force: true });
});

function lastunit(...args: string[]) {
  return run(args, { ...variables, LASTUNIT_NATS_URL: running.natsUrl });
}

function erpSays(stock: Record<string, number>): void {
  const lines = Object.entries(stock).map(([sku, qty]) => `${sku},main,${qty}`);
  writeFileSync(join(folder, 'stock.csv'), `sku,location,qty\n${lines.join('\n')}\n`);
}

/** The reconcilers' processes whose memory is below a folder. */
function reconcilersOf(dataFolder: string): number[] {
  return processesNaming('reconcile-process').filter((pid) =>
    processesNaming(dataFolder).includes(pid),
  );
}

async function onHand(sku: string): Promise<number> {
  return (JSON.parse((await lastunit('get', sku, '--json')).out) as { onHand: number }).onHand;
}

test('a dry run says what would change, and changes nothing', async () => {
  await sleep(500);
  const { status, out } = await lastunit('reconcile', '--erp', 'sap', '--dry-run');
  expect(status).toBe(0);
  expect(out).toMatch(/dry run/);
  expect(out).toMatch(/SHRUNK at main: ERP 97, expected 100, drift -3, correction -3/);
  expect(await onHand('SHRUNK')).toBe(100);
});

test('a run corrects what is proven and leaves the rest to a human', async () => {
  const { status, out } = await lastunit('reconcile', '--erp', 'sap', '--json');
  expect(status).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    outcome: 'applied',
    corrections: { lowered: { lines: 1, units: 3 }, quarantined: 2 },
  });
  expect([await onHand('SAME'), await onHand('SHRUNK'), await onHand('FAR-1')]).toEqual([
    100, 97, 100,
  ]);
  const explained = await lastunit('explain', 'SHRUNK');
  expect(explained.out).toMatch(/includes -3 of 1 corrections by the reconciler/);
});

test('what waits is listed, approved and rejected', async () => {
  const open = await lastunit('reconcile', 'open');
  expect(open.out).toMatch(/FAR-1 +main +-60 +sap +open/);
  const asJson = (await lastunit('reconcile', 'open', '--json')).out.trim().split('\n');
  expect(asJson.map((line) => JSON.parse(line).sku).sort()).toEqual(['FAR-1', 'FAR-2']);
  const report = await lastunit('reconcile', 'report', '--source', 'sap', '--json');
  expect(JSON.parse(report.out)).toMatchObject({ outcome: 'applied', source: 'sap' });
  const approved = await lastunit('reconcile', 'approve', 'FAR-1');
  expect(approved).toMatchObject({ status: 0, out: expect.stringMatching(/FAR-1 at main: -60/) });
  expect(await onHand('FAR-1')).toBe(40);
  const rejected = await lastunit('reconcile', 'reject', 'FAR-2', '--json');
  expect(JSON.parse(rejected.out)).toMatchObject({ sku: 'FAR-2', outcome: 'rejected' });
  expect((await lastunit('reconcile', 'open')).out).toMatch(/FAR-2 .* rejected/);
  expect(await onHand('FAR-2')).toBe(100);
  expect((await lastunit('reconcile', 'approve', 'SAME')).status).toBe(1);
});

test('the console shows the report, and takes decisions from its own page only', async () => {
  const answer = await fetch(`${running.httpUrl}/api/reconcile`);
  expect(await answer.json()).toMatchObject({ latest: { source: 'sap', outcome: 'applied' } });
  const body = JSON.stringify({ sku: 'FAR-2' });
  const url = `${running.httpUrl}/api/reconcile/approve`;
  const plain = await fetch(url, { method: 'POST', body });
  expect(plain.status).toBeGreaterThanOrEqual(400);
  expect(await onHand('FAR-2')).toBe(100);
  const headers = { 'content-type': 'application/json' };
  expect((await fetch(url, { method: 'POST', body: '{"sku":5}', headers })).status).toBe(400);
});

test('what the ERP has to post is exported', async () => {
  const { out, status } = await lastunit('erp', 'export', '--since', '1h ago');
  expect(status).toBe(0);
  expect(out.split('\n')[0]).toContain('id,sku,location,delta');
  expect(out).toMatch(/,SAME,main,100,\d+,\d+,wms,po-SAME,stock\.received/);
  expect(out).not.toContain('stock.corrected');
});

test('a source that is not configured, and a run without one', async () => {
  const unknown = await lastunit('reconcile', '--erp', 'oracle');
  expect(unknown).toMatchObject({ status: 1, err: expect.stringMatching(/there are: sap/) });
  expect((await lastunit('reconcile')).status).toBe(2);
});

test('metrics tell of it, and everything still agrees', async () => {
  const metrics = await (await fetch(`${running.httpUrl}/metrics`)).text();
  expect(metrics).toContain('lastunit_reconcile_runs_total{source="sap",outcome="applied"}');
  expect(metrics).toMatch(
    /lastunit_reconcile_corrected_units_total\{source="sap",direction="lowered"\} 3/,
  );
  expect((await lastunit('audit')).status).toBe(0);
});

test('a reconciler that dies is started again, and one whose node dies goes as well', async () => {
  const [first = 0] = reconcilersOf(folder);
  process.kill(first, 'SIGKILL');
  erpSays({ SAME: 100, SHRUNK: 97, 'FAR-1': 40, 'FAR-2': 100 });
  const dryRun = () => lastunit('reconcile', '--erp', 'sap', '--dry-run');
  await until(async () => (await dryRun()).status === 0, 'a run by another process', 100);
  expect(reconcilersOf(folder)).not.toContain(first);

  const data = join(folder, 'second');
  const second = await serve(['node', '--name', 'second'], {
    ...variables,
    ...{ LASTUNIT_NATS_URL: running.natsUrl, LASTUNIT_DATA_DIR: data },
  });
  await until(() => reconcilersOf(data).length === 1, 'its reconciler');
  await second.end('SIGKILL');
  await until(() => reconcilersOf(data).length === 0, 'it is gone');

  await running.end('SIGINT');
  expect(reconcilersOf(folder)).toEqual([]);
});
