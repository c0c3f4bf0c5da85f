/**
 * One run: everything is drawn from the seed, then nodes, clients and faults play it out on virtual
 * time, then faults stop and everything has to converge, and the checkers look at what is left.
 */

import type { LastunitConfig } from '../../src/config/config.ts';
import type { Ports } from '../../src/ports.ts';
import type { RunReport } from '../../src/reconcile/report.ts';
import { createNode } from '../../src/runtime/node.ts';
import { checkAnswers } from './checkers/answers.ts';
import { checkCarts } from './checkers/carts.ts';
import { checkChain } from './checkers/chain.ts';
import { checkCorrections } from './checkers/corrections.ts';
import { checkErpAgrees } from './checkers/erp-agrees.ts';
import { checkFacts } from './checkers/facts.ts';
import { checkLinearizable } from './checkers/linearizable.ts';
import { checkReplies } from './checkers/replies.ts';
import { checkRest } from './checkers/rest.ts';
import { checkRules } from './checkers/rules.ts';
import { checkThawed } from './checkers/thawed.ts';
import { checkViews } from './checkers/views.ts';
import { Client } from './client.ts';
import { configure } from './configure.ts';
import { Faults } from './engine/faults.ts';
import { SimProcess } from './engine/process.ts';
import { Random } from './engine/random.ts';
import { Timeline } from './engine/timeline.ts';
import { type MakeNode, NodeHost } from './node-host.ts';
import { drawPlan, type Plan } from './plan.ts';
import { play, type Scene } from './play.ts';
import { Reconciliation } from './reconcile/reconciliation.ts';
import type { Checker, Failure, RunRecord } from './run-record.ts';
import { Link } from './twins/link.ts';
import { defaultWorldOptions, World } from './twins/world.ts';
import { Wisher } from './wishes.ts';

const startMs = 1_900_000_000_000;

export interface SimOptions {
  /** Parts of the plan that are not to be drawn. */
  readonly plan?: Partial<Plan>;
  /** Whether there is an ERP; undefined: that is drawn. */
  readonly erp?: boolean | undefined;
  /** Marks of the trace to keep for a failure's report. */
  readonly keepMarks?: number;
  /** More events than this are a failure: something runs in circles. */
  readonly stepsMax?: number;
  /** Breaks what nodes are given (mutations). */
  readonly wrapPorts?: (ports: Ports, host: NodeHost) => Ports;
  readonly makeNode?: MakeNode;
  readonly config?: (config: LastunitConfig) => LastunitConfig;
  /** Sees all that the run has left. */
  readonly onRecord?: (record: RunRecord) => void;
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
  /** How often somebody wrote who was not the owner any more. */
  readonly fenced: number;
  /** What reconcilers did; undefined: there was no ERP. */
  readonly reconciled: ReadonlyMap<string, number> | undefined;
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
  corrections: checkCorrections,
  'erp-agrees': checkErpAgrees,
};

export async function simulate(seed: number, options: SimOptions = {}): Promise<SimResult> {
  const random = new Random(seed);
  const drawn = drawPlan(random.fork(), options.erp);
  const plan: Plan = { ...drawn, ...options.plan };
  const timeline = new Timeline(startMs, options.keepMarks ?? 0, options.stepsMax ?? 2_000_000);
  const failures: Failure[] = [];
  const onError = (what: string) => failures.push({ checker: 'node', what });
  const stray = (error: unknown) => onError(`stray error: ${(error as Error)?.stack ?? error}`);
  process.on('uncaughtException', stray);
  process.on('unhandledRejection', stray);
  try {
    const scene = makeScene({ seed, plan, drawn, timeline, random, options, onError });
    const run = await play(scene);
    failures.push(...run.failures);
    options.onRecord?.(run.record);
    for (const [checker, check] of Object.entries(checkers)) {
      for (const what of check(run.record)) failures.push({ checker, what });
    }
    return {
      ...{ seed, plan, failures },
      hash: timeline.hash,
      steps: timeline.steps,
      ...countReplies(run.record),
      faults: scene.world.faults.counts,
      fenced: scene.world.journal.refusals,
      reconciled: run.record.reconciliation && countReports(run.record.reconciliation.reports),
      recent: timeline.recent,
    };
  } finally {
    process.off('uncaughtException', stray);
    process.off('unhandledRejection', stray);
  }
}

interface Making {
  readonly seed: number;
  readonly plan: Plan;
  /** Before overrides. */
  readonly drawn: Plan;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly options: SimOptions;
  readonly onError: (what: string) => void;
}

function makeScene({ seed, plan, drawn, timeline, random, options, onError }: Making): Scene {
  const { config, terms } = configure(plan);
  const faults = new Faults(random.fork(), { ...plan.callFaults, ...plan.more.callFaults });
  const world = new World(timeline, random.fork(), faults, {
    ...defaultWorldOptions,
    replicas: plan.replicas,
    partitions: plan.partitions,
    sinks: ['stock', 'events', ...viewsOf(plan)],
    memberTtlMs: config.limits.memberTtlMs,
    callTimeoutMs: plan.callTimeoutMs,
    latencyMs: plan.latencyMs,
  });
  // Its draws are its own: with and without an ERP a seed draws everything else alike.
  const reconciliation =
    plan.reconcile === null
      ? undefined
      : new Reconciliation(world, new Random(seed + 0.5e15), plan, plan.reconcile, config);
  // Whoever an override leaves out still draws: then nothing changes for all others.
  const perHost = Array.from({ length: Math.max(drawn.nodes, plan.nodes) }, () => random.fork());
  const hosts = perHost.slice(0, plan.nodes).map((ofHost, index) => {
    return new NodeHost({
      world,
      random: ofHost,
      config: options.config?.(config) ?? config,
      name: `n${index + 1}`,
      skewMs: plan.skewMs[index] ?? 0,
      wrapPorts: options.wrapPorts ?? ((ports) => ports),
      makeNode: options.makeNode ?? createNode,
      ...(reconciliation && {
        companion: (...started) => reconciliation.beginIn(...started),
      }),
      onError,
    });
  });
  const perClient = Array.from({ length: Math.max(drawn.clients, plan.clients) }, () => ({
    ...{ ofProcess: random.fork(), ofClient: random.fork(), ofWisher: random.fork() },
  }));
  const clients = perClient.slice(0, plan.clients).map((draws, index) => {
    const name = `c${index + 1}`;
    const link = new Link(world, new SimProcess(name, timeline, draws.ofProcess));
    return new Client(link, draws.ofClient, new Wisher(plan, draws.ofWisher, name));
  });
  const startAfterMs = perHost.map(() => random.between(0, 800));
  return { plan, world, hosts, startAfterMs, clients, random, terms, reconciliation };
}

function viewsOf({ channels }: Plan): string[] {
  return Object.entries(channels).flatMap(([name, { view }]) => (view ? [`view.${name}`] : []));
}

function countReports(reports: readonly RunReport[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const add = (name: string, more = 1) => counts.set(name, (counts.get(name) ?? 0) + more);
  for (const { outcome, corrected = [], explained = [], netted = [], views = [] } of reports) {
    add(`runs ${outcome}`);
    for (const { result } of corrected) add(`corrections ${result ?? 'not made'}`);
    for (const { cause } of explained) add(`explained ${cause}`);
    for (const { result } of netted) add(`nettings ${result}`);
    for (const { rewritten } of views) add('rows rewritten', rewritten);
  }
  return counts;
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
