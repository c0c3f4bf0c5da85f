// Far more than a node can take: what it refuses it refuses at once, and what it takes does not become less.

import { startDeployment } from '../harness/deployment.ts';
import { median } from '../harness/numbers.ts';
import { stockOne } from '../harness/prepare.ts';
import type { Receipts } from '../harness/receipts.ts';
import { runRound } from '../harness/rounds.ts';
import type { Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';

const plenty = 1_000_000_000;

export const overload: Scenario = {
  name: 'overload',
  title: 'One hot SKU, beyond saturation',
  goal: 'throughput ≥ 80 % of the peak with twice as much wanted',
  async run(context) {
    const deployment = await startDeployment();
    const receipts: Receipts[] = [];
    const load = async (name: string, callers: number, seconds: number) => {
      await stockOne(deployment.url, name, plenty);
      const round = await runRound(deployment, {
        channel: 'web',
        clients: 2,
        callers,
        seconds,
        workload: { kind: 'hot', sku: name },
        // No client of ours would have so many frames on their way.
        client: { framesPerPartitionMax: 64, frameCommandsMax: 1_000 },
      });
      receipts.push(round.receipts);
      return round.perSecond;
    };
    await load('WARM', 4_000, 1.5);
    const normal: number[] = [];
    const twice: number[] = [];
    const beyond: number[] = [];
    const rounds = context.isEverything ? 1 : context.rounds;
    for (let round = 0; round < rounds; round++) {
      normal.push(await load(`N-${round}`, 4_000, context.seconds));
      twice.push(await load(`T-${round}`, 8_000, context.seconds));
      beyond.push(await load(`B-${round}`, 40_000, context.seconds));
      const rates = [normal, twice, beyond].map((rounds) => Math.round(rounds.at(-1)!));
      context.log(`  ${rates.join(', ')} reservations/s`);
    }
    const verdict = await verdictOn(deployment, receipts);
    const nodes = await deployment.stop();
    const unit = 'reservations/s';
    const kept = (rounds: readonly number[]) => (100 * median(rounds)) / median(normal);
    return {
      lines: [
        { what: '4,000 commands under way', value: median(normal), unit, rounds: normal },
        { what: '8,000 commands under way', value: median(twice), unit, rounds: twice },
        { what: '40,000 commands under way', value: median(beyond), unit, rounds: beyond },
        { what: 'of the throughput kept with twice as many', value: kept(twice), unit: '%' },
        { what: 'of the throughput kept with ten times as many', value: kept(beyond), unit: '%' },
      ],
      conditions:
        'mailbox 20,000, of which one channel gets 15,000: what is more is refused `overloaded`, and the client waits',
      faults: verdict.faults,
      details: { verdict, nodes },
    };
  },
};
