/**
 * `npm run replay -- FILE`: replays a transactions file through the public contract and proves that
 * every code's stock is right afterwards. Exit status 1 on any mismatch or refusal.
 */

import { Command } from 'commander';
import { connectClient } from '../src/client/index.ts';
import { loadConfig } from '../src/config/load.ts';
import { createNames } from '../src/contract/subjects.ts';
import { connectNats } from '../src/nats/connect.ts';
import { createJetStreamApi } from '../src/nats/jetstream-api.ts';
import { createMux } from '../src/nats/mux.ts';
import { createReadModels } from '../src/nats/read-models.ts';
import { checkPlan, type Mismatch } from './replay/check.ts';
import { startLocal } from './replay/local.ts';
import { type Plan, readPlan } from './replay/plan.ts';
import { type RunResult, runPlan, sellingChannels } from './replay/run.ts';

interface Options {
  readonly nats?: string;
  readonly concurrency: string;
  readonly name: string;
  readonly json?: boolean;
}

const program = new Command('replay')
  .description('Replays a transactions file and compares every view with sums made from the file.')
  .argument('<file>', 'CSV (or .csv.gz): InvoiceNo,StockCode,Description,Quantity,…')
  .option('--nats <url>', 'a deployment that runs; without it, one is started for this replay')
  .option('--concurrency <n>', 'steps under way at a time', '256')
  .option(
    '--name <name>',
    'names this replay in its ids: repeated with the same name, it does nothing twice',
    'replay',
  )
  .option('--json', 'the result as JSON')
  .action(replay);

await program.parseAsync();

async function replay(file: string, options: Options): Promise<void> {
  const plan = await readPlan(file);
  const loaded = loadConfig(process.env, process.cwd());
  if (loaded.problems) throw new Error(`${loaded.path}: ${loaded.problems.join('; ')}`);
  const { config } = loaded;
  const local = options.nats === undefined ? await startLocal(config) : undefined;
  try {
    await drive(plan, options.nats ?? (local?.url as string), config.prefix, options);
  } finally {
    await local?.stop();
  }
}

async function drive(plan: Plan, servers: string, prefix: string, options: Options): Promise<void> {
  const connectAs = (channel: string) =>
    connectClient({ servers, channel, prefix, deadlineMs: 60_000 });
  const selling = await Promise.all(sellingChannels.map(connectAs));
  const warehouse = await connectAs('wms');
  const connection = await connectNats({ url: servers, name: 'replay-check' });
  const mux = createMux(connection);
  try {
    const run = await runPlan(
      plan,
      { selling, warehouse },
      {
        concurrency: Number(options.concurrency),
        name: options.name,
        onProgress: progressBar(),
      },
    );
    const models = createReadModels(createJetStreamApi(mux), createNames(prefix));
    const mismatches = await checkPlan(plan, models, sellingChannels, 30_000);
    report(plan, run, mismatches, options.json === true);
    process.exitCode = mismatches.length === 0 && run.refused.size === 0 ? 0 : 1;
  } finally {
    mux.close();
    await connection.close();
    await Promise.all([...selling, warehouse].map((client) => client.close()));
  }
}

/** A line that is written over, on a terminal; elsewhere a line per tenth. */
function progressBar(): (done: number, of: number) => void {
  let shown = -1;
  return (done, of) => {
    const steps = process.stderr.isTTY ? 100 : 10;
    const now = Math.floor((done / of) * steps);
    if (now === shown) return;
    shown = now;
    const percent = Math.floor((done / of) * 100);
    const bar = '#'.repeat(Math.floor(percent / 4)).padEnd(25, '.');
    process.stderr.write(process.stderr.isTTY ? `\r[${bar}] ${percent} %` : `${percent} %\n`);
    if (done === of && process.stderr.isTTY) process.stderr.write('\n');
  };
}

function report(
  plan: Plan,
  run: RunResult,
  mismatches: readonly Mismatch[],
  asJson: boolean,
): void {
  const sorted = [...run.latencies].sort((a, b) => a - b);
  const percentile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const result = {
    ...plan.totals,
    codes: plan.expected.size,
    steps: plan.steps.length,
    seconds: Number(run.seconds.toFixed(1)),
    linesPerSecond: Math.round(plan.totals.lines / run.seconds),
    stepMs: {
      p50: Number(percentile(0.5).toFixed(1)),
      p99: Number(percentile(0.99).toFixed(1)),
      max: Number(percentile(1).toFixed(1)),
    },
    refused: Object.fromEntries(run.refused),
    mismatches: mismatches.length,
  };
  if (asJson) {
    console.log(JSON.stringify(result));
    return;
  }
  for (const [name, value] of Object.entries(result)) {
    console.log(`${name.padEnd(16)} ${typeof value === 'object' ? JSON.stringify(value) : value}`);
  }
  for (const { sku, where, expected, found } of mismatches.slice(0, 20)) {
    console.log(`MISMATCH ${sku} (${where}): expected ${expected}, found ${found ?? 'nothing'}`);
  }
}
