// 100,000 SKUs, drawn uniformly and by Zipf: reserve, then confirm or release.

import { contest, postgresContender, redisContender } from '../harness/contest.ts';
import { oneView, startDeployment } from '../harness/deployment.ts';
import { stockRange } from '../harness/prepare.ts';
import type { Receipts } from '../harness/receipts.ts';
import { type Round, runRound } from '../harness/rounds.ts';
import type { Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';
import { costs } from './hot.ts';

const callers = 4_000;
const skus = { prefix: 'S-', count: 100_000 };
const stock = 1_000_000;
const exponent = 1.1;

export const spread: Scenario = {
  name: 'spread',
  aliases: ['zipf'],
  title: '100,000 SKUs, uniform and Zipf 1.1; reserve, then confirm or release',
  goal: 'uniform ≥ 45 k commands/s, ≥ 8 × PostgreSQL; then 60 k/s',
  async run(context) {
    const { seconds, peers } = context;
    // As many residents as the working set: fewer cost an activation per command.
    const config = { channels: oneView, limits: { residentsMax: 120_000 } };
    const deployment = await startDeployment({ config });
    await stockRange(deployment.url, skus, stock);
    await deployment.caughtUp();
    const faults: string[] = [];
    const receipts: Receipts[] = [];
    const load = async (zipf: number | undefined, forSeconds: number) => {
      const workload = { kind: 'shop', skus, ...(zipf === undefined ? {} : { zipf }) } as const;
      const options = { channel: 'web', clients: 1, callers, seconds: forSeconds, workload };
      const round = await runRound(deployment, options);
      receipts.push(round.receipts);
      return round;
    };
    const ours = (what: string, zipf: number | undefined) => {
      const rounds: Round[] = [];
      const round = async () => {
        rounds.push(await load(zipf, seconds));
        return rounds.at(-1)!.perSecond;
      };
      return { contender: { what, round, note: () => costs(rounds) }, rounds };
    };
    await load(undefined, 1.5);
    const uniform = ours('lastunit, 4,000 callers over 1 connection', undefined);
    const zipf = ours('lastunit, the same, Zipf 1.1', exponent);
    const peer = { skus: skus.count, stock, seconds };
    const lines = await contest(
      context,
      [
        uniform.contender,
        ...postgresContender(
          peers.postgres,
          'conditional UPDATE, 64 connections',
          { ...peer, shape: 'row', connections: 64 },
          faults,
        ),
        ...redisContender(
          peers.redis,
          'Lua, 4,000 callers over 4 connections',
          { ...peer, connections: 4, callers },
          faults,
        ),
        zipf.contender,
      ],
      'commands/s',
    );
    const verdict = await verdictOn(deployment, receipts, context.auditOptions);
    const nodes = await deployment.stop();
    const withoutReceipts = ({ receipts: _, ...rest }: Round) => rest;
    return {
      lines,
      conditions:
        'one node, one nats-server (sync_interval: always); inv_stock, one channel view and INV_EVENTS on, conflated over ' +
        '50 ms; throughput counted until they had caught up; the peers draw uniformly and only reserve',
      faults: [...faults, ...verdict.faults],
      details: {
        rounds: uniform.rounds.map(withoutReceipts),
        zipfRounds: zipf.rounds.map(withoutReceipts),
        verdict,
        nodes,
      },
    };
  },
};
