/** From a fetched snapshot to the window that its lines are judged in: when it was read, and what it must contain. */

import type { SnapshotWindow, Watermark } from '../domain/reconciliation/ledger.ts';
import type { ErpSnapshot } from '../ports.ts';
import type { LedgerStore } from './store/ledger-store.ts';
import type { PostedStore } from './store/posted-store.ts';

/** The snapshot's own watermarks, and what the ERP had said of lanes before it was read. */
export function snapshotWindow(
  { snapshotId, asOfFromMs, asOfToMs, watermarks }: ErpSnapshot,
  ledger: LedgerStore,
  posted: PostedStore,
): SnapshotWindow {
  const marks = new Map<string, Watermark>();
  for (const [lane, { throughMs, throughDocument }] of Object.entries(watermarks)) {
    const throughSeq =
      throughDocument === undefined ? undefined : ledger.sequenceOf(lane, throughDocument);
    // A document that we do not know says nothing.
    if (throughDocument !== undefined && throughSeq === undefined) continue;
    marks.set(lane, {
      ...(throughMs === undefined ? {} : { throughMs }),
      ...(throughSeq === undefined ? {} : { throughSeq }),
    });
  }
  const postedThrough = posted.lanesPosted(asOfFromMs);
  return { snapshotId, asOfFromMs, asOfToMs, watermarks: marks, postedThrough };
}
