// A catalogue of a million SKUs, of which 50,000 are in use: what the node takes of the machine's memory.

import { startDeployment } from '../harness/deployment.ts';
import { stockRange } from '../harness/prepare.ts';
import { memoryOf } from '../harness/process-usage.ts';
import { runRound } from '../harness/rounds.ts';
import type { Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';

const catalogue = { prefix: 'S-', count: 1_000_000 };
/** Without a view: rows of a million SKUs would take longer than everything else here. */
const noView = {
  web: { verbs: ['reserve', 'confirm', 'release', 'get'] },
  wms: { verbs: ['receive', 'get'] },
};
const active = { prefix: 'S-', count: 50_000 };

export const memory: Scenario = {
  name: 'memory',
  title: 'A catalogue of 1 M SKUs, 50,000 of them active',
  goal: '≤ 1 GB resident in the node',
  async run(context) {
    const deployment = await startDeployment({ config: { channels: noView } });
    const filling = deployment.nodes[0]!;
    const startedAt = performance.now();
    await stockRange(deployment.url, catalogue, 1_000);
    const tookS = (performance.now() - startedAt) / 1_000;
    await deployment.caughtUp();
    const filled = memoryOf(filling.pid);
    context.log(
      `  catalogue received in ${tookS.toFixed(1)} s; node ${Math.round(filled.most)} MB`,
    );
    filling.tell('stop');
    await filling.exited;
    const { pid } = await deployment.startNode();
    const workload = { kind: 'shop', skus: active } as const;
    const round = await runRound(deployment, {
      channel: 'web',
      clients: 1,
      callers: 4_000,
      seconds: 5,
      workload,
    });
    const { now, most } = memoryOf(pid);
    const verdict = await verdictOn(deployment, [round.receipts]);
    await deployment.stop();
    return {
      lines: [
        { what: 'a node that serves it, after the load', value: now, unit: 'MB' },
        { what: '… at its highest', value: most, unit: 'MB' },
        { what: 'load on the active ones', value: round.perSecond, unit: 'commands/s' },
        { what: 'the node that received it, at its highest', value: filled.most, unit: 'MB' },
        { what: 'receiving the catalogue', value: catalogue.count / tookS, unit: 'commands/s' },
      ],
      conditions:
        'residentsMax 50,000; inv_stock and INV_EVENTS on, no view; resident as the operating system tells it, no collection forced; 1 round',
      faults: verdict.faults,
      details: { filled, verdict },
    };
  },
};
