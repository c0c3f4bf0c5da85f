/**
 * The ledger by line (SKU and location), as far as the journal has been read.
 *
 * 1. A commit's entries and the partition's position are written together, and what lies at or below
 *    the position is left out: nothing counts twice, also when two readings overlap.
 * 2. What no snapshot can be uncertain about any more is added to the opening balance.
 * 3. What one source has acknowledged, and what was corrected towards it, says nothing to another.
 */

import { skuKeyOf } from '../../domain/names.ts';
import type { LedgerEntry } from '../../domain/reconciliation/ledger.ts';
import type { Movement } from '../../domain/reconciliation/movements.ts';
import { remake, type Sql } from './database.ts';
import type { RowStore, SkuCommit } from './row-store.ts';

/** The movements of one SKU in one commit. */
export interface CommitEntries extends SkuCommit {
  readonly atMs: number;
  readonly movements: readonly Movement[];
}

/** What has been read of one partition, up to `seq`. */
export interface ReadPiece {
  readonly partition: number;
  readonly commits: readonly CommitEntries[];
  readonly seq: number;
}

/** The row of `position` that speaks of all of them. */
const allPartitions = -1;

export interface LedgerLine {
  readonly id: number;
  readonly opening: number;
  /** The journal did not have the SKU's beginning. */
  readonly isTruncated: boolean;
}

/** A correction of ours as the journal has it. */
export interface RecordedCorrection {
  readonly seq: number;
  readonly delta: number;
  readonly evidence: Readonly<Record<string, unknown>>;
}

export class LedgerStore {
  readonly #sql: Sql;
  readonly #rows: RowStore;
  readonly #statements: ReturnType<typeof prepared>;

  /** `rows` is told what every commit leaves the SKU with. */
  constructor(sql: Sql, rows: RowStore) {
    this.#sql = sql;
    this.#rows = rows;
    this.#statements = prepared(sql);
  }

  /** Forgets everything if what is stored comes from another journal; answers whether it did. */
  belongTo(epoch: string): boolean {
    const stored = this.#statements.meta.get('epoch') as { value: string } | undefined;
    if (stored?.value === epoch) return false;
    const isOther = stored !== undefined;
    if (isOther) this.forget();
    this.#statements.setMeta.run('epoch', epoch);
    return isOther;
  }

  /** Everything is to be read again. */
  forget(): void {
    remake(this.#sql);
    this.#rows.reset();
  }

  /** Sequence up to which the partition has been read; 0: not at all. */
  position(partition: number): number {
    const stored = this.#statements.position.get(partition) as { seq: number } | undefined;
    return stored?.seq ?? 0;
  }

  /** Sequence up to which all partitions have been read. */
  get readTo(): number {
    return this.position(allPartitions);
  }

  /**
   * Records commits of partitions, each read up to `seq`; those that are known already are left out.
   * `readTo`: all partitions have been read up to there.
   */
  append(pieces: readonly ReadPiece[], readTo?: number): void {
    this.#sql.transaction(() => {
      for (const piece of pieces) this.#appendPiece(piece);
      if (readTo !== undefined) this.#statements.setPosition.run(allPartitions, readTo);
    })();
  }

  #appendPiece({ partition, commits, seq }: ReadPiece): void {
    const known = this.position(partition);
    for (const commit of commits) {
      if (commit.seq <= known) continue;
      this.#rows.record(commit);
      this.#appendCommit(commit);
    }
    if (seq > known) this.#statements.setPosition.run(partition, seq);
  }

  #appendCommit({ sku, seq, atMs, movements }: CommitEntries): void {
    for (const movement of movements) {
      const line = this.#lineFor(sku, movement.location);
      const { delta, occurredAtMs, channel, document, evidence } = movement;
      const correctionOf = evidence === undefined ? null : String(evidence.source ?? '');
      this.#statements.addEntry.run(
        ...[line, delta, occurredAtMs, atMs, seq, channel, document, correctionOf],
      );
      if (correctionOf === null) continue;
      const text = JSON.stringify(evidence);
      this.#statements.addCorrection.run(seq, line, correctionOf, delta, atMs, text);
    }
  }

  #lineFor(sku: string, location: string): number {
    const known = this.#statements.lineId.get(sku, location) as { id: number } | undefined;
    if (known !== undefined) return known.id;
    return Number(
      this.#statements.addLine.run({ sku, location, key: skuKeyOf(sku) }).lastInsertRowid,
    );
  }

  /** The line's entries that are not in its opening balance, as they are towards a source. */
  entries(line: number, source: string): LedgerEntry[] {
    const rows = this.#statements.entries.all({ line, source }) as EntryRow[];
    return rows.map((row) => asEntry(row, source));
  }

  /** What was corrected towards a source, oldest first. */
  corrections(line: number, source: string): RecordedCorrection[] {
    const rows = this.#statements.corrections.all(line, source) as CorrectionRow[];
    return rows.map(({ seq, delta, evidence }) => ({ seq, delta, evidence: JSON.parse(evidence) }));
  }

  /** Last sequence at which the document moved something in the lane; undefined: it is not known. */
  sequenceOf(lane: string, document: string): number | undefined {
    const found = this.#statements.documentSeq.get(document, lane) as { seq: number | null };
    return found.seq ?? undefined;
  }

  /** Adds to the opening balances of lines what happened and was recorded before a time. */
  fold(lines: readonly (readonly [line: number, beforeMs: number])[]): void {
    if (lines.length === 0) return;
    this.#sql.transaction(() => {
      for (const [line, beforeMs] of lines) this.#foldOne(line, beforeMs);
    })();
  }

  #foldOne(line: number, beforeMs: number): void {
    const { sum } = this.#statements.foldable.get(line, beforeMs, beforeMs) as {
      sum: number | null;
    };
    if (sum === null) return;
    this.#statements.open.run(sum, line);
    this.#statements.dropFolded.run(line, beforeMs, beforeMs);
    this.#statements.dropCorrections.run(line, beforeMs);
  }
}

interface EntryRow {
  readonly delta: number;
  readonly occurredAtMs: number;
  readonly recordedAtMs: number;
  readonly seq: number;
  readonly lane: string;
  readonly document: string;
  readonly correctionOf: string | null;
  readonly ms: number | null;
  readonly isExact: number | null;
}

interface CorrectionRow {
  readonly seq: number;
  readonly delta: number;
  readonly evidence: string;
}

/** To another source than the one it was made towards, a correction is a movement like any other. */
function asEntry(row: EntryRow, source: string): LedgerEntry {
  const { delta, occurredAtMs, recordedAtMs, seq, lane, document, ms } = row;
  const entry = { delta, occurredAtMs, recordedAtMs, seq, lane, document };
  if (row.correctionOf === source) return { ...entry, correction: true };
  if (ms === null) return entry;
  return row.isExact === 1 ? { ...entry, postedAtMs: ms } : { ...entry, postedByMs: ms };
}

function prepared(sql: Sql) {
  const one = (text: string) => sql.prepare(text);
  return {
    meta: one('SELECT value FROM meta WHERE key = ?'),
    setMeta: one('INSERT OR REPLACE INTO meta VALUES (?, ?)'),
    position: one('SELECT seq FROM position WHERE partition = ?'),
    setPosition: one('INSERT OR REPLACE INTO position VALUES (?, ?)'),
    lineId: one('SELECT id FROM line WHERE sku = ? AND location = ?'),
    addLine: one(
      `INSERT INTO line (sku, location, opening, isTruncated)
       SELECT @sku, @location, 0, isTruncated FROM sku WHERE key = @key`,
    ),
    addEntry: one(
      `INSERT INTO entry (line, delta, occurredAtMs, recordedAtMs, seq, lane, document, correctionOf)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    addCorrection: one('INSERT INTO correction VALUES (?, ?, ?, ?, ?, ?)'),
    entries: one(
      `SELECT entry.*, posted.ms, posted.isExact FROM entry
       LEFT JOIN posted ON posted.entry = entry.id AND posted.source = @source
       WHERE line = @line`,
    ),
    corrections: one(
      'SELECT seq, delta, evidence FROM correction WHERE line = ? AND source = ? ORDER BY seq',
    ),
    documentSeq: one('SELECT max(seq) AS seq FROM entry WHERE document = ? AND lane = ?'),
    foldable: one(
      'SELECT sum(delta) AS sum FROM entry WHERE line = ? AND occurredAtMs < ? AND recordedAtMs < ?',
    ),
    open: one('UPDATE line SET opening = opening + ? WHERE id = ?'),
    dropFolded: one('DELETE FROM entry WHERE line = ? AND occurredAtMs < ? AND recordedAtMs < ?'),
    dropCorrections: one('DELETE FROM correction WHERE line = ? AND recordedAtMs < ?'),
  };
}
