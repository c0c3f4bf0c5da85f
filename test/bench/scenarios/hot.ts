// Everybody wants the same SKU: 4,000 callers through the TypeScript client, beside the ways in which databases do it.

import { contest, postgresContender, redisContender } from '../harness/contest.ts';
import { startDeployment } from '../harness/deployment.ts';
import { stockOne } from '../harness/prepare.ts';
import type { Receipts } from '../harness/receipts.ts';
import { type Round, runRound } from '../harness/rounds.ts';
import type { Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';

const callers = 4_000;
const plenty = 1_000_000_000;
const lastUnits = 1_000;

export const hot: Scenario = {
  name: 'hot',
  title: 'One hot SKU, 4,000 concurrent buyers',
  goal: '≥ 150 k reservations/s, ≥ 100 × PostgreSQL, ≥ 2 × Redis',
  async run(context) {
    const { peers, seconds } = context;
    const deployment = await startDeployment();
    const faults: string[] = [];
    const receipts: Receipts[] = [];
    const rounds: Round[] = [];
    const load = async (sku: string, forSeconds: number) => {
      const workload = { kind: 'hot', sku } as const;
      const options = { channel: 'web', clients: 1, callers, seconds: forSeconds, workload };
      const round = await runRound(deployment, options);
      receipts.push(round.receipts);
      return round;
    };

    await stockOne(deployment.url, 'WARM', plenty);
    await load('WARM', 1.5);
    const peer = { skus: 1, stock: plenty, seconds };
    const lines = await contest(
      context,
      [
        {
          what: 'lastunit, 4,000 callers over 1 connection',
          async round(index) {
            const sku = `HOT-${index}`;
            await stockOne(deployment.url, sku, plenty);
            const round = await load(sku, seconds);
            rounds.push(round);
            return round.perSecond;
          },
          note: () => costs(rounds),
        },
        ...postgresContender(
          peers.postgres,
          'conditional UPDATE, 64 connections',
          {
            ...peer,
            shape: 'row',
            connections: 64,
          },
          faults,
        ),
        ...postgresContender(
          peers.postgres,
          'SKIP LOCKED unit rows, 64 connections',
          {
            shape: 'units',
            connections: 64,
            skus: 1,
            stock: 100_000,
            seconds,
          },
          faults,
        ),
        ...redisContender(
          peers.redis,
          'Lua, 4,000 callers over 4 connections',
          {
            ...peer,
            connections: 4,
            callers,
          },
          faults,
        ),
      ],
      'reservations/s',
    );

    await stockOne(deployment.url, 'LAST', lastUnits);
    const last = await load('LAST', 0.5);
    if (last.accepted !== lastUnits)
      faults.push(`${last.accepted} of ${lastUnits} last units sold`);
    const verdict = await verdictOn(deployment, receipts);
    const nodes = await deployment.stop();
    return {
      lines,
      conditions:
        'one node, one nats-server (sync_interval: always); four channel views, inv_stock and INV_EVENTS on; qty 1; ' +
        'throughput counted until views and history had caught up',
      faults: [...faults, ...verdict.faults],
      details: { rounds: rounds.map(({ receipts: _, ...rest }) => rest), verdict, nodes },
    };
  },
};

/** Where the processor time of a command went, and how far behind the views were. */
export function costs(rounds: readonly Round[]): string {
  const mean = (of: (round: Round) => number) =>
    rounds.reduce((sum, round) => sum + of(round), 0) / rounds.length;
  const us = (of: (round: Round) => number) => mean(of).toFixed(1);
  const most = Math.max(...rounds.map(({ catchUpMs }) => catchUpMs));
  return (
    `CPU µs/command: node ${us((r) => r.cpuUs.nodes)}, client ${us((r) => r.cpuUs.client)}, ` +
    `nats-server ${us((r) => r.cpuUs.servers)}; caught up after ${most} ms`
  );
}
