// One run of chaos: servers, nodes and clients as processes, faults from a seed, and afterwards everything that must be
// true whatever happened.

import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import { createReadModels } from '../../src/nats/read-models.ts';
import { Random } from '../sim/engine/random.ts';
import { openCaller } from '../support/calls.ts';
import { openPorts, until, untilItWorks } from '../support/deployment.ts';
import { eventsIn, readJournal } from '../support/journal-log.ts';
import { startCluster, startNats, type TestNats } from '../support/nats.ts';
import { compileNodes } from '../support/node-process.ts';
import { checkRun, type Findings } from './checks.ts';
import { startClients } from './clients.ts';
import { startFaults } from './faults.ts';
import type { Attempt } from './history.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** How long faults and new wishes go on. */
  readonly seconds: number;
  readonly nodes: number;
  readonly servers: 1 | 3;
  readonly log?: (line: string) => void;
}

export interface ChaosResult extends Findings {
  readonly faults: Readonly<Record<string, number>>;
  readonly attempts: readonly Attempt[];
  /** Longest time in which a SKU had callers and none of them got a definite answer. */
  readonly longestSilenceMs: number;
}

const partitions = 8;
/** Holds that live longer do not end within a run. */
const longTtlMs = 600_000;
const skus = ['HOT', 'BANK CHARGES', 'a.1/x', 'Ü-4'];
const config = { partitions, limits: { snapshotEveryMs: 1_000 } };

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, nodes: nodeCount } = options;
  const startedMs = Date.now();
  const log = (line: string) =>
    options.log?.(`${String(Date.now() - startedMs).padStart(6)} ${line}`);
  const random = new Random(seed);
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const servers = await startServers(options.servers, undo);
    const urls = servers.map(({ url }) => url);
    const processes = compileNodes();
    undo.push(() => processes.close());
    const startNode = (place: number) =>
      processes.start({ url: urls.join(','), name: `n${place}`, config });
    const nodes = Array.from({ length: nodeCount }, (_, place) => startNode(place));
    await Promise.all(nodes.map(({ ready }) => ready));
    const caller = await openCaller(urls);
    undo.push(() => caller.close());
    const clients = await startClients(
      Array.from({ length: 4 }, (_, index) => ({
        name: `c${index}`,
        servers: urls,
        seed: random.between(1, 1e9),
        skus,
        workers: 3,
        pauseMs: 60,
        kind: index === 0 ? ('library' as const) : ('plain' as const),
      })),
    );
    undo.push(() => clients.close());
    log(`seed ${seed}: ${nodeCount} nodes, ${servers.length} servers`);
    const faults = startFaults(random, { servers, nodes, startNode }, log);
    await sleep(options.seconds * 1_000);
    await faults.heal();
    await clients.finish();
    log(`${clients.attempts.length} attempts`);
    const nats = await untilItWorks(() => openPorts(urls.join(','), 'inv', { partitions }));
    undo.push(() => nats.close());
    await shortHoldsHaveEnded(nats);
    const findings = await checkRun({
      attempts: clients.attempts,
      nats,
      read: createReadModels(nats.api, nats.names),
      ask: (sku) => caller.insist('inv.cmd.web.get', { sku }),
    });
    return {
      ...findings,
      faults: Object.fromEntries(faults.counts),
      attempts: clients.attempts,
      longestSilenceMs: longestSilence(clients.attempts),
    };
  } finally {
    for (const step of undo.reverse()) await step().catch(() => {});
  }
}

async function startServers(
  count: 1 | 3,
  undo: (() => Promise<unknown>)[],
): Promise<readonly TestNats[]> {
  if (count === 3) {
    const cluster = await startCluster();
    undo.push(() => cluster.stop());
    return cluster.servers;
  }
  const server = await startNats();
  undo.push(() => server.stop());
  return [server];
}

/** The journal has to stand still before it is compared with anything: time must not end holds meanwhile. */
async function shortHoldsHaveEnded(nats: NatsPorts): Promise<void> {
  await until(async () => {
    const open = new Set<string>();
    for (const { sku, event } of eventsIn(await readJournal(nats))) {
      if (event.type === 'reservation.created') {
        if (event.expiresAtMs - event.atMs < longTtlMs) open.add(`${sku} ${event.command}`);
      } else if ('reservation' in event) open.delete(`${sku} ${event.reservation}`);
    }
    return open.size === 0;
  }, 'the short holds end');
}

function longestSilence(attempts: readonly Attempt[]): number {
  let longest = 0;
  for (const sku of skus) {
    const answers = attempts
      .filter((attempt) => attempt.sku === sku && attempt.heard && !isPassing(attempt))
      .map(({ answeredMs = 0 }) => answeredMs)
      .sort((a, b) => a - b);
    for (let at = 1; at < answers.length; at++) {
      longest = Math.max(longest, (answers[at] as number) - (answers[at - 1] as number));
    }
  }
  return longest;
}

function isPassing({ heard }: Attempt): boolean {
  const code = heard?.error?.code;
  return code === 'unavailable' || code === 'overloaded';
}
