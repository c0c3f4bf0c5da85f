/**
 * Step 8: a fact that arrives after a correction but happened before the snapshot behind it is what
 * the ERP knew and we did not. It is recorded, and as much of the correction as it explains is taken
 * back, so that it does not count twice.
 *
 * 1. Taking back a correction that lowered stock raises it: only for a fact that the snapshot
 *    certainly contained. Taking back one that raised stock: also for a fact that it may have.
 * 2. A fact explains at most its own units, a correction is taken back at most once in full.
 */

import { classify } from './classify.ts';
import type { LaneBook, LedgerEntry, SnapshotWindow } from './ledger.ts';

/** A correction of ours that proved a drift, and how much of it has been taken back. */
export interface AppliedCorrection {
  readonly seq: number;
  readonly delta: number;
  readonly window: SnapshotWindow;
}

/** Units given back; the opposite sign of correction and fact. */
export interface Netting {
  readonly correctionSeq: number;
  /** The fact: its commit and document. */
  readonly entrySeq: number;
  readonly document: string;
  readonly delta: number;
}

/**
 * What has still to be given back for one line. `recorded`: earlier nettings, from the evidence of
 * their corrections. `entries` without corrections.
 */
export function nettingsOf(
  corrections: readonly AppliedCorrection[],
  entries: readonly LedgerEntry[],
  recorded: readonly Netting[],
  lanes: LaneBook,
): readonly Netting[] {
  const remaining = new Map(corrections.map(({ seq, delta }) => [seq, delta]));
  const used = new Map<string, number>();
  for (const { correctionSeq, entrySeq, document, delta } of recorded) {
    remaining.set(correctionSeq, (remaining.get(correctionSeq) ?? 0) + delta);
    const key = factKey(entrySeq, document);
    used.set(key, (used.get(key) ?? 0) + delta);
  }
  const nettings: Netting[] = [];
  for (const fact of facts(entries)) {
    let unexplaining = fact.delta + (used.get(factKey(fact.seq, fact.document)) ?? 0);
    for (const correction of corrections) {
      const left = remaining.get(correction.seq) ?? 0;
      const isSameWay = left * unexplaining > 0 && unexplaining * fact.delta > 0;
      if (!isSameWay || !wasUnknownTo(correction, fact, lanes)) continue;
      const units = Math.min(Math.abs(left), Math.abs(unexplaining));
      const delta = -Math.sign(left) * units;
      remaining.set(correction.seq, left + delta);
      unexplaining += delta;
      const { seq: entrySeq, document } = fact;
      nettings.push({ correctionSeq: correction.seq, entrySeq, document, delta });
    }
  }
  return nettings;
}

/** Entries of one document in one commit are one fact; oldest commit first. */
function facts(entries: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const merged = new Map<string, LedgerEntry>();
  for (const entry of entries) {
    const key = factKey(entry.seq, entry.document);
    const known = merged.get(key);
    merged.set(key, known === undefined ? entry : { ...known, delta: known.delta + entry.delta });
  }
  return [...merged.values()].sort((a, b) => a.seq - b.seq);
}

function factKey(seq: number, document: string): string {
  return `${seq} ${document}`;
}

function wasUnknownTo(correction: AppliedCorrection, entry: LedgerEntry, lanes: LaneBook): boolean {
  if (entry.seq <= correction.seq) return false;
  const containment = classify(entry, correction.window, lanes(entry.lane));
  return containment === 'in' || (containment === 'uncertain' && correction.delta > 0);
}
