// 100,000 holds that end within one minute while 2,000 commands a second go on: how late each of them ends.

import { connectClient } from '../../../src/client/index.ts';
import { oneView, startDeployment } from '../harness/deployment.ts';
import { expiriesIn } from '../harness/expiries.ts';
import { percentiles } from '../harness/numbers.ts';
import { stockRange } from '../harness/prepare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';
import { startWorker } from '../harness/worker.ts';
import type { OpenLoopResult } from '../roles/open-loop.ts';

/** Alone, and where everything runs: as many per second, for a quarter of the time. */
const alone = { holds: 100_000, withinMs: 60_000 };
const among = { holds: 25_000, withinMs: 15_000 };
const skus = { prefix: 'S-', count: 10_000 };

export const expiry: Scenario = {
  name: 'expiry',
  title: '100,000 holds that end within one minute, under 2,000 commands/s',
  goal: 'lateness p99 ≤ 250 ms, none lost',
  async run(context) {
    const { holds, withinMs } = context.isEverything ? among : alone;
    const deployment = await startDeployment({ config: { channels: oneView } });
    await stockRange(deployment.url, skus, 1_000_000);
    const client = await connectClient({
      servers: deployment.url,
      channel: 'web',
      deadlineMs: 60_000,
    });
    const firstMs = holds / 12.5;
    const startedAt = Date.now();
    let next = 0;
    const hold = async () => {
      while (next < holds) {
        const index = next++;
        const dueMs = firstMs + (index * withinMs) / holds;
        const ttlMs = Math.max(1, Math.round(dueMs - (Date.now() - startedAt)));
        await client.reserve({ id: `h-${index}`, sku: `S-${index % skus.count}`, qty: 1, ttlMs });
      }
    };
    await Promise.all(Array.from({ length: 4_000 }, hold));
    context.log(`  ${holds} holds made in ${Date.now() - startedAt} ms`);
    await client.close();

    const seconds = (firstMs + withinMs - (Date.now() - startedAt)) / 1_000;
    const load = startWorker('open-loop', {
      name: 'during',
      url: deployment.url,
      channel: 'web',
      windows: [{ perSecond: 2_000, seconds }],
      skus,
      verb: 'sell',
    });
    await load.ready;
    load.tell('go');
    const during = (await load.result) as OpenLoopResult;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const latenesses = await expiriesIn(deployment);
    const verdict = await verdictOn(deployment, [during.receipts]);
    await deployment.stop();
    const late = percentiles(latenesses);
    const faults = [...verdict.faults];
    if (late.count !== holds) faults.push(`${late.count} of ${holds} holds have expired`);
    return {
      lines: [
        { what: 'lateness, p50', value: late.p50, unit: 'ms' },
        { what: 'lateness, p99', value: late.p99, unit: 'ms' },
        { what: 'lateness, most', value: late.most, unit: 'ms' },
        { what: 'sell meanwhile, p99', value: during.latencyMs[0]!.p99, unit: 'ms' },
      ],
      conditions: `${holds} holds within ${withinMs / 1_000} s; from expiresAtMs until the server had stored the commit with the expiry; 1 round`,
      faults,
      details: { late, during: during.latencyMs, verdict },
    };
  },
};
