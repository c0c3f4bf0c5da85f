// 64 clients that know nothing of frames: one connection, one command, one reply at a time.

import { contest, postgresContender, redisContender } from '../harness/contest.ts';
import { startDeployment } from '../harness/deployment.ts';
import { stockOne } from '../harness/prepare.ts';
import type { Receipts } from '../harness/receipts.ts';
import { type Round, runRound } from '../harness/rounds.ts';
import type { Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';
import { costs } from './hot.ts';

const clients = 64;
const plenty = 1_000_000_000;

export const plain: Scenario = {
  name: 'plain',
  title: '64 plain clients, one command per request, one hot SKU',
  goal: '≥ 10 × PostgreSQL, ≥ Redis with the same kind of client',
  async run(context) {
    const { peers, seconds } = context;
    const deployment = await startDeployment();
    const faults: string[] = [];
    const receipts: Receipts[] = [];
    const rounds: Round[] = [];
    const load = async (sku: string, forSeconds: number) => {
      await stockOne(deployment.url, sku, plenty);
      const round = await runRound(deployment, {
        channel: 'web',
        clients,
        callers: clients,
        seconds: forSeconds,
        workload: { kind: 'hot', sku },
        client: { coalesce: false },
      });
      receipts.push(round.receipts);
      return round;
    };
    await load('WARM', 1.5);
    const peer = { skus: 1, stock: plenty, seconds, connections: clients };
    const lines = await contest(
      context,
      [
        {
          what: 'lastunit, 64 connections',
          async round(index) {
            const round = await load(`PLAIN-${index}`, seconds);
            rounds.push(round);
            return round.perSecond;
          },
          note: () => costs(rounds),
        },
        ...postgresContender(peers.postgres, '64 connections', { ...peer, shape: 'row' }, faults),
        ...redisContender(
          peers.redis,
          'Lua, 64 connections',
          { ...peer, callers: clients },
          faults,
        ),
      ],
      'reservations/s',
    );
    const verdict = await verdictOn(deployment, receipts);
    const nodes = await deployment.stop();
    return {
      lines,
      conditions:
        'as `hot`, but every command is a request on inv.cmd and has a connection to itself',
      faults: [...faults, ...verdict.faults],
      details: { rounds: rounds.map(({ receipts: _, ...rest }) => rest), verdict, nodes },
    };
  },
};
