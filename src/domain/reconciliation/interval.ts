/**
 * Steps 2 and 3: what the ERP may show while work is in flight, and what it shows beyond that.
 *
 * 1. Whatever part of the uncertain entries the snapshot contains, its number lies within
 *    `lo … hi` as long as both sides agree: work in flight can never look like drift.
 */

import { classify } from './classify.ts';
import type { LaneBook, LedgerEntry, SnapshotWindow } from './ledger.ts';

export interface ExpectedInterval {
  /** Opening balance and everything that the snapshot certainly contains. */
  readonly base: number;
  readonly lo: number;
  readonly hi: number;
}

/**
 * The numbers that a snapshot in `window` may show for a line. `unheardUnits`: what edge nodes that
 * have not been heard from since may have sold without our knowing (escrow and offline cap).
 */
export function expectedInterval(
  opening: number,
  entries: readonly LedgerEntry[],
  window: SnapshotWindow,
  lanes: LaneBook,
  unheardUnits = 0,
): ExpectedInterval {
  let base = opening;
  let outgoing = 0;
  let incoming = 0;
  for (const entry of entries) {
    const containment = classify(entry, window, lanes(entry.lane));
    if (containment === 'in') base += entry.delta;
    else if (containment === 'out') continue;
    else if (entry.delta < 0) outgoing += entry.delta;
    else incoming += entry.delta;
  }
  return { base, lo: base + outgoing - unheardUnits, hi: base + incoming };
}

/** How far `qty` lies outside the interval: negative below it, positive above it, 0 within. */
export function provenDrift(qty: number, interval: ExpectedInterval): number {
  if (qty > interval.hi) return qty - interval.hi;
  if (qty < interval.lo) return qty - interval.lo;
  return 0;
}
