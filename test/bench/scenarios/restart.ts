// A node that starts on a journal of a million events: from its process until its first reply. And SKUs that nobody
// has touched since: each has to be activated from its snapshot.

import { connectClient } from '../../../src/client/index.ts';
import { type Deployment, oneView, startDeployment } from '../harness/deployment.ts';
import { stockRange } from '../harness/prepare.ts';
import type { Receipts } from '../harness/receipts.ts';
import { runRound } from '../harness/rounds.ts';
import type { Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';

const skus = { prefix: 'S-', count: 100_000 };
const eventsWanted = 1_000_000;
const coldSkus = 50_000;

export const restart: Scenario = {
  name: 'restart',
  title: 'Restart with 1 M events and 100,000 SKUs; cold activation of 50,000',
  goal: 'first reply ≤ 2 s after a clean stop',
  async run(context) {
    const deployment = await startDeployment({
      config: { channels: oneView, limits: { residentsMax: 120_000 } },
    });
    await stockRange(deployment.url, skus, 1_000_000);
    const receipts: Receipts[] = [];
    let events = skus.count;
    while (events < eventsWanted) {
      const workload = { kind: 'shop', skus, zipf: 1.5 } as const;
      const round = await runRound(deployment, {
        channel: 'web',
        clients: 1,
        callers: 4_000,
        seconds: 8,
        workload,
      });
      receipts.push(round.receipts);
      events += round.accepted;
      context.log(`  ${events} events`);
    }
    const clean = await secondsToReply(deployment, async () => {
      deployment.nodes[0]!.tell('stop');
      await deployment.nodes[0]!.exited;
    });
    const cold = await activations(deployment);
    const warm = await activations(deployment);
    const killed = await secondsToReply(deployment, async () => {
      deployment.nodes[1]!.kill('SIGKILL');
      await deployment.nodes[1]!.exited;
    });
    const verdict = await verdictOn(deployment, receipts);
    await deployment.stop();
    return {
      lines: [
        { what: 'first reply after a clean stop', value: clean * 1_000, unit: 'ms' },
        {
          what: 'first reply after kill −9 (the TTL of 2 s included)',
          value: killed * 1_000,
          unit: 'ms',
        },
        { what: 'commands on SKUs to be activated', value: cold, unit: 'commands/s' },
        { what: 'the same SKUs once more', value: warm, unit: 'commands/s' },
      ],
      conditions: `${events} events, Zipf 1.5; from the start of the node's process; activation: 4,000 callers, one sell per SKU`,
      faults: verdict.faults,
      details: { verdict },
    };
  },
};

/** From the start of another node's process until a command has been answered. */
async function secondsToReply(deployment: Deployment, end: () => Promise<void>): Promise<number> {
  const client = await connectClient({
    servers: deployment.url,
    channel: 'web',
    deadlineMs: 60_000,
  });
  await end();
  const startedAt = performance.now();
  const node = deployment.startNode();
  const reply = await client.get({ sku: 'S-1' });
  const seconds = (performance.now() - startedAt) / 1_000;
  if (!reply.ok) throw new Error(reply.error.message);
  await node;
  await client.close();
  return seconds;
}

async function activations(deployment: Deployment): Promise<number> {
  const client = await connectClient({
    servers: deployment.url,
    channel: 'web',
    deadlineMs: 60_000,
  });
  let next = 0;
  const startedAt = performance.now();
  const sell = async () => {
    while (next < coldSkus) {
      const reply = await client.sell({ sku: `S-${next++ * 2}`, qty: 1 });
      if (!reply.ok) throw new Error(reply.error.message);
    }
  };
  await Promise.all(Array.from({ length: 4_000 }, sell));
  const perSecond = (coldSkus * 1_000) / (performance.now() - startedAt);
  await client.close();
  return perSecond;
}
