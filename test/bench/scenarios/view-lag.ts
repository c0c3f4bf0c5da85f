// From a durable change to a subscriber of the channel's view, at 5,000 changes a second.

import { oneView, startDeployment } from '../harness/deployment.ts';
import { median } from '../harness/numbers.ts';
import { stockRange } from '../harness/prepare.ts';
import type { Receipts } from '../harness/receipts.ts';
import type { Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';
import { startWorker } from '../harness/worker.ts';
import type { ViewWatchResult } from '../roles/view-watch.ts';

const perSecond = 5_000;
const skus = { prefix: 'S-', count: 10_000 };

export const viewLag: Scenario = {
  name: 'view-lag',
  title: 'Commit to subscriber of the view, 5,000 changes/s over 10,000 SKUs',
  goal: 'p99 ≤ 100 ms',
  async run(context) {
    const deployment = await startDeployment({ config: { channels: oneView } });
    await stockRange(deployment.url, skus, 1_000_000);
    await deployment.caughtUp();
    const receipts: Receipts[] = [];
    const results: ViewWatchResult[] = [];
    const faults: string[] = [];
    for (let round = 0; round < context.rounds; round++) {
      const params = {
        name: `watch${round}`,
        url: deployment.url,
        perSecond,
        seconds: context.seconds,
        skus,
      };
      const watch = startWorker('view-watch', params);
      await watch.ready;
      watch.tell('go');
      const result = (await watch.result) as ViewWatchResult;
      results.push(result);
      receipts.push(result.receipts);
      if (result.missing > 0) faults.push(`${result.missing} changes never reached the view`);
      context.log(`  p50 ${result.lagMs.p50.toFixed(1)}, p99 ${result.lagMs.p99.toFixed(1)} ms`);
    }
    const verdict = await verdictOn(deployment, receipts);
    await deployment.stop();
    return {
      lines: (['p50', 'p99', 'most'] as const).map((which) => {
        const rounds = results.map(({ lagMs }) => lagMs[which]);
        return { what: `lag, ${which}`, value: median(rounds), unit: 'ms', rounds };
      }),
      conditions:
        'sell, qty 1; from the reply (commit durable) to the republished row, viewFlushMs 50',
      faults: [...faults, ...verdict.faults],
      details: {
        results: results.map(({ lagMs, rows, missing }) => ({ lagMs, rows, missing })),
        verdict,
      },
    };
  },
};
