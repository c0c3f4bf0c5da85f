// Latency at a steady rate, from when each command was due: coordinated omission cannot hide a standstill.

import { oneView, startDeployment } from '../harness/deployment.ts';
import { median } from '../harness/numbers.ts';
import { stockRange } from '../harness/prepare.ts';
import type { Receipts } from '../harness/receipts.ts';
import type { Line, Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';
import { startWorker } from '../harness/worker.ts';
import type { OpenLoopResult } from '../roles/open-loop.ts';

const rates = [1_000, 2_000, 5_000];
const skus = { prefix: 'S-', count: 1_000 };

export const latency: Scenario = {
  name: 'latency',
  title: 'Latency at steady rates, open loop, 1,000 SKUs',
  goal: 'at 2,000/s: p50 ≤ 2 ms, p99 ≤ 10 ms, p99.9 ≤ 50 ms; a reply means fsynced',
  async run(context) {
    const deployment = await startDeployment({ config: { channels: oneView } });
    await stockRange(deployment.url, skus, 1_000_000);
    const receipts: Receipts[] = [];
    const results = new Map<number, OpenLoopResult[]>(rates.map((rate) => [rate, []]));
    for (let round = 0; round < context.rounds; round++) {
      for (const perSecond of rates) {
        const name = `open${round}-${perSecond}`;
        const fixed = {
          channel: 'web',
          verb: 'reserve',
          skus,
          warmUpSeconds: 1,
          seconds: context.seconds,
        };
        const load = startWorker('open-loop', { ...fixed, name, url: deployment.url, perSecond });
        await load.ready;
        load.tell('go');
        const result = (await load.result) as OpenLoopResult;
        receipts.push(result.receipts);
        results.get(perSecond)!.push(result);
        const { p50, p99, p999 } = result.latencyMs;
        context.log(
          `  ${perSecond}/s: p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, p99.9 ${p999.toFixed(2)} ms`,
        );
      }
    }
    const lines = rates.flatMap((rate) => linesOf(rate, results.get(rate)!));
    const verdict = await verdictOn(deployment, receipts);
    const nodes = await deployment.stop();
    return {
      lines,
      conditions:
        'one node, one client process; reserve, qty 1; counted from when the command was due, after 1 s of warm-up',
      faults: verdict.faults,
      details: {
        results: [...results].map(([rate, of]) => ({
          rate,
          latencyMs: of.map((r) => r.latencyMs),
        })),
        verdict,
        nodes,
      },
    };
  },
};

function linesOf(rate: number, results: readonly OpenLoopResult[]): Line[] {
  return (['p50', 'p99', 'p999'] as const).map((which) => {
    const rounds = results.map(({ latencyMs }) => latencyMs[which]);
    const name = which === 'p999' ? 'p99.9' : which;
    return { what: `${rate}/s, ${name}`, value: median(rounds), unit: 'ms', rounds };
  });
}
