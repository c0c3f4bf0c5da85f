// One round of a closed-loop load on lastunit, from the first command until views and history have caught up.

import type { LoadParams, LoadResult } from '../roles/load.ts';
import type { Deployment } from './deployment.ts';
import { cpuSecondsOf } from './process-usage.ts';
import type { Receipts } from './receipts.ts';
import { startWorker } from './worker.ts';

export interface Round {
  /** Accepted commands per second, until everything derived had caught up. */
  readonly perSecond: number;
  readonly accepted: number;
  /** From the last reply until views and history were complete. */
  readonly catchUpMs: number;
  /** Processor time per accepted command, in microseconds. */
  readonly cpuUs: { readonly client: number; readonly nodes: number; readonly servers: number };
  readonly codes: Readonly<Record<string, number>>;
  readonly receipts: Receipts;
}

let loads = 0;

export async function runRound(
  deployment: Deployment,
  params: Omit<LoadParams, 'name' | 'url'>,
  /** Options of Node for the load's process. */
  execArgv: string[] = [],
): Promise<Round> {
  const name = `load${++loads}`;
  const load = startWorker('load', { ...params, name, url: deployment.url }, execArgv);
  await load.ready;
  const usage = () => ({
    nodes: sum(deployment.nodes.map(({ pid }) => cpuSecondsOf(pid))),
    servers: sum(deployment.serverPids.map(cpuSecondsOf)),
  });
  const before = usage();
  load.tell('go');
  const result = (await load.result) as LoadResult;
  const { accepted, startedAtMs, endedAtMs, codes, receipts } = result;
  const doneAtMs = Math.max(endedAtMs, await deployment.caughtUp());
  const after = usage();
  const us = (seconds: number) => (seconds * 1e6) / accepted;
  return {
    perSecond: (accepted * 1_000) / (doneAtMs - startedAtMs),
    accepted,
    catchUpMs: doneAtMs - endedAtMs,
    cpuUs: {
      client: us(result.cpuSeconds),
      nodes: us(after.nodes - before.nodes),
      servers: us(after.servers - before.servers),
    },
    codes,
    receipts,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
