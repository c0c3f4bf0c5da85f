/**
 * `npm run reconcile-day -- FILE`: a day of a retailer's transactions sold through the public contract,
 * beside an ERP that posts them late and makes mistakes, and reconciled several times. Prints what was
 * planted and what the reconciler did with it. Exit status 1 if anything was not found, or anything
 * else moved.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { createNames } from '../src/contract/subjects.ts';
import { connectNats } from '../src/nats/connect.ts';
import { createJetStreamApi } from '../src/nats/jetstream-api.ts';
import { createMux } from '../src/nats/mux.ts';
import { createReadModels } from '../src/nats/read-models.ts';
import { type DayResult, faultsFrom, faultsUntil, liveThroughDay } from './reconcile-day/day.ts';
import { type Deployment, startDeployment } from './reconcile-day/deployment.ts';
import { chooseFaults, type Faults } from './reconcile-day/faults.ts';
import { type Finding, judge } from './reconcile-day/judge.ts';
import { hearReports } from './reconcile-day/reports.ts';
import { busiestDay, readPlan } from './replay/plan.ts';

interface Options {
  readonly day?: string;
  readonly seconds: string;
  readonly json?: boolean;
}

const viewPatienceMs = 10_000;

const program = new Command('reconcile-day')
  .description('Sells a day of a transactions file beside an ERP that errs, and reconciles.')
  .argument('<file>', 'CSV (or .csv.gz): InvoiceNo,StockCode,Description,Quantity,InvoiceDate,…')
  .option('--day <date>', '2011-12-05; without it, the day with most lines')
  .option('--seconds <n>', 'how long the day takes', '120')
  .option('--json', 'the result as JSON')
  .action(reconcileDay);

await program.parseAsync();

async function reconcileDay(file: string, options: Options): Promise<void> {
  const date = options.day ?? (await busiestDay(file));
  const plan = await readPlan(file, date);
  const faults = chooseFaults(plan, faultsFrom, faultsUntil);
  const tradingMs = Number(options.seconds) * 1_000;
  const times = { tradingMs, lagMs: Math.max(3_000, tradingMs / 10), skewMs: 2_000 };
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const { lines, invoices, sold, returned, writtenOff } = plan.totals;
  log(`${date}: ${lines} lines, ${invoices} invoices, ${plan.expected.size} articles`);
  log(`${sold} units sold, ${returned} returned, ${writtenOff} written off`);
  const deployment = await startDeployment({
    maxPostingLagMs: times.lagMs,
    clockSkewMs: times.skewMs,
  });
  const reports = await hearReports(deployment.natsUrl, 'sap');
  try {
    const day = await liveThroughDay(plan, faults, times, deployment, reports, log);
    const approved = await approve(faults, deployment);
    const onHand = await stockOf(deployment.natsUrl, day.expected);
    const findings = [...judge(faults, day, onHand, approved), await audited(deployment)];
    print(date, day, findings, options.json === true);
    process.exitCode = findings.every(({ isRight }) => isRight) ? 0 : 1;
  } finally {
    await reports.close();
    await deployment.stop();
  }
}

/** An operator approves what waits, and the answer is what has been corrected. */
async function approve(
  faults: Faults,
  deployment: Deployment,
): Promise<ReadonlyMap<string, number>> {
  const approved = new Map<string, number>();
  for (const { kind, sku } of faults.planted) {
    if (kind !== 'large shrinkage') continue;
    const { out } = await deployment.lastunit('reconcile', 'approve', sku, '--json');
    for (const line of out.split('\n').filter((text) => text !== '')) {
      const { delta, outcome } = JSON.parse(line) as { delta: number; outcome: string };
      if (outcome === 'applied') approved.set(sku, delta);
    }
  }
  return approved;
}

/** On hand of everything in `inv_stock`, once it is as expected or has had time enough. */
async function stockOf(
  url: string,
  expected: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const connection = await connectNats({ url, name: 'reconcile-day-check' });
  const mux = createMux(connection);
  try {
    const models = createReadModels(createJetStreamApi(mux), createNames('inv'));
    const giveUpMs = performance.now() + viewPatienceMs;
    for (;;) {
      const onHand = new Map<string, number>();
      await models.allStock((row) => onHand.set(row.sku, row.onHand));
      const isRight = [...expected].every(([sku, units]) => onHand.get(sku) === units);
      if (isRight || performance.now() > giveUpMs) return onHand;
      await sleep(250);
    }
  } finally {
    mux.close();
    await connection.close();
  }
}

async function audited(deployment: Deployment): Promise<Finding> {
  const { status, out, err } = await deployment.lastunit('audit');
  const lines = `${out}${err}`.trim().split('\n');
  return { planted: 'audit', sku: 'all', found: lines.at(-1) ?? '', isRight: status === 0 };
}

function print(date: string, day: DayResult, findings: readonly Finding[], asJson: boolean): void {
  if (asJson) {
    console.log(JSON.stringify({ date, findings, exports: day.exports.length }));
    return;
  }
  const rows = findings.map(({ planted, sku, found, isRight }) => [
    isRight ? 'right' : 'WRONG',
    planted,
    sku,
    found,
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) {
    console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  }
}
