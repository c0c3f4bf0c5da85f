/**
 * From a seed that fails to a smaller plan that still fails in the same way: fewer nodes, clients and
 * SKUs, a shorter day, fewer kinds of wishes and faults. One reduction at a time is tried and kept if
 * the same checker still complains, over and over until none helps or the budget is used up.
 *
 * 1. What is taken away moves no draw of what stays (`simulate.ts`), as far as that can be.
 */

import type { Plan } from './plan.ts';

/** What a plan is overridden with; as JSON it is what `--plan` takes. */
export type Overrides = Partial<Plan>;

export interface Minimising {
  /** The plan as it failed. */
  readonly plan: Plan;
  /** What of it was not drawn. */
  readonly overrides: Overrides;
  /** Whether it still fails, and by the same checker. */
  readonly fails: (overrides: Overrides) => Promise<boolean>;
  /** Whether the budget is used up. */
  readonly isOver: () => boolean;
}

export interface Minimised {
  readonly overrides: Overrides;
  readonly tried: number;
  /** No single reduction makes it any smaller; otherwise the budget ended first. */
  readonly isSmallest: boolean;
}

/** A rate that strikes never and draws all the same. */
const neverRate = 1e-12;

type Reduction = Overrides | undefined;

export async function minimise(order: Minimising): Promise<Minimised> {
  const { fails, isOver } = order;
  let { overrides } = order;
  let tried = 0;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const reduction of reductions) {
      for (const reduced of reduction({ ...order.plan, ...overrides })) {
        if (isOver()) return { overrides, tried, isSmallest: false };
        if (reduced === undefined) continue;
        const candidate = { ...overrides, ...reduced };
        tried += 1;
        if (!(await fails(candidate))) continue;
        overrides = candidate;
        isSmaller = true;
        break;
      }
    }
  }
  return { overrides, tried, isSmallest: true };
}

/** Each yields ways to make one part of the plan smaller, the boldest first. */
const reductions: readonly ((plan: Plan) => Iterable<Reduction>)[] = [
  function* shorterDay({ workMs }) {
    for (const share of [0.25, 0.5, 0.8]) {
      const ms = Math.round(workMs * share);
      if (ms >= 500) yield { workMs: ms };
    }
  },
  function* fewerClients({ clients }) {
    for (const fewer of smaller(clients)) yield { clients: fewer };
  },
  function* fewerSkus({ skus }) {
    for (const fewer of smaller(skus.length)) yield { skus: skus.slice(0, fewer) };
    for (const sku of skus.length > 1 ? skus : []) {
      yield { skus: skus.filter((other) => other !== sku) };
    }
  },
  function* fewerNodes({ nodes }) {
    for (const fewer of smaller(nodes)) yield { nodes: fewer };
  },
  function* fewerPartitions({ partitions }) {
    for (const fewer of smaller(partitions)) yield { partitions: fewer };
  },
  function* noErp({ reconcile }) {
    if (reconcile !== null) yield { reconcile: null };
  },
  function* fewerWishes({ wishes }) {
    const wanted = Object.keys(wishes).filter((kind) => (wishes[kind] ?? 0) > 0);
    const without = (kinds: readonly string[]) => ({
      wishes: { ...wishes, ...Object.fromEntries(kinds.map((kind) => [kind, 0])) },
    });
    if (wanted.length > 2) yield without(wanted.slice(wanted.length >> 1));
    if (wanted.length > 2) yield without(wanted.slice(0, wanted.length >> 1));
    for (const kind of wanted.length > 1 ? wanted : []) yield without([kind]);
  },
  function* fewerWorldFaults({ worldFaults }) {
    const kinds = Object.keys(worldFaults) as (keyof typeof worldFaults)[];
    if (kinds.length > 1) yield { worldFaults: {} };
    for (const kind of kinds) {
      const { [kind]: _, ...rest } = worldFaults;
      yield { worldFaults: rest };
    }
  },
  function* fewerCallFaults({ callFaults }) {
    const kinds = (Object.keys(callFaults) as (keyof typeof callFaults)[]).filter(
      (kind) => (callFaults[kind] ?? 0) > neverRate,
    );
    const without = (gone: readonly string[]) => ({
      callFaults: { ...callFaults, ...Object.fromEntries(gone.map((kind) => [kind, neverRate])) },
    });
    if (kinds.length > 1) yield without(kinds);
    for (const kind of kinds) yield without([kind]);
  },
  function* nothingMore({ more }) {
    const { limits, callFaults } = more;
    if (Object.keys({ ...limits, ...callFaults }).length === 0) return;
    yield { more: { limits: {}, callFaults: {} } };
  },
  function* defaultLimits({ limits }) {
    const { memberTtlMs, renewEveryMs, ...others } = limits;
    if (Object.keys(others).length === 0) return;
    yield { limits: kept({ memberTtlMs, renewEveryMs }) };
    for (const name of Object.keys(others)) {
      const { [name]: _, ...rest } = limits;
      yield { limits: rest };
    }
  },
];

/** One, half, one less: as far as that is fewer. */
function smaller(count: number): number[] {
  const fewer = [1, Math.floor(count / 2), count - 1].filter((n) => n >= 1 && n < count);
  return [...new Set(fewer)];
}

function kept(limits: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(limits).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}
