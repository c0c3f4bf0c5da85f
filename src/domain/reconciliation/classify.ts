/**
 * Step 1: is a ledger entry contained in a snapshot? Exactly known from an acknowledgement or a
 * watermark, bounded by the lane's lag otherwise.
 *
 * 1. IN only if the entry must have been posted before the first line of the snapshot was read, OUT
 *    only if it cannot have been posted before the last; everything between is UNCERTAIN.
 * 2. A missing acknowledgement proves nothing: it may be late itself.
 */

import type { LaneSettings, LedgerEntry, SnapshotWindow } from './ledger.ts';

export type Containment = 'in' | 'out' | 'uncertain';

/** Whether the snapshot read in `window` contains the entry. */
export function classify(
  entry: LedgerEntry,
  window: SnapshotWindow,
  lane: LaneSettings,
): Containment {
  if (entry.correction === true) return 'in';
  if (entry.postedAtMs !== undefined) return byAcknowledgement(entry.postedAtMs, window);
  if (entry.postedByMs !== undefined && entry.postedByMs <= window.asOfFromMs) return 'in';
  const postedThroughMs = window.postedThrough?.get(entry.lane) ?? Number.NEGATIVE_INFINITY;
  if (entry.occurredAtMs <= postedThroughMs) return 'in';
  const watermark = window.watermarks.get(entry.lane);
  if (watermark !== undefined) {
    const below =
      entry.occurredAtMs <= (watermark.throughMs ?? Number.POSITIVE_INFINITY) &&
      entry.seq <= (watermark.throughSeq ?? Number.POSITIVE_INFINITY);
    if (below) return 'in';
    if (lane.postsInOrder) return 'out';
    return startOf(entry, lane) > window.asOfToMs + lane.clockSkewMs ? 'out' : 'uncertain';
  }
  return byLag(startOf(entry, lane), window, lane);
}

/** From when on the entry may be posted. */
function startOf(entry: LedgerEntry, lane: LaneSettings): number {
  if (lane.lagFrom === 'occurrence') return entry.occurredAtMs;
  return Math.max(entry.occurredAtMs, entry.recordedAtMs);
}

/** The ERP's own clock on both sides: no skew. */
function byAcknowledgement(postedAtMs: number, window: SnapshotWindow): Containment {
  if (postedAtMs <= window.asOfFromMs) return 'in';
  return postedAtMs > window.asOfToMs ? 'out' : 'uncertain';
}

function byLag(startMs: number, window: SnapshotWindow, lane: LaneSettings): Containment {
  if (startMs + lane.maxPostingLagMs + lane.clockSkewMs <= window.asOfFromMs) return 'in';
  return startMs > window.asOfToMs + lane.clockSkewMs ? 'out' : 'uncertain';
}
