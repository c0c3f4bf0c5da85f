// Two nodes; one of them is killed, or stopped as planned: how long its SKUs do not answer.

import { connectClient } from '../../../src/client/index.ts';
import { oneView, startDeployment } from '../harness/deployment.ts';
import { median } from '../harness/numbers.ts';
import { stockRange } from '../harness/prepare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';
import { startWorker } from '../harness/worker.ts';
import type { OpenLoopResult } from '../roles/open-loop.ts';

const skus = { prefix: 'S-', count: 500 };

export const failover: Scenario = {
  name: 'failover',
  title: 'Two nodes, one of them killed −9 or stopped as planned, at 500 commands/s',
  goal: 'kill −9: ≤ 3 s; planned stop: ≤ 200 ms longer than usual',
  async run(context) {
    const deployment = await startDeployment({ nodes: 2, config: { channels: oneView } });
    await stockRange(deployment.url, skus, 1_000_000);
    const rounds = context.isEverything ? 1 : context.rounds;
    const killed: number[] = [];
    const stopped: number[] = [];
    const receipts: OpenLoopResult['receipts'][] = [];
    const worst = async (name: string, end: () => void) => {
      const windows = [{ perSecond: 500, seconds: 5 }];
      const fixed = { channel: 'web', windows, skus, verb: 'sell' };
      const load = startWorker('open-loop', { ...fixed, name, url: deployment.url });
      await load.ready;
      load.tell('go');
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      end();
      const result = (await load.result) as OpenLoopResult;
      receipts.push(result.receipts);
      return result.latencyMs[0]!.most;
    };
    for (let round = 0; round < rounds; round++) {
      const last = () => deployment.nodes.at(-1)!;
      killed.push(await worst(`kill${round}`, () => last().kill('SIGKILL')));
      await deployment.startNode();
      stopped.push(await worst(`stop${round}`, () => last().tell('stop')));
      await deployment.startNode();
      context.log(
        `  kill −9 ${Math.round(killed.at(-1)!)} ms, planned stop ${Math.round(stopped.at(-1)!)} ms`,
      );
    }
    const client = await connectClient({ servers: deployment.url, channel: 'web' });
    await client.get({ sku: 'S-1' });
    await client.close();
    const verdict = await verdictOn(deployment, receipts);
    await deployment.stop();
    return {
      lines: [
        {
          what: 'kill −9, longest wait of a command',
          value: median(killed),
          unit: 'ms',
          rounds: killed,
        },
        {
          what: 'planned stop, longest wait of a command',
          value: median(stopped),
          unit: 'ms',
          rounds: stopped,
        },
      ],
      conditions: 'memberTtlMs 2,000; the client repeats with the same id; no command failed',
      faults: verdict.faults,
      details: { verdict },
    };
  },
};
