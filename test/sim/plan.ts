/**
 * Everything that one seed draws before it runs: topology, settings, workload, faults. A plan is
 * plain data, printed with a failure; parts of it may be overridden to reproduce something smaller.
 */

import {
  type CallFault,
  callFaults,
  newerCallFaults,
  type WorldFault,
  worldFaults,
} from './engine/faults.ts';
import type { Random } from './engine/random.ts';
import { drawReconcilePlan, type ReconcilePlan } from './reconcile/reconcile-plan.ts';

export interface ChannelPlan {
  readonly verbs: readonly string[];
  readonly view?: boolean;
  readonly sourcing?: readonly string[];
  readonly split?: boolean;
  readonly defaultTtlMs?: number;
  readonly longestTtlMs?: number;
  readonly endsHoldsOf?: readonly string[];
}

export interface Plan {
  readonly nodes: number;
  readonly partitions: number;
  readonly skus: readonly string[];
  readonly clients: number;
  /** Virtual milliseconds during which clients want something new. */
  readonly workMs: number;
  /** Mean pause of a client between two wishes. */
  readonly pauseMs: number;
  readonly replicas: 1 | 3;
  readonly latencyMs: { readonly least: number; readonly most: number };
  readonly callTimeoutMs: number;
  readonly channels: Readonly<Record<string, ChannelPlan>>;
  readonly limits: Readonly<Record<string, number>>;
  /** Units that a SKU starts with. */
  readonly openingStock: number;
  /** How often a client wants what, as weights. */
  readonly wishes: Readonly<Record<string, number>>;
  readonly callFaults: Partial<Record<CallFault, number>>;
  /** Mean virtual milliseconds between two faults of a kind; absent: never. */
  readonly worldFaults: Partial<Record<WorldFault, number>>;
  /** Milliseconds that each node's clock is off. */
  readonly skewMs: readonly number[];
  /** Null: there is no ERP. */
  readonly reconcile: ReconcilePlan | null;
  /**
   * What drawing has learnt since the first seeds were kept: they override it with nothing, and so keep
   * their meaning.
   */
  readonly more: {
    readonly limits: Readonly<Record<string, number>>;
    readonly callFaults: Partial<Record<CallFault, number>>;
  };
}

const shop = ['reserve', 'renew', 'confirm', 'release', 'sell', 'restock', 'get'];

/** `erp`: whether there is an ERP to reconcile with; undefined: that is drawn as well. */
export function drawPlan(random: Random, erp?: boolean): Plan {
  const shop = drawShop(random);
  // Drawn last, so that it moves nothing else.
  const hasErp = random.chance(1 / 3);
  const reconcile = drawReconcilePlan(random);
  const callFaults = drawNewerFaults(random);
  const limits = { pagesCachedMax: random.pick([1, 32]) };
  const plan = { ...shop, more: { limits, callFaults } };
  return (erp ?? hasErp) ? withErp(plan, reconcile) : plan;
}

/** A shop in which drifts can be told from work in flight: small, calm, with clocks that are right. */
function withErp(plan: Plan, reconcile: ReconcilePlan): Plan {
  const { wishes, limits, worldFaults: faults, skewMs } = plan;
  const { 'clock-jumped': _, ...worldFaults } = faults;
  const more = ['A', 'B-1', 'C 2', 'D.3/X', 'g', 'H_8'].filter((sku) => !plan.skus.includes(sku));
  return {
    ...plan,
    // Many of them, so that most rest for a while.
    skus: [...plan.skus, ...more.slice(0, Math.max(0, 6 - plan.skus.length))],
    clients: Math.max(3, Math.min(4, plan.clients)),
    pauseMs: Math.max(120, Math.min(200, plan.pauseMs)),
    // Only the reconciler corrects, and it does not have to wait for room.
    wishes: { ...wishes, correct: 0 },
    limits: { ...limits, idsPerSkuMax: 2_000_000 },
    worldFaults,
    skewMs: skewMs.map((ms) => Math.max(-40, Math.min(40, ms))),
    reconcile,
  };
}

function drawShop(random: Random): Plan {
  const nodes = random.weighted([
    [1, 1],
    [2, 4],
    [3, 4],
    [4, 1],
  ]);
  const skuCount = random.pick([1, 2, 3, 5, 8]);
  const names = ['A', 'B-1', 'C 2', 'D.3/X', 'Ü€', 'BANK CHARGES', 'g', 'H_8'];
  const latencyMs = random.pick([
    { least: 0.1, most: 0.5 },
    { least: 0.2, most: 3 },
    { least: 1, most: 30 },
  ]);
  const wishes = drawWishes(random);
  return {
    nodes,
    partitions: random.pick([1, 2, 3, 4, 8]),
    skus: random.shuffle(names).slice(0, skuCount),
    clients: random.between(2, 8),
    workMs: random.between(15_000, 40_000),
    pauseMs: random.pick([40, 100, 200, 400]),
    replicas: random.pick([1, 3] as const),
    latencyMs,
    callTimeoutMs: random.pick([500, 1_000, 2_500]),
    channels: drawChannels(random),
    limits: drawLimits(random, latencyMs.most, (wishes.cart ?? 0) + (wishes.cartEnd ?? 0) > 0),
    openingStock: random.pick([1, 3, 10, 40, 200]),
    wishes,
    callFaults: drawCallFaults(random),
    worldFaults: drawWorldFaults(random, nodes),
    skewMs: Array.from({ length: nodes }, () =>
      random.weighted([
        [0, 4],
        [random.between(-40, 40), 3],
        [random.between(-900, 900), 2],
      ]),
    ),
    reconcile: null,
    more: { limits: {}, callFaults: {} },
  };
}

function drawChannels(random: Random): Record<string, ChannelPlan> {
  const longestTtlMs = random.pick([4_000, 12_000, 60_000]);
  const times = {
    defaultTtlMs: Math.min(longestTtlMs, random.pick([400, 1_500, 6_000])),
    longestTtlMs,
  };
  const placed = random.chance(0.5)
    ? { sourcing: ['store', 'main'], split: random.chance(0.5) }
    : {};
  return {
    web: { verbs: shop, view: true, ...times },
    mobile: { verbs: shop, view: true, ...times, ...placed },
    pos: { verbs: shop, view: true, ...times, endsHoldsOf: ['web'], split: random.chance(0.7) },
    wms: { verbs: ['receive', 'restock', 'adjust', 'count', 'transfer', 'get'] },
    ops: {
      verbs: [...shop, 'receive', 'adjust', 'count', 'transfer', 'policy'],
      ...times,
    },
    reconciler: { verbs: ['correct', 'get'] },
  };
}

/** Small limits on purpose: what happens at a limit must happen often. */
function drawLimits(random: Random, latencyMs: number, carts: boolean): Record<string, number> {
  // One command per round trip is fine where round trips are short.
  const commitCommands = random.pick(latencyMs > 1 ? [16, 64, 4_096] : [1, 3, 16, 4_096]);
  const memberTtlMs = random.pick([1_000, 2_000, 3_000]);
  const mailboxCommandsMax = random.pick(latencyMs > 1 ? [30, 20_000] : [4, 30, 20_000]);
  return {
    memberTtlMs,
    renewEveryMs: Math.floor(memberTtlMs / random.pick([3, 4, 6])),
    stallMaxMs: random.pick([200, 500, 1_000]),
    appendTimeoutMs: random.pick([500, 1_500, 5_000]),
    handoverTimeoutMs: random.pick([300, 1_000, 2_000]),
    drainTimeoutMs: random.pick([1_000, 5_000]),
    forwardTimeoutMs: random.pick([300, 1_000, 2_000]),
    commitCommandsMax: Math.min(mailboxCommandsMax, commitCommands),
    commitBytesMax: random.pick([4_096, 20_000, 1_000_000]),
    commitsInFlightMax: random.pick([1, 2, 4]),
    mailboxCommandsMax,
    snapshotEveryEvents: random.pick([5, 30, 200, 50_000]),
    snapshotEveryMs: random.pick([300, 2_000, 30_000]),
    pageCount: random.pick([1, 2, 16]),
    residentsMax: random.pick([1, 2, 50_000]),
    viewFlushMs: random.pick([0, 20, 50, 300]),
    cartTimeoutMs: random.pick([500, 2_000, 5_000]),
    cartStepRetryMs: random.pick([20, 200]),
    expiriesPerStepMax: random.pick([1, 5, 2_000]),
    // A cart whose line has no room for its id waits for it, longer than a run lasts.
    idsPerSkuMax: random.weighted([
      [2_000_000, 6],
      [carts ? 2_000_000 : random.between(20, 60), 1],
    ]),
    holdsPerSkuMax: random.weighted([
      [2_000_000, 6],
      [random.between(2, 10), 1],
    ]),
    channelShareMax: random.pick([0.05, 0.75, 1]),
  };
}

function drawWishes(random: Random): Record<string, number> {
  const often = (least: number, most: number) => random.between(least, most);
  const sometimes = (weight: number) => (random.chance(0.6) ? weight : 0);
  return {
    reserve: often(4, 14),
    confirm: often(2, 8),
    release: often(1, 4),
    renew: sometimes(2),
    sell: often(0, 4),
    receive: often(1, 3),
    restock: sometimes(1),
    adjust: sometimes(1),
    count: sometimes(1),
    transfer: sometimes(1),
    policy: sometimes(1),
    correct: sometimes(1),
    get: often(1, 6),
    cart: sometimes(often(2, 8)),
    cartEnd: sometimes(often(2, 6)),
    fact: sometimes(often(1, 4)),
    again: often(1, 4),
    conflict: sometimes(1),
    stranger: sometimes(1),
    early: sometimes(1),
    stale: sometimes(1),
    wrong: sometimes(2),
    frame: sometimes(1),
  };
}

function drawCallFaults(random: Random): Partial<Record<CallFault, number>> {
  const rates: Partial<Record<CallFault, number>> = {};
  for (const kind of callFaults) {
    rates[kind] = random.pick([0, 0, 0.002, 0.01, 0.04]);
  }
  return rates;
}

function drawNewerFaults(random: Random): Partial<Record<CallFault, number>> {
  return Object.fromEntries(newerCallFaults.map((kind) => [kind, random.pick([0, 0.02, 0.2])]));
}

function drawWorldFaults(random: Random, nodes: number): Partial<Record<WorldFault, number>> {
  const rates: Partial<Record<WorldFault, number>> = {};
  for (const kind of worldFaults) {
    if (random.chance(0.5))
      rates[kind] = random.pick([3_000, 8_000, 20_000]) * (nodes > 1 ? 1 : 1.5);
  }
  return rates;
}
