/**
 * Step 5: what the last snapshots prove together. Earlier snapshots are judged again with today's
 * ledger, so that a late fact or a correction of ours takes away what it explains.
 *
 * 1. A drift is acted on only if the last snapshots all prove one of the same sign, and only by the
 *    smallest amount that any of them proves.
 */

import { type ExpectedInterval, expectedInterval, provenDrift } from './interval.ts';
import type { LaneBook, LedgerEntry, Observation, SnapshotWindow } from './ledger.ts';

/** A snapshot's line held against the ledger. */
export interface Proof {
  readonly window: SnapshotWindow;
  readonly qty: number;
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

/** Every observation as a proof, oldest first. */
export function proofsOf(line: LineLedger, lanes: LaneBook): readonly Proof[] {
  return line.observations.map(({ window, qty }) => {
    const { opening, entries, unheardUnits } = line;
    const interval = expectedInterval(opening, entries, window, lanes, unheardUnits);
    return { window, qty, interval, drift: provenDrift(qty, interval) };
  });
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
  const drifts = proofs.map((proof) => proof.drift);
  return drifts.reduce(
    (least, drift) => (Math.abs(drift) < Math.abs(least) ? drift : least),
    drifts[0] ?? 0,
  );
}

/**
 * The newest observation in which a drift of this size was not there yet: without it, the ERP would
 * have shown a number outside what was possible. Undefined: it may have been there all along.
 */
export function lastWithout(drift: number, proofs: readonly Proof[]): Proof | undefined {
  return proofs.findLast(({ qty, interval }) => {
    const withoutDrift = qty - drift;
    return withoutDrift < interval.lo || withoutDrift > interval.hi;
  });
}

/**
 * The observations worth remembering: the newest `max`, and of older ones the newest that shows that
 * the present drift had not begun.
 */
export function remembered(proofs: readonly Proof[], max: number): readonly Proof[] {
  if (proofs.length <= max) return proofs;
  const newest = proofs.slice(-max);
  const drift = smallestDrift(streakOf(proofs));
  const onset = drift === 0 ? undefined : lastWithout(drift, proofs);
  if (onset === undefined || newest.includes(onset)) return newest;
  return [onset, ...newest.slice(1)];
}
