/**
 * The course of a run: work and faults for the time that is drawn, then all faults stop at once and
 * everything has to come to rest within a stated time.
 */

import { checkCarts } from './checkers/carts.ts';
import { checkRest } from './checkers/rest.ts';
import { checkViews } from './checkers/views.ts';
import { Client } from './client.ts';
import { disturb } from './disturb.ts';
import { SimProcess } from './engine/process.ts';
import type { Random } from './engine/random.ts';
import { StepLimitError } from './engine/timeline.ts';
import type { Terms } from './model/asked.ts';
import type { NodeHost } from './node-host.ts';
import type { Plan } from './plan.ts';
import type { Reconciliation } from './reconcile/reconciliation.ts';
import type { Failure, RunRecord } from './run-record.ts';
import { Link } from './twins/link.ts';
import type { World } from './twins/world.ts';
import { Wisher } from './wishes.ts';

export interface Scene {
  readonly plan: Plan;
  readonly world: World;
  readonly hosts: readonly NodeHost[];
  /** When each host starts its node. */
  readonly startAfterMs: readonly number[];
  readonly clients: readonly Client[];
  readonly random: Random;
  readonly terms: Terms;
  readonly reconciliation: Reconciliation | undefined;
}

/** Everything has to answer, and to come to rest, this long after the last fault … */
export const convergenceMaxMs = 60_000;
/** … of which at least this much goes by after the last answer: rest has to last. */
const restMs = 15_000;

export interface Played {
  readonly record: RunRecord;
  readonly failures: Failure[];
}

export async function play(scene: Scene): Promise<Played> {
  const { plan, world, hosts, startAfterMs, clients, random, reconciliation } = scene;
  const { timeline } = world;
  hosts.forEach((host, at) => {
    timeline.after(startAfterMs[at] ?? 0, '', () => host.start());
  });
  const auditor = new Client(
    new Link(world, new SimProcess('auditor', timeline, random.fork())),
    random.fork(),
    new Wisher(plan, random.fork(), 'auditor'),
  );
  openShop(scene, auditor);
  const untilMs = timeline.nowMs + plan.workMs;
  disturb({ world, hosts, random: random.fork(), rates: plan.worldFaults, untilMs });
  reconciliation?.start();
  const failures: Failure[] = [];
  const limited = async (run: () => Promise<void>) => {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof StepLimitError)) throw error;
      failures.push({ checker: 'steps', what: error.message });
    }
  };
  await limited(() => timeline.runUntil(untilMs));

  for (const client of clients) client.stop();
  world.faults.stop();
  world.heal();
  for (const host of hosts) host.heal();
  reconciliation?.settle();
  const healedMs = timeline.nowMs;
  timeline.mark('healed');
  await limited(async () => {
    failures.push(...(await converge(scene, auditor, healedMs)));
  });
  return { failures, record: recordOf(scene, auditor, healedMs) };
}

function recordOf(scene: Scene, auditor: Client, healedMs: number): RunRecord {
  const { plan, world, clients, terms, reconciliation } = scene;
  const everybody = [...clients, auditor, ...(reconciliation ? [reconciliation.tillClient] : [])];
  return {
    ...{ plan, world, terms, healedMs },
    intents: [...everybody.flatMap((client) => client.intents), ...(reconciliation?.intents ?? [])],
    facts: everybody.flatMap((client) => client.facts),
    reconciliation: reconciliation?.record,
    endedMs: world.timeline.nowMs,
  };
}

function openShop({ plan, clients }: Scene, auditor: Client): void {
  for (const sku of plan.skus) {
    const payload = {
      id: `open-${sku.length}-${plan.skus.indexOf(sku)}`,
      sku,
      qty: plan.openingStock,
    };
    void auditor.pursue({ kind: 'sku', channel: 'wms', verb: 'receive', payload });
  }
  for (const client of clients) client.start(plan.pauseMs);
}

/** Holds have run out, every cart has its fate, and the views are where they belong. */
function isAtRest(record: RunRecord): boolean {
  return [checkRest, checkCarts, checkViews].every((check) => check(record).length === 0);
}

/** Every SKU answers, nothing is under way, nothing is left to be written. */
async function converge(scene: Scene, auditor: Client, healedMs: number): Promise<Failure[]> {
  const { plan, world, clients, reconciliation } = scene;
  const { timeline } = world;
  let waiting = 0;
  for (const sku of plan.skus) {
    waiting += 1;
    void auditor
      .pursue({ kind: 'sku', channel: 'ops', verb: 'get', payload: { sku } })
      .then((reply) => {
        if (reply) waiting -= 1;
      });
  }
  const deadlineMs = healedMs + convergenceMaxMs;
  const busy = () =>
    waiting > 0 ||
    auditor.busy ||
    clients.some((client) => client.busy) ||
    reconciliation?.busy === true;
  while (busy() && timeline.nowMs < deadlineMs) await timeline.runUntil(timeline.nowMs + 500);
  const failures: Failure[] = [];
  if (busy()) {
    const still = reconciliation?.busy ? ', and the ERP is not reconciled' : '';
    const what = `${waiting} SKUs do not answer ${convergenceMaxMs} ms after the last fault${still}`;
    failures.push({ checker: 'convergence', what });
  }
  await timeline.runUntil(timeline.nowMs + restMs);
  // What has just been cut off may take longer: a cart is finished by whoever finds it.
  while (timeline.nowMs < deadlineMs && !isAtRest(recordOf(scene, auditor, healedMs))) {
    await timeline.runUntil(timeline.nowMs + 1_000);
  }
  return failures;
}
