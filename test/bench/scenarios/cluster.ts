// Three servers, every stream with three replicas, one node: what replication costs.

import { oneView, startDeployment } from '../harness/deployment.ts';
import { median } from '../harness/numbers.ts';
import { stockOne, stockRange } from '../harness/prepare.ts';
import type { Receipts } from '../harness/receipts.ts';
import { type Round, runRound } from '../harness/rounds.ts';
import type { Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';
import { costs } from './hot.ts';

const skus = { prefix: 'S-', count: 10_000 };

export const cluster: Scenario = {
  name: 'cluster',
  title: 'Three servers on one disk, three replicas',
  goal: 'none stated',
  async run(context) {
    const deployment = await startDeployment({ servers: 3, config: { channels: oneView } });
    const receipts: Receipts[] = [];
    const load = async (workload: Parameters<typeof runRound>[1]['workload'], seconds: number) => {
      const round = await runRound(deployment, {
        channel: 'web',
        clients: 1,
        callers: 4_000,
        seconds,
        workload,
      });
      receipts.push(round.receipts);
      return round;
    };
    await stockRange(deployment.url, skus, 1_000_000);
    await stockOne(deployment.url, 'HOT', 1_000_000_000);
    const hotRounds: Round[] = [];
    const shopRounds: Round[] = [];
    const rounds = context.isEverything ? 1 : context.rounds;
    for (let round = 0; round < rounds; round++) {
      hotRounds.push(await load({ kind: 'hot', sku: 'HOT' }, context.seconds));
      shopRounds.push(await load({ kind: 'shop', skus }, context.seconds));
      const [hot, shop] = [hotRounds.at(-1)!, shopRounds.at(-1)!];
      context.log(
        `  hot ${Math.round(hot.perSecond)}, spread ${Math.round(shop.perSecond)} commands/s`,
      );
    }
    const verdict = await verdictOn(deployment, receipts);
    await deployment.stop();
    const line = (what: string, rounds: readonly Round[]) => {
      const values = rounds.map(({ perSecond }) => perSecond);
      return {
        what,
        value: median(values),
        unit: 'commands/s',
        rounds: values,
        note: costs(rounds),
      };
    };
    return {
      lines: [line('one hot SKU', hotRounds), line('10,000 SKUs, reserve then end', shopRounds)],
      conditions: 'sync_interval: always on all three; views in memory; 4,000 callers',
      faults: verdict.faults,
      details: { verdict },
    };
  },
};
