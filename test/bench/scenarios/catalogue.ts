// A catalogue of a million SKUs: what a node that serves it takes of the machine's memory, how soon it answers after a
// stop and after kill −9, and how fast it wakes SKUs that nobody has touched since.

import { connectClient } from '../../../src/client/index.ts';
import { type Deployment, startDeployment } from '../harness/deployment.ts';
import { stockOne, stockRange } from '../harness/prepare.ts';
import { memoryOf } from '../harness/process-usage.ts';
import type { Receipts } from '../harness/receipts.ts';
import { runRound } from '../harness/rounds.ts';
import type { Scenario } from '../harness/scenario.ts';
import { verdictOn } from '../harness/verdict.ts';

/** Among all scenarios there is no time for a million SKUs, but for a million events. */
const skuCount = { alone: 1_000_000, among: 200_000 };
const eventsWanted = 1_000_000;
/** Without a view: rows of a million SKUs would take longer than everything else here. */
const noView = {
  web: { verbs: ['reserve', 'confirm', 'release', 'sell', 'get'] },
  wms: { verbs: ['receive', 'get'] },
};
const active = { prefix: 'S-', count: 50_000 };
const hotSku = 'HOT';
/** A node that has just received so much has a while to write snapshots of it before it ends. */
const drainTimeoutMs = 120_000;
/** The audit folds and compares every SKU; asking each actor as well would wake a million of them. */
const actorsAsked = 5_000;

export const catalogueScenario: Scenario = {
  name: 'catalogue',
  aliases: ['restart', 'memory'],
  title: '1 M SKUs (200,000 among all scenarios), 1 M events: memory, restart, cold activation',
  goal: '≤ 1 GB resident in the node with 50,000 active; first reply ≤ 2 s after a clean stop',
  async run(context) {
    const config = { channels: noView, limits: { drainTimeoutMs } };
    const deployment = await startDeployment({ config });
    const filling = deployment.nodes[0]!;
    const skus = { prefix: 'S-', count: skuCount[context.isEverything ? 'among' : 'alone'] };
    const startedAt = performance.now();
    await stockRange(deployment.url, skus, 1_000);
    const fillS = (performance.now() - startedAt) / 1_000;
    const load = { channel: 'web', clients: 1, callers: 4_000, seconds: 3 };
    const receipts: Receipts[] = [];
    let events = skus.count;
    await stockOne(deployment.url, hotSku, 1_000_000_000);
    while (events < eventsWanted) {
      const workload = { kind: 'hot', sku: hotSku } as const;
      const round = await runRound(deployment, { ...load, workload });
      receipts.push(round.receipts);
      events += round.accepted;
    }
    await deployment.caughtUp();
    const filled = memoryOf(filling.pid);
    context.log(`  received in ${fillS.toFixed(1)} s; node ${Math.round(filled.most)} MB`);

    const clean = await secondsToReply(deployment, async () => {
      filling.tell('stop');
      await filling.exited;
    });
    const serving = deployment.nodes[1]!;
    const cold = await sellEach(deployment);
    const warm = await sellEach(deployment);
    const workload = { kind: 'shop', skus: active } as const;
    const round = await runRound(deployment, { ...load, workload });
    receipts.push(round.receipts);
    const { now, most } = memoryOf(serving.pid);
    context.log(
      `  first reply after ${clean.toFixed(2)} s; ${Math.round(now)} MB after the load, ${Math.round(most)} at most`,
    );
    const killed = await secondsToReply(deployment, async () => {
      serving.kill('SIGKILL');
      await serving.exited;
    });
    const verdict = await verdictOn(deployment, receipts, ['--actors', `${actorsAsked}`]);
    await deployment.stop();
    return {
      lines: [
        { what: 'a node that serves it, after the load', value: now, unit: 'MB' },
        { what: '… at its highest', value: most, unit: 'MB' },
        { what: 'load on the active ones', value: round.perSecond, unit: 'commands/s' },
        { what: 'first reply after a clean stop', value: clean * 1_000, unit: 'ms' },
        {
          what: 'first reply after kill −9 (the TTL of 2 s included)',
          value: killed * 1_000,
          unit: 'ms',
        },
        { what: 'commands on SKUs to be activated', value: cold, unit: 'commands/s' },
        { what: 'the same SKUs once more', value: warm, unit: 'commands/s' },
        { what: 'the node that received it, at its highest', value: filled.most, unit: 'MB' },
        { what: 'receiving the catalogue', value: skus.count / fillS, unit: 'commands/s' },
      ],
      conditions:
        `${skus.count} SKUs, ${verdict.journal.events} events; residentsMax 50,000; inv_stock and INV_EVENTS on, no view; ` +
        `memory as the operating system tells it, no collection forced; replies from the start of the node's process; ` +
        `activation: 4,000 callers, one sell for each of ${active.count} SKUs; the audit asks ${actorsAsked} actors; 1 round`,
      faults: verdict.faults,
      details: { filled, verdict },
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

/** Sells one of each active SKU; answers how many a second. */
async function sellEach(deployment: Deployment): Promise<number> {
  const client = await connectClient({
    servers: deployment.url,
    channel: 'web',
    deadlineMs: 60_000,
  });
  let next = 0;
  const startedAt = performance.now();
  const sell = async () => {
    while (next < active.count) {
      const reply = await client.sell({ sku: active.prefix + next++, qty: 1 });
      if (!reply.ok) throw new Error(reply.error.message);
    }
  };
  await Promise.all(Array.from({ length: 4_000 }, sell));
  const perSecond = (active.count * 1_000) / (performance.now() - startedAt);
  await client.close();
  return perSecond;
}
