// Carts of three SKUs out of 10,000: each is decided once at its home, across partitions.

import { contest } from '../harness/contest.ts';
import { oneView, startDeployment } from '../harness/deployment.ts';
import { stockRange } from '../harness/prepare.ts';
import type { Receipts } from '../harness/receipts.ts';
import { type Round, runRound } from '../harness/rounds.ts';
import type { Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';
import { costs } from './hot.ts';

const skus = { prefix: 'S-', count: 10_000 };

export const carts: Scenario = {
  name: 'carts',
  title: 'Carts of 3 SKUs across partitions; reserve, then confirm or release',
  goal: 'none stated',
  async run(context) {
    const deployment = await startDeployment({ config: { channels: oneView } });
    await stockRange(deployment.url, skus, 1_000_000);
    const receipts: Receipts[] = [];
    const rounds: Round[] = [];
    const load = async (seconds: number) => {
      const workload = { kind: 'carts', skus, lines: 3 } as const;
      const options = { channel: 'web', clients: 1, callers: 500, seconds, workload };
      const round = await runRound(deployment, options);
      receipts.push(round.receipts);
      return round;
    };
    await load(1);
    const lines = await contest(
      context,
      [
        {
          what: 'lastunit, 500 callers',
          async round() {
            const round = await load(context.seconds);
            rounds.push(round);
            return round.perSecond;
          },
          note: () => costs(rounds),
        },
      ],
      'cart commands/s',
    );
    // A cart's commands appear in each of its SKUs: only the loss of one, not a second one, can be seen here.
    const verdict = await verdictOn(deployment, []);
    const nodes = await deployment.stop();
    return {
      lines,
      conditions: 'one node; 500 callers; a command is a whole cart',
      faults: verdict.faults,
      details: { rounds: rounds.map(({ receipts: _, ...rest }) => rest), verdict, nodes },
    };
  },
};
