// 100,000 SKUs, drawn uniformly or by Zipf: reserve, then confirm or release.

import { contest, postgresContender, redisContender } from '../harness/contest.ts';
import { oneView, startDeployment } from '../harness/deployment.ts';
import { stockRange } from '../harness/prepare.ts';
import type { Receipts } from '../harness/receipts.ts';
import { type Round, runRound } from '../harness/rounds.ts';
import type { Context, Scenario, ScenarioResult } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';
import { costs } from './hot.ts';

const callers = 4_000;
const skus = { prefix: 'S-', count: 100_000 };
const stock = 1_000_000;

export const spread: Scenario = {
  name: 'spread',
  title: '100,000 SKUs, uniform; reserve, then confirm or release',
  goal: '≥ 45 k commands/s, ≥ 8 × PostgreSQL; then 60 k/s',
  run: (context) => runShop(context, undefined),
};

export const zipf: Scenario = {
  name: 'zipf',
  title: '100,000 SKUs, Zipf 1.1; reserve, then confirm or release',
  goal: 'between hot and spread',
  run: (context) => runShop(context, 1.1),
};

async function runShop(context: Context, exponent: number | undefined): Promise<ScenarioResult> {
  const { seconds, peers } = context;
  // As many residents as the working set: fewer cost an activation per command.
  const config = { channels: oneView, limits: { residentsMax: 120_000 } };
  const deployment = await startDeployment({ config });
  await stockRange(deployment.url, skus, stock);
  await deployment.caughtUp();
  const faults: string[] = [];
  const receipts: Receipts[] = [];
  const rounds: Round[] = [];
  const load = async (forSeconds: number) => {
    const workload = {
      kind: 'shop',
      skus,
      ...(exponent === undefined ? {} : { zipf: exponent }),
    } as const;
    const options = { channel: 'web', clients: 1, callers, seconds: forSeconds, workload };
    const round = await runRound(deployment, options);
    receipts.push(round.receipts);
    return round;
  };
  await load(1.5);
  const peer = { skus: skus.count, stock, seconds };
  const lines = await contest(
    context,
    [
      {
        what: 'lastunit, 4,000 callers over 1 connection',
        async round() {
          const round = await load(seconds);
          rounds.push(round);
          return round.perSecond;
        },
        note: () => costs(rounds),
      },
      ...(exponent === undefined
        ? [
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
          ]
        : []),
    ],
    'commands/s',
  );
  const verdict = await verdictOn(deployment, receipts);
  const nodes = await deployment.stop();
  return {
    lines,
    conditions:
      'one node, one nats-server (sync_interval: always); inv_stock, one channel view and INV_EVENTS on, conflated over ' +
      '50 ms; throughput counted until they had caught up; the peers only reserve',
    faults: [...faults, ...verdict.faults],
    details: { rounds: rounds.map(({ receipts: _, ...rest }) => rest), verdict, nodes },
  };
}
