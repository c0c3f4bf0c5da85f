// `npm run profile -- <hot|spread|zipf|plain|carts|new-skus> [--seconds 5] [--of client]`: a CPU profile of a node, or of the client,
// under that load; or of a node alone (`still-hot`, `still-spread`: ports that cost nothing). Prints the functions that took the most time and
// says where the profile lies; Chrome's developer tools open it.

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { oneView, startDeployment } from './harness/deployment.ts';
import { stockOne, stockRange } from './harness/prepare.ts';
import { cpuSecondsOf, memoryOf } from './harness/process-usage.ts';
import { runRound } from './harness/rounds.ts';
import { type CpuProfile, hottest } from './harness/self-time.ts';
import { startWorker } from './harness/worker.ts';
import type { LoadParams } from './roles/load.ts';
import type { StillResult } from './roles/still-node.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    /** More options of Node for the node's process, as `--max-semi-space-size=64`. */
    node: { type: 'string', default: '' },
    /** Whose process: `node` or `client`. */
    of: { type: 'string', default: 'node' },
    functions: { type: 'string', default: '40' },
  },
});

const skus = { prefix: 'S-', count: 100_000 };
const closedLoop = { channel: 'web', clients: 1, callers: 4_000 };
const loads: Readonly<Record<string, Omit<LoadParams, 'name' | 'url' | 'seconds'>>> = {
  hot: { ...closedLoop, workload: { kind: 'hot', sku: 'HOT' } },
  spread: { ...closedLoop, workload: { kind: 'shop', skus } },
  zipf: { ...closedLoop, workload: { kind: 'shop', skus, zipf: 1.1 } },
  carts: { ...closedLoop, callers: 500, workload: { kind: 'carts', skus, lines: 3 } },
  plain: {
    channel: 'web',
    clients: 64,
    callers: 64,
    workload: { kind: 'hot', sku: 'HOT' },
    client: { coalesce: false },
  },
};

const [scenario = ''] = positionals;
const load = loads[scenario];
const isStill = scenario === 'still-hot' || scenario === 'still-spread';
if (load === undefined && !isStill && scenario !== 'new-skus') {
  const known = [...Object.keys(loads), 'new-skus', 'still-hot', 'still-spread'].join('|');
  console.error(`npm run profile -- <${known}> [--seconds 5] [--of node|client] [--node "…"]`);
  process.exit(2);
}

const folder = join('bench-results', `profile-${scenario}-${Date.now()}`);
mkdirSync(folder, { recursive: true });
const execArgv = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=250'];
if (values.node !== '') execArgv.push(...values.node.split(' '));
if (scenario === 'new-skus') await profileNewSkus();
else if (load === undefined) await profileStill();
else await profileLoaded(load);
report();

async function profileLoaded(params: Omit<LoadParams, 'name' | 'url' | 'seconds'>): Promise<void> {
  const config = { channels: oneView, limits: { residentsMax: 120_000 } };
  const isNode = values.of !== 'client';
  const deployment = await startDeployment({ config, execArgv: isNode ? execArgv : [] });
  await stockOne(deployment.url, 'HOT', 1_000_000_000);
  if (params.workload.kind !== 'hot') await stockRange(deployment.url, skus, 1_000_000);
  const round = await runRound(
    deployment,
    { ...params, seconds: Number(values.seconds) },
    isNode ? [] : execArgv,
  );
  const { nodes, client, servers } = round.cpuUs;
  console.log(
    `${Math.round(round.perSecond)} commands/s; CPU µs/command: node ${nodes.toFixed(1)}, ` +
      `client ${client.toFixed(1)}, nats-server ${servers.toFixed(1)}`,
  );
  await deployment.stop();
}

/** A catalogue comes in: every command makes a SKU, more of them than may be resident. */
async function profileNewSkus(): Promise<void> {
  const deployment = await startDeployment({ execArgv });
  const { pid } = deployment.nodes[0]!;
  const [before, startedAt] = [cpuSecondsOf(pid), performance.now()];
  await stockRange(deployment.url, skus, 10);
  const answeredS = (performance.now() - startedAt) / 1_000;
  await deployment.caughtUp();
  const caughtUpS = (performance.now() - startedAt) / 1_000;
  const cpuUs = (1_000_000 * (cpuSecondsOf(pid) - before)) / skus.count;
  console.log(
    `${skus.count} received in ${answeredS.toFixed(1)} s, caught up after ${caughtUpS.toFixed(1)} s; ` +
      `CPU µs/command: node ${cpuUs.toFixed(1)}; ${memoryOf(pid).most} MB at most`,
  );
  await deployment.stop();
}

async function profileStill(): Promise<void> {
  const isHot = scenario === 'still-hot';
  const shape = isHot ? { frame: 500, framesInFlight: 4 } : { frame: 125, framesInFlight: 32 };
  const kind = isHot ? 'hot' : 'spread';
  const fixed = { kind, commands: 100_000, repetitions: 8, skus: skus.count };
  const worker = startWorker('still-node', { ...fixed, ...shape }, execArgv);
  await worker.ready;
  worker.tell('go');
  const { cpuUs } = (await worker.result) as StillResult;
  console.log(`CPU µs/command: ${cpuUs.map((us) => us.toFixed(1)).join(', ')}`);
  await worker.exited;
}

function report(): void {
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error(`no profile in ${folder}`);
  const path = join(folder, file);
  const profile = JSON.parse(readFileSync(path, 'utf8')) as CpuProfile;
  for (const { share, ms, where } of hottest(profile, Number(values.functions))) {
    console.log(
      `${`${(100 * share).toFixed(1)} %`.padStart(7)} ${ms.toFixed(0).padStart(7)} ms  ${where}`,
    );
  }
  console.log(path);
}
