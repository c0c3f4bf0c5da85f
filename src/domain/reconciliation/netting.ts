/**
 * Step 8: a fact that arrives after a correction but happened before the snapshot behind it is what
 * the ERP knew and we did not. It is recorded, and as much of the correction as it explains is taken
 * back, so that it does not count twice.
 *
 * 1. It is taken back only as far as the newest snapshot proves that it was one too many: whether the
 *    fact and the correction are the same goods is for the ERP's number to say.
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
 * What is to be given back for one line. `drift`: what the newest snapshot proves; all nettings have
 * its sign. `entries` without corrections; `recorded`: earlier nettings, from their evidence.
 */
export function nettingsOf(
  drift: number,
  corrections: readonly AppliedCorrection[],
  entries: readonly LedgerEntry[],
  recorded: readonly Netting[],
  lanes: LaneBook,
): readonly Netting[] {
  const book = new NettingBook(corrections, recorded);
  const late = facts(entries);
  let units = Math.abs(drift);
  for (const correction of corrections) {
    if (correction.delta * drift >= 0) continue;
    for (const fact of late) {
      if (units <= 0) return book.nettings;
      if (mayHaveContained(correction, fact, lanes)) units -= book.net(correction, fact, units);
    }
  }
  return book.nettings;
}

/** What is left of corrections and facts while they are set off against each other. */
class NettingBook {
  readonly nettings: Netting[] = [];
  readonly #left = new Map<number, number>();
  readonly #used = new Map<string, number>();

  constructor(corrections: readonly AppliedCorrection[], recorded: readonly Netting[]) {
    for (const { seq, delta } of corrections) this.#left.set(seq, delta);
    for (const netting of recorded) this.#book(netting);
  }

  /** Sets off at most `unitsMax` units and answers how many. */
  net(correction: AppliedCorrection, fact: LedgerEntry, unitsMax: number): number {
    const left = this.#left.get(correction.seq) ?? 0;
    const unexplaining = fact.delta + (this.#used.get(factKey(fact.seq, fact.document)) ?? 0);
    // Both have to point the same way, and the fact must not have explained all it can.
    if (left * fact.delta <= 0 || unexplaining * fact.delta <= 0) return 0;
    const units = Math.min(Math.abs(left), Math.abs(unexplaining), unitsMax);
    const { seq: entrySeq, document } = fact;
    const delta = -Math.sign(left) * units;
    const netting = { correctionSeq: correction.seq, entrySeq, document, delta };
    this.#book(netting);
    this.nettings.push(netting);
    return units;
  }

  #book({ correctionSeq, entrySeq, document, delta }: Netting): void {
    this.#left.set(correctionSeq, (this.#left.get(correctionSeq) ?? 0) + delta);
    const key = factKey(entrySeq, document);
    this.#used.set(key, (this.#used.get(key) ?? 0) + delta);
  }
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

/** Whether the snapshot behind the correction may have contained a fact that we did not know. */
function mayHaveContained(
  { seq, window }: AppliedCorrection,
  fact: LedgerEntry,
  lanes: LaneBook,
): boolean {
  return fact.seq > seq && classify(fact, window, lanes(fact.lane)) !== 'out';
}
