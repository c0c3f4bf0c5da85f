// A run over 100,000 lines and four channels' views while sales go on: how long it takes from the request to the
// report, and what it does to the sales. The first run of a node reads the whole journal and every row, later ones
// what has changed since.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectNats } from '../../../src/nats/connect.ts';
import type { RunReport } from '../../../src/reconcile/report.ts';
import { type Serving, serve } from '../../support/processes.ts';
import { startDeployment } from '../harness/deployment.ts';
import { median, percentiles } from '../harness/numbers.ts';
import { stockRange } from '../harness/prepare.ts';
import { cpuSecondsOfTree } from '../harness/process-usage.ts';
import type { Receipts } from '../harness/receipts.ts';
import type { Line, Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';
import { startWorker } from '../harness/worker.ts';
import type { SteadySalesResult } from '../roles/steady-sales.ts';

const lines = 100_000;
const opening = 100_000;
const skus = { prefix: 'R-', count: lines };
/** Sales are of so many of them: an actor that has to be woken first is another scenario. */
const soldSkus = { prefix: 'R-', count: 1_000 };
const salesPerSecond = 1_000;
/** The ERP lacks one piece of each of these: something to prove and to correct. */
const lostLines = 200;
const warmUpMs = 4_000;
const laterRuns = { alone: 5, among: 2 };
const patienceMs = 120_000;

/** Without a run, before and after the later ones: a percentile wants as many sales as those see. */
const restSeconds = { alone: 6, among: 3 };

/** Something that went on, in milliseconds since the epoch, and what the node and its reconciler took of processors. */
interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
  readonly cpuSeconds: number;
}

interface Round {
  readonly first: Interval;
  readonly later: readonly Interval[];
  readonly without: readonly Interval[];
  /** 99th percentile of the sales, in milliseconds. */
  readonly p99: Readonly<Record<'without' | 'first' | 'later', number>>;
  readonly reports: readonly RunReport[];
  readonly receipts: Receipts;
}

export const reconcile: Scenario = {
  name: 'reconcile',
  title: 'Reconciliation of 100,000 lines × 4 channels while sales go on',
  goal: '≤ 5 s, p99 of the sales at most doubled meanwhile',
  async run(context) {
    const folder = mkdtempSync(join(tmpdir(), 'lastunit-bench-reconcile-'));
    const config = {
      erp: { sources: { erp: sourceIn(folder) } },
    };
    const deployment = await startDeployment({ config });
    await stockRange(deployment.url, skus, opening);
    await deployment.caughtUp();
    deployment.nodes[0]!.tell('stop');
    await deployment.nodes[0]!.exited;
    const rounds: Round[] = [];
    // A round has several later runs of its own; more rounds only where somebody asks for this alone.
    const count = context.alone ? context.rounds : 1;
    const extent = context.alone ? 'alone' : 'among';
    for (let number = 0; number < count; number++) {
      const round = await oneRound(deployment.url, folder, config, number, extent);
      rounds.push(round);
      const { first, later, p99 } = round;
      const seconds = later.map((run) => secondsOf(run).toFixed(2)).join(', ');
      context.log(
        `  first ${secondsOf(first).toFixed(2)} s, later ${seconds} s; ` +
          `p99 of sales: ${p99.without.toFixed(2)} without, ${p99.first.toFixed(2)} first, ${p99.later.toFixed(2)} later (ms)`,
      );
    }
    await deployment.startNode();
    const verdict = await verdictOn(
      deployment,
      rounds.map(({ receipts }) => receipts),
      context.auditOptions,
    );
    await deployment.stop();
    rmSync(folder, { recursive: true, force: true });
    return {
      lines: linesOf(rounds),
      conditions:
        `\`lastunit node\` with a CSV of ${lines} lines, ${salesPerSecond} sales/s over ${soldSkus.count} SKUs (open loop, ` +
        `latency from when due); from request to report, comparison, ${lostLines} corrections and view check included`,
      faults: [...verdict.faults, ...faultsOf(rounds)],
      details: { rounds: rounds.map(({ receipts: _, ...round }) => round), verdict },
    };
  },
};

function sourceIn(folder: string) {
  return {
    ...{
      kind: 'file',
      path: join(folder, 'stock.csv'),
      settleMs: 0,
      exportTakesMs: 0,
      mode: 'apply',
    },
    everyMs: 24 * 60 * 60_000,
    lanes: { wms: { maxPostingLagMs: 0, clockSkewMs: 0 }, web: {} },
    rules: { breakerLinesFloor: lostLines },
  };
}

/** What the ERP has: no sale has been posted yet, and some pieces are lost. */
function writeStock(folder: string): void {
  const rows = Array.from({ length: lines }, (_, i) => {
    return `${skus.prefix}${i},main,${i >= lines - lostLines ? opening - 1 : opening}`;
  });
  writeFileSync(join(folder, 'stock.csv'), `sku,location,qty\n${rows.join('\n')}\n`);
}

async function oneRound(
  url: string,
  folder: string,
  config: object,
  number: number,
  extent: keyof typeof laterRuns,
): Promise<Round> {
  const node = await startNode(url, folder, config, number);
  const connection = await connectNats({ url, name: 'bench-operator' });
  const sales = startWorker('steady-sales', {
    ...{ name: `sales${number}`, url, perSecond: salesPerSecond, skus: soldSkus },
  });
  await sales.ready;
  sales.tell('go');
  await sleep(warmUpMs);
  const reports: RunReport[] = [];
  const during = async (work: () => Promise<void>): Promise<Interval> => {
    const [fromMs, before] = [Date.now(), cpuSecondsOfTree(node.child.pid ?? 0)];
    await work();
    return { fromMs, toMs: Date.now(), cpuSeconds: cpuSecondsOfTree(node.child.pid ?? 0) - before };
  };
  const run = async (): Promise<void> => {
    const order = JSON.stringify({ source: 'erp' });
    const reply = await connection.request('inv.reconcile.run', order, { timeout: patienceMs });
    const answer = reply.json<{ ok: boolean; report: RunReport; error?: unknown }>();
    if (!answer.ok) throw new Error(`no run: ${JSON.stringify(answer.error)}`);
    reports.push(answer.report);
  };
  writeStock(folder);
  const first = await during(run);
  const without = [await during(() => sleep(restSeconds[extent] * 1_000))];
  const later: Interval[] = [];
  for (let count = 0; count < laterRuns[extent]; count++) {
    writeStock(folder);
    later.push(await during(run));
  }
  without.push(await during(() => sleep(restSeconds[extent] * 1_000)));
  sales.tell('stop');
  const { samples, receipts } = (await sales.result) as SteadySalesResult;
  await sales.exited;
  await connection.close();
  await node.end('SIGTERM');
  const p99Of = (intervals: readonly Interval[]) =>
    percentiles(
      samples
        .filter(([dueAtMs]) =>
          intervals.some(({ fromMs, toMs }) => dueAtMs >= fromMs && dueAtMs <= toMs),
        )
        .map(([, latencyMs]) => latencyMs),
    ).p99;
  return {
    ...{ first, later, without },
    p99: { without: p99Of(without), first: p99Of([first]), later: p99Of(later) },
    reports,
    receipts,
  };
}

/** Its reconciler has the lease when it is ready to be asked; it has never run before. */
async function startNode(
  url: string,
  folder: string,
  config: object,
  number: number,
): Promise<Serving> {
  const path = join(folder, 'lastunit.json');
  writeFileSync(path, JSON.stringify(config));
  return serve(['node', '--name', `reconciling-${number}`], {
    LASTUNIT_NATS_URL: url,
    LASTUNIT_CONFIG: path,
    LASTUNIT_DATA_DIR: join(folder, 'data'),
    LASTUNIT_LOG_LEVEL: 'error',
    // As every node that is measured, and as the README says.
    NODE_OPTIONS: '--max-semi-space-size=64',
  });
}

function secondsOf({ fromMs, toMs }: Interval): number {
  return (toMs - fromMs) / 1_000;
}

/** The node's processor time of a run, without what the sales would have taken meanwhile. */
function cpuOfRun(run: Interval, without: readonly Interval[]): number {
  const salesPart = without.map((interval) => interval.cpuSeconds / secondsOf(interval));
  return run.cpuSeconds - median(salesPart) * secondsOf(run);
}

function linesOf(rounds: readonly Round[]): Line[] {
  const line = (what: string, unit: string, value: (round: Round) => number): Line => {
    const values = rounds.map(value);
    return { what, value: median(values), unit, rounds: values };
  };
  return [
    line('first run', 's', ({ first }) => secondsOf(first)),
    line('later runs', 's', ({ later }) => median(later.map(secondsOf))),
    line('processor time of the first run', 's', (round) => cpuOfRun(round.first, round.without)),
    line('processor time of a later run', 's', ({ later, without }) =>
      median(later.map((run) => cpuOfRun(run, without))),
    ),
    line('p99 of sales without a run', 'ms', ({ p99 }) => p99.without),
    line('p99 of sales during the first run', 'ms', ({ p99 }) => p99.first),
    line('p99 of sales during later runs', 'ms', ({ p99 }) => p99.later),
  ];
}

/** What was measured has to have been done. */
function faultsOf(rounds: readonly Round[]): string[] {
  const faults: string[] = [];
  for (const [i, { reports }] of rounds.entries()) {
    for (const { outcome, message, lines: counted, views = [] } of reports) {
      if (outcome !== 'applied') faults.push(`round ${i}: a run ended ${outcome}: ${message}`);
      if (counted?.compared !== lines) faults.push(`round ${i}: ${counted?.compared} compared`);
      if (views.length !== 5) faults.push(`round ${i}: ${views.length} read models checked`);
    }
  }
  const corrected = rounds.flatMap(({ reports }) =>
    reports.map((report) => report.corrections?.lowered.lines ?? 0),
  );
  const sum = corrected.reduce((all, one) => all + one, 0);
  if (sum !== lostLines) faults.push(`${sum} of ${lostLines} lines corrected`);
  return faults;
}
