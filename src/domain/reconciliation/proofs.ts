/**
 * Step 5: what the last snapshots prove together. Earlier snapshots are judged again with today's
 * ledger, so that a late fact or a correction of ours takes away what it explains.
 *
 * 1. A drift is acted on only if the last snapshots all prove one of the same sign, and only by the
 *    smallest amount that any of them proves.
 */

import { type ExpectedInterval, expectedInterval, provenDrift } from './interval.ts';
import type { LaneBook, LedgerEntry, Observation } from './ledger.ts';

/** A snapshot's line held against the ledger. */
export interface Proof extends Observation {
  readonly interval: ExpectedInterval;
  /** Signed units, 0: the snapshot proves nothing. */
  readonly drift: number;
}

/** A line's ledger and its last observations, oldest first; the last one is being compared. */
export interface LineLedger {
  readonly opening: number;
  readonly entries: readonly LedgerEntry[];
  readonly observations: readonly Observation[];
  /** Units that edge nodes may have sold without our knowing. */
  readonly unheardUnits: number;
}

/** The amounts that a drift may have; of a proven drift both ends have its sign. */
export interface Gap {
  readonly least: number;
  readonly most: number;
}

/**
 * What one observation proves about the line. `explained`: drift that earlier explanations account
 * for, there or not: it widens the interval like work in flight.
 */
export function proofOf(
  observation: Observation,
  line: LineLedger,
  lanes: LaneBook,
  explained?: Gap,
): Proof {
  const { window, qty } = observation;
  const expected = expectedInterval(line.opening, line.entries, window, lanes, line.unheardUnits);
  const interval = {
    base: expected.base,
    lo: expected.lo + Math.min(0, explained?.least ?? 0),
    hi: expected.hi + Math.max(0, explained?.most ?? 0),
  };
  return { window, qty, interval, drift: provenDrift(qty, interval) };
}

/** The newest proofs that show drift of the newest one's sign, oldest first; empty without drift. */
export function streakOf(proofs: readonly Proof[]): readonly Proof[] {
  const sign = Math.sign(proofs.at(-1)?.drift ?? 0);
  if (sign === 0) return [];
  let from = proofs.length;
  while (from > 0 && Math.sign(proofs[from - 1]!.drift) === sign) from -= 1;
  return proofs.slice(from);
}

/** The drift of smallest amount; 0 for no proofs. */
export function smallestDrift(proofs: readonly Proof[]): number {
  let smallest = proofs[0]?.drift ?? 0;
  for (const { drift } of proofs) if (Math.abs(drift) < Math.abs(smallest)) smallest = drift;
  return smallest;
}

/**
 * What all proofs of a streak allow; when they contradict each other the drift has changed, and the
 * newest counts. Throws a `RangeError` for an empty streak.
 */
export function gapOf(streak: readonly Proof[]): Gap {
  const gaps = streak.map(rangeOf);
  const newest = gaps.at(-1);
  if (newest === undefined) throw new RangeError('without proofs there is no gap');
  const least = Math.max(...gaps.map((gap) => gap.least));
  const most = Math.min(...gaps.map((gap) => gap.most));
  return least <= most ? { least, most } : newest;
}

/**
 * The newest observation before any part of the drift: one in which an amount within the gap was
 * impossible, and none of the streak. Undefined: none is remembered.
 */
export function onsetOf(
  gap: Gap,
  streak: readonly Proof[],
  proofs: readonly Proof[],
): Proof | undefined {
  return proofs.slice(0, proofs.length - streak.length).findLast((proof) => {
    const range = rangeOf(proof);
    return range.most < gap.least || range.least > gap.most;
  });
}

function rangeOf({ qty, interval }: Proof): Gap {
  return { least: qty - interval.hi, most: qty - interval.lo };
}
