// Latency at a steady rate, from when each command was due: coordinated omission cannot hide a standstill.

import { oneView, startDeployment } from '../harness/deployment.ts';
import { median, type Percentiles } from '../harness/numbers.ts';
import { stockRange } from '../harness/prepare.ts';
import type { Line, Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';
import { startWorker } from '../harness/worker.ts';
import type { OpenLoopResult } from '../roles/open-loop.ts';

const rates = [1_000, 2_000, 5_000];
/** A node that has just started runs code that has not been optimised yet. */
const warmUp = { perSecond: 2_000, seconds: 5 };
const skus = { prefix: 'S-', count: 1_000 };

export const latency: Scenario = {
  name: 'latency',
  title: 'Latency at steady rates, open loop, 1,000 SKUs',
  goal: 'at 2,000/s: p50 ≤ 2 ms, p99 ≤ 10 ms, p99.9 ≤ 50 ms; a reply means fsynced',
  async run(context) {
    const deployment = await startDeployment({ config: { channels: oneView } });
    await stockRange(deployment.url, skus, 1_000_000);
    const { rounds, seconds } = context;
    // One client for everything: a process that has just started would be measured warming up.
    const load = startWorker('open-loop', {
      ...{ name: 'open', url: deployment.url, channel: 'web', verb: 'reserve', skus },
      windows: [
        { perSecond: warmUp.perSecond, seconds: warmUp.seconds },
        ...Array.from({ length: rounds }, () => rates).flatMap((round) =>
          round.map((perSecond) => ({ perSecond, seconds, warmUpSeconds: 0.5 })),
        ),
      ],
    });
    await load.ready;
    load.tell('go');
    const { latencyMs, receipts } = (await load.result) as OpenLoopResult;
    const [, ...measured] = latencyMs;
    const results = new Map(
      rates.map((rate, position) => [
        rate,
        measured.filter((_, index) => index % rates.length === position),
      ]),
    );
    const lines = rates.flatMap((rate) => linesOf(rate, results.get(rate)!));
    const verdict = await verdictOn(deployment, [receipts]);
    const nodes = await deployment.stop();
    return {
      lines,
      conditions:
        `one node, one client process; reserve, qty 1; counted from when the command was due, after ${warmUp.seconds} s at ` +
        `${warmUp.perSecond}/s and half a second at each rate`,
      faults: verdict.faults,
      details: {
        results: [...results].map(([rate, of]) => ({ rate, latencyMs: of })),
        verdict,
        nodes,
      },
    };
  },
};

function linesOf(rate: number, results: readonly Percentiles[]): Line[] {
  return (['p50', 'p99', 'p999'] as const).map((which) => {
    const rounds = results.map((result) => result[which]);
    const name = which === 'p999' ? 'p99.9' : which;
    return { what: `${rate}/s, ${name}`, value: median(rounds), unit: 'ms', rounds };
  });
}
