/**
 * One run: everything is drawn from the seed, then nodes, clients and faults play it out on virtual
 * time, then faults stop and everything has to converge, and the checkers look at what is left.
 */

import type { LastunitConfig } from '../../src/config/config.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { Ports } from '../../src/ports.ts';
import { createNode } from '../../src/runtime/node.ts';
import { checkAnswers } from './checkers/answers.ts';
import { checkCarts } from './checkers/carts.ts';
import { checkChain } from './checkers/chain.ts';
import { checkFacts } from './checkers/facts.ts';
import { checkLinearizable } from './checkers/linearizable.ts';
import { checkReplies } from './checkers/replies.ts';
import { checkRest } from './checkers/rest.ts';
import { checkRules } from './checkers/rules.ts';
import { checkThawed } from './checkers/thawed.ts';
import { checkViews } from './checkers/views.ts';
import { Client } from './client.ts';
import { disturb } from './disturb.ts';
import { Faults } from './engine/faults.ts';
import { SimProcess } from './engine/process.ts';
import { Random } from './engine/random.ts';
import { StepLimitError, Timeline } from './engine/timeline.ts';
import type { Terms } from './model/asked.ts';
import { type MakeNode, NodeHost } from './node-host.ts';
import { drawPlan, type Plan } from './plan.ts';
import type { Checker, Failure, RunRecord } from './run-record.ts';
import { Link } from './twins/link.ts';
import { defaultWorldOptions, World } from './twins/world.ts';
import { Wisher } from './wishes.ts';

const startMs = 1_900_000_000_000;
/** Everything has to be at rest this long after the last fault. */
export const convergenceMaxMs = 60_000;

export interface SimOptions {
  /** Parts of the plan that are not to be drawn. */
  readonly plan?: Partial<Plan>;
  /** Marks of the trace to keep for a failure's report. */
  readonly keepMarks?: number;
  /** More events than this are a failure: something runs in circles. */
  readonly stepsMax?: number;
  /** Breaks what nodes are given (mutations). */
  readonly wrapPorts?: (ports: Ports, host: NodeHost) => Ports;
  readonly makeNode?: MakeNode;
  readonly config?: (config: LastunitConfig) => LastunitConfig;
}

export interface SimResult {
  readonly seed: number;
  readonly plan: Plan;
  readonly hash: string;
  readonly steps: number;
  /** Acceptances and strong reads that clients heard of. */
  readonly acknowledged: number;
  readonly codes: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  readonly failures: readonly Failure[];
  readonly recent: readonly string[];
}

const checkers: Readonly<Record<string, Checker>> = {
  chain: checkChain,
  rules: checkRules,
  answers: checkAnswers,
  linearizable: checkLinearizable,
  facts: checkFacts,
  carts: checkCarts,
  views: checkViews,
  replies: checkReplies,
  rest: checkRest,
  thawed: checkThawed,
};

export async function simulate(seed: number, options: SimOptions = {}): Promise<SimResult> {
  const random = new Random(seed);
  const plan: Plan = { ...drawPlan(random.fork()), ...options.plan };
  const { config, terms } = configure(plan);
  const timeline = new Timeline(startMs, options.keepMarks ?? 0, options.stepsMax ?? 2_000_000);
  const faults = new Faults(random.fork(), plan.callFaults);
  const world = new World(timeline, random.fork(), faults, {
    ...defaultWorldOptions,
    replicas: plan.replicas,
    partitions: plan.partitions,
    sinks: [
      'stock',
      'events',
      ...Object.entries(plan.channels).flatMap(([name, { view }]) =>
        view ? [`view.${name}`] : [],
      ),
    ],
    memberTtlMs: config.limits.memberTtlMs,
    callTimeoutMs: plan.callTimeoutMs,
    latencyMs: plan.latencyMs,
  });
  const failures: Failure[] = [];
  const onError = (what: string) => failures.push({ checker: 'node', what });
  const stray = (error: unknown) => onError(`stray error: ${(error as Error)?.stack ?? error}`);
  process.on('uncaughtException', stray);
  process.on('unhandledRejection', stray);
  try {
    const hosts = Array.from({ length: plan.nodes }, (_, index) => {
      return new NodeHost({
        world,
        random: random.fork(),
        config: options.config?.(config) ?? config,
        name: `n${index + 1}`,
        skewMs: plan.skewMs[index] ?? 0,
        wrapPorts: options.wrapPorts ?? ((ports) => ports),
        makeNode: options.makeNode ?? createNode,
        onError,
      });
    });
    const clients = Array.from({ length: plan.clients }, (_, index) => {
      const name = `c${index + 1}`;
      const link = new Link(world, new SimProcess(name, timeline, random.fork()));
      return new Client(link, random.fork(), new Wisher(plan, random.fork(), name));
    });
    const run = await play({ plan, world, hosts, clients, random, terms });
    failures.push(...run.failures);
    for (const [checker, check] of Object.entries(checkers)) {
      for (const what of check(run.record)) failures.push({ checker, what });
    }
    return {
      seed,
      plan,
      hash: timeline.hash,
      steps: timeline.steps,
      ...countReplies(run.record),
      faults: faults.counts,
      failures,
      recent: timeline.recent,
    };
  } finally {
    process.off('uncaughtException', stray);
    process.off('unhandledRejection', stray);
  }
}

interface Scene {
  readonly plan: Plan;
  readonly world: World;
  readonly hosts: readonly NodeHost[];
  readonly clients: readonly Client[];
  readonly random: Random;
  readonly terms: Terms;
}

async function play(scene: Scene): Promise<{ record: RunRecord; failures: Failure[] }> {
  const { plan, world, hosts, clients, random, terms } = scene;
  const { timeline } = world;
  for (const host of hosts) timeline.after(random.between(0, 800), '', () => host.start());
  const auditor = new Client(
    new Link(world, new SimProcess('auditor', timeline, random.fork())),
    random.fork(),
    new Wisher(plan, random.fork(), 'auditor'),
  );
  for (const sku of plan.skus) {
    const payload = {
      id: `open-${sku.length}-${plan.skus.indexOf(sku)}`,
      sku,
      qty: plan.openingStock,
    };
    void auditor.pursue({ kind: 'sku', channel: 'wms', verb: 'receive', payload });
  }
  for (const client of clients) client.start(plan.pauseMs);
  const untilMs = startMs + plan.workMs;
  disturb({ world, hosts, random: random.fork(), rates: plan.worldFaults, untilMs });
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
  const healedMs = timeline.nowMs;
  timeline.mark('healed');
  await limited(async () => {
    failures.push(...(await converge(scene, auditor, healedMs)));
  });
  return {
    failures,
    record: {
      plan,
      world,
      terms,
      intents: [...clients, auditor].flatMap((client) => client.intents),
      facts: clients.flatMap((client) => client.facts),
      healedMs,
      endedMs: timeline.nowMs,
    },
  };
}

/** Every SKU answers, nothing is under way, nothing is left to be written. */
async function converge(scene: Scene, auditor: Client, healedMs: number): Promise<Failure[]> {
  const { plan, world, clients } = scene;
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
  const busy = () => waiting > 0 || auditor.busy || clients.some((client) => client.busy);
  while (busy() && timeline.nowMs < deadlineMs) await timeline.runUntil(timeline.nowMs + 500);
  const failures: Failure[] = [];
  if (busy()) {
    const what = `${waiting} SKUs do not answer ${convergenceMaxMs} ms after the last fault`;
    failures.push({ checker: 'convergence', what });
  }
  // Holds run out, views and history catch up, carts are driven to their verdicts.
  await timeline.runUntil(timeline.nowMs + 15_000);
  return failures;
}

function configure(plan: Plan): { config: LastunitConfig; terms: Terms } {
  const { partitions, channels, limits } = plan;
  const resolved = resolveConfig({ partitions, channels, limits });
  if (resolved.problems) throw new Error(resolved.problems.join('\n'));
  const { config } = resolved;
  const list = [...config.rules.channels.values()].map((channel) => [
    channel.name,
    {
      name: channel.name,
      verbs: [...channel.verbs],
      sourcing: channel.sourcing,
      split: channel.split,
      defaultTtlMs: channel.defaultTtlMs,
      longestTtlMs: channel.longestTtlMs,
      endsHoldsOf: [...channel.endsHoldsOf],
    },
  ]);
  return {
    config,
    terms: {
      channels: new Map(
        list as [string, Terms['channels'] extends ReadonlyMap<string, infer T> ? T : never][],
      ),
      holdsPerSkuMax: config.limits.holdsPerSkuMax,
      idempotencyWindowMs: config.limits.idempotencyWindowMs,
    },
  };
}

function countReplies(run: RunRecord): Pick<SimResult, 'acknowledged' | 'codes'> {
  let acknowledged = 0;
  const codes = new Map<string, number>();
  for (const intent of run.intents) {
    for (const { reply } of intent.attempts) {
      if (reply?.ok === true) acknowledged += 1;
      const code = (reply?.error as { code?: string } | undefined)?.code;
      if (code !== undefined) codes.set(code, (codes.get(code) ?? 0) + 1);
    }
  }
  return { acknowledged, codes };
}
