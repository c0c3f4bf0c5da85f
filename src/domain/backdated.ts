/**
 * The latest entries that came with their own time, so that a correction can be told that the ledger
 * it was computed from is no longer the whole story (reconciliation, step 7). Bounded: what has been
 * dropped counts as a reason to compare again, never as nothing.
 */

const entriesMax = 256;

export class Backdated {
  /** (afterSeq, occurredAtMs) pairs, oldest first. */
  readonly entries: (readonly [afterSeq: number, occurredAtMs: number])[] = [];
  /** `afterSeq` of the newest entry that was dropped; -1: none was. */
  droppedAfterSeq = -1;

  record(afterSeq: number, occurredAtMs: number): void {
    this.entries.push([afterSeq, occurredAtMs]);
    if (this.entries.length <= entriesMax) return;
    const dropped = this.entries.splice(0, entriesMax / 2);
    this.droppedAfterSeq = dropped.at(-1)?.[0] ?? this.droppedAfterSeq;
  }

  /** Whether an entry that happened before `beforeMs` may have been recorded behind `asOfSeq`. */
  since(asOfSeq: number, beforeMs: number): boolean {
    if (this.droppedAfterSeq >= asOfSeq) return true;
    return this.entries.some(([afterSeq, atMs]) => afterSeq >= asOfSeq && atMs < beforeMs);
  }
}
