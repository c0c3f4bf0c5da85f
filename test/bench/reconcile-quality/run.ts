// Runs the worlds: every seed once per policy, an ERP export every ten minutes, read over two.

import type { Policy } from './policies.ts';
import { nothing, ours, overwrite, snapshotPlusLater } from './policies.ts';
import { createRandom } from './random.ts';
import { type Tally, Twin } from './twin.ts';
import {
  createWorld,
  defaultShape,
  hourMs,
  minuteMs,
  type World,
  type WorldShape,
} from './world.ts';

export interface PolicyResult extends Tally {
  readonly policy: string;
  readonly harmfulShare: number;
  readonly notes: Readonly<Record<string, number>>;
}

export interface SeedResult {
  readonly seed: number;
  /** Share of postings later than the lag that policies are told. */
  readonly lateShare: number;
  readonly policies: readonly PolicyResult[];
}

export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

export interface QualityResult {
  readonly shape: WorldShape;
  readonly seeds: readonly SeedResult[];
}

const exportEveryMs = 10 * minuteMs;
const exportTakesMs = 2 * minuteMs;

/** Lives through `seeds` worlds with each policy. Deterministic. */
export function runReconcileQuality(
  options: { seeds?: number; shape?: WorldShape; onSeed?: (result: SeedResult) => void } = {},
): QualityResult {
  const { seeds = 20, shape = defaultShape } = options;
  const results = Array.from({ length: seeds }, (_, i) => {
    const world = createWorld(i + 1, shape);
    const policies = [nothing(), overwrite(), snapshotPlusLater(), ours(shape)];
    const lived = policies.map((policy) => live(world, policy, i + 1));
    const result: SeedResult = { seed: i + 1, lateShare: world.lateShare, policies: lived };
    options.onSeed?.(result);
    return result;
  });
  return { shape, seeds: results };
}

function live(world: World, policy: Policy, seed: number): PolicyResult {
  // The same lines are read at the same moments under every policy.
  const random = createRandom(seed ^ 0x5eed);
  const twins = world.ledgers.map((ledger) => new Twin(ledger));
  for (let fromMs = hourMs; fromMs < world.shape.hours * hourMs; fromMs += exportEveryMs) {
    const quantities = twins.map((twin) => {
      twin.advance(fromMs + random.next() * exportTakesMs);
      return twin.erp;
    });
    const toMs = fromMs + exportTakesMs;
    for (const twin of twins) twin.advance(toMs + minuteMs / 2);
    policy.apply({ fromMs, toMs, quantities }, twins, toMs + minuteMs / 2);
  }
  const total: Tally = {
    oversold: 0,
    overstatedUnitHours: 0,
    understatedUnitHours: 0,
    refusedThoughThere: 0,
    corrections: 0,
    harmful: 0,
  };
  for (const twin of twins) {
    twin.advance(world.shape.hours * hourMs);
    for (const key of Object.keys(total) as (keyof Tally)[]) total[key] += twin.tally[key];
  }
  const harmfulShare = total.corrections === 0 ? 0 : total.harmful / total.corrections;
  return { policy: policy.name, ...total, harmfulShare, notes: policy.notes };
}

/** Median and ends of one number over the seeds. */
export function spreadOf(
  result: QualityResult,
  policy: string,
  value: (result: PolicyResult) => number,
): Spread {
  const values = result.seeds
    .map((seed) => value(seed.policies.find((item) => item.policy === policy)!))
    .sort((a, b) => a - b);
  return { least: values[0]!, median: values[values.length >> 1]!, most: values.at(-1)! };
}

/** Share of postings that have to be later than the lag that policies are told, or the worlds are too kind. */
const lateShareMin = 0.02;
const harmfulShareMax = 0.05;

/** Where a seed's worlds are too kind, or our policy is not the best of them. */
export function faultsOf({ seeds }: QualityResult): string[] {
  return seeds.flatMap(({ seed, lateShare, policies }) => {
    const faults: string[] = [];
    const own = policies.at(-1)!;
    const best = Math.min(...policies.slice(0, -1).map(({ oversold }) => oversold));
    if (lateShare < lateShareMin)
      faults.push(`only ${percent(lateShare)} of the postings are late`);
    if (own.oversold >= best) faults.push(`oversold ${own.oversold}, another policy ${best}`);
    if (own.harmfulShare >= harmfulShareMax) {
      faults.push(`${percent(own.harmfulShare)} of the corrections are harmful`);
    }
    return faults.map((fault) => `seed ${seed}: ${fault}`);
  });
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
