// Builders for the tables of this folder: one line's ledger in minutes instead of milliseconds.

import type {
  LaneSettings,
  LedgerEntry,
  Observation,
  SnapshotWindow,
  Watermark,
} from '../../../src/domain/reconciliation/ledger.ts';

export const minute = 60_000;

/** Posts within 30 minutes, by a clock that is off by at most 1. */
export const lane: LaneSettings = {
  maxPostingLagMs: 30 * minute,
  clockSkewMs: minute,
  lagFrom: 'occurrence',
  postsInOrder: true,
};
export const lanes = () => lane;

/** A movement `at` a minute; its document is named after the minute unless told. */
export function moved(delta: number, at: number, more: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    delta,
    occurredAtMs: at * minute,
    recordedAtMs: at * minute,
    seq: at,
    lane: 'web',
    document: `d-${at}`,
    ...more,
  };
}

/** A snapshot read in one moment, or from one minute to another. */
export function readAt(
  from: number,
  to = from,
  watermarks: Record<string, Watermark> = {},
): SnapshotWindow {
  return {
    snapshotId: `s-${from}`,
    asOfFromMs: from * minute,
    asOfToMs: to * minute,
    watermarks: new Map(Object.entries(watermarks)),
  };
}

export function observed(qty: number, from: number, to = from): Observation {
  return { qty, window: readAt(from, to) };
}
