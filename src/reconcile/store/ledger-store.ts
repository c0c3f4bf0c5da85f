/**
 * The ledger by line (SKU and location), as far as the journal has been read.
 *
 * 1. A commit's entries and the partition's position are written together: nothing is read twice.
 * 2. What no snapshot can be uncertain about any more is added to the opening balance.
 */

import type { LedgerEntry } from '../../domain/reconciliation/ledger.ts';
import type { Movement } from '../../domain/reconciliation/movements.ts';
import type { Sql } from './database.ts';
import { remade } from './database.ts';

/** The movements of one SKU in one commit. */
export interface CommitEntries {
  readonly sku: string;
  /** Version of the first of its events in the commit. */
  readonly firstVersion: number;
  readonly seq: number;
  readonly atMs: number;
  readonly movements: readonly Movement[];
}

export interface LedgerLine {
  readonly id: number;
  readonly sku: string;
  readonly location: string;
  readonly opening: number;
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
  #statements: ReturnType<typeof prepared>;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#statements = prepared(sql);
  }

  /** Forgets everything if what is stored comes from another journal. */
  belongTo(epoch: string): void {
    const stored = this.#statements.meta.get('epoch') as { value: string } | undefined;
    if (stored?.value === epoch) return;
    remade(this.#sql);
    this.#statements = prepared(this.#sql);
    this.#statements.setMeta.run('epoch', epoch);
  }

  /** Sequence up to which the partition has been read; 0: not at all. */
  position(partition: number): number {
    const stored = this.#statements.position.get(partition) as { seq: number } | undefined;
    return stored?.seq ?? 0;
  }

  /** Records commits of one partition, read up to `seq`. */
  append(partition: number, commits: readonly CommitEntries[], seq: number): void {
    this.#sql.transaction(() => {
      for (const commit of commits) this.#appendCommit(commit);
      this.#statements.setPosition.run(partition, seq);
    })();
  }

  #appendCommit({ sku, firstVersion, seq, atMs, movements }: CommitEntries): void {
    for (const movement of movements) {
      const line = this.#lineFor(sku, movement.location, firstVersion);
      const { delta, occurredAtMs, channel, document, evidence } = movement;
      const isCorrection = evidence === undefined ? 0 : 1;
      this.#statements.addEntry.run(
        ...[line, delta, occurredAtMs, atMs, seq, channel, document, isCorrection],
      );
      if (evidence === undefined) continue;
      this.#statements.addCorrection.run(seq, line, delta, atMs, JSON.stringify(evidence));
    }
  }

  #lineFor(sku: string, location: string, firstVersion: number): number {
    const known = this.#statements.lineId.get(sku, location) as { id: number } | undefined;
    if (known !== undefined) return known.id;
    const other = this.#statements.anyLine.get(sku) as { isTruncated: number } | undefined;
    const isTruncated = other === undefined ? firstVersion > 1 : other.isTruncated === 1;
    const added = this.#statements.addLine.run(sku, location, isTruncated ? 1 : 0);
    return Number(added.lastInsertRowid);
  }

  line(sku: string, location: string): LedgerLine | undefined {
    return asLine(this.#statements.line.get(sku, location));
  }

  entries(line: number): LedgerEntry[] {
    return (this.#statements.entries.all(line) as EntryRow[]).map(asEntry);
  }

  corrections(line: number): RecordedCorrection[] {
    const rows = this.#statements.corrections.all(line) as CorrectionRow[];
    return rows.map(({ seq, delta, evidence }) => ({ seq, delta, evidence: JSON.parse(evidence) }));
  }

  /** Last sequence at which the document moved something in the lane; undefined: it is not known. */
  sequenceOf(lane: string, document: string): number | undefined {
    const found = this.#statements.documentSeq.get(document, lane) as { seq: number | null };
    return found.seq ?? undefined;
  }

  /** Records that the ERP has posted a document; answers how many entries that are. */
  acknowledge(document: string, lane: string | undefined, postedAtMs: number): number {
    return lane === undefined
      ? this.#statements.postedAnywhere.run(postedAtMs, document).changes
      : this.#statements.posted.run(postedAtMs, document, lane).changes;
  }

  /** Adds to the opening balance of a line what happened and was recorded before `beforeMs`. */
  fold(line: number, beforeMs: number): void {
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
  readonly id: number;
  readonly line: number;
  readonly delta: number;
  readonly occurredAtMs: number;
  readonly recordedAtMs: number;
  readonly seq: number;
  readonly lane: string;
  readonly document: string;
  readonly postedAtMs: number | null;
  readonly isCorrection: number;
}

interface CorrectionRow {
  readonly seq: number;
  readonly delta: number;
  readonly evidence: string;
}

function asEntry(row: EntryRow): LedgerEntry {
  const { delta, occurredAtMs, recordedAtMs, seq, lane, document, postedAtMs } = row;
  const entry = { delta, occurredAtMs, recordedAtMs, seq, lane, document };
  if (row.isCorrection === 1) return { ...entry, correction: true };
  return postedAtMs === null ? entry : { ...entry, postedAtMs };
}

function asLine(row: unknown): LedgerLine | undefined {
  if (row === undefined) return undefined;
  const { isTruncated, ...line } = row as Omit<LedgerLine, 'isTruncated'> & { isTruncated: number };
  return { ...line, isTruncated: isTruncated === 1 };
}

function prepared(sql: Sql) {
  const one = (text: string) => sql.prepare(text);
  return {
    meta: one('SELECT value FROM meta WHERE key = ?'),
    setMeta: one('INSERT OR REPLACE INTO meta VALUES (?, ?)'),
    position: one('SELECT seq FROM position WHERE partition = ?'),
    setPosition: one('INSERT OR REPLACE INTO position VALUES (?, ?)'),
    line: one(
      'SELECT id, sku, location, opening, isTruncated FROM line WHERE sku = ? AND location = ?',
    ),
    lineId: one('SELECT id FROM line WHERE sku = ? AND location = ?'),
    anyLine: one('SELECT isTruncated FROM line WHERE sku = ? LIMIT 1'),
    addLine: one('INSERT INTO line (sku, location, opening, isTruncated) VALUES (?, ?, 0, ?)'),
    addEntry: one(
      `INSERT INTO entry (line, delta, occurredAtMs, recordedAtMs, seq, lane, document, isCorrection)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    addCorrection: one('INSERT INTO correction VALUES (?, ?, ?, ?, ?)'),
    entries: one('SELECT * FROM entry WHERE line = ?'),
    corrections: one('SELECT seq, delta, evidence FROM correction WHERE line = ? ORDER BY seq'),
    documentSeq: one('SELECT max(seq) AS seq FROM entry WHERE document = ? AND lane = ?'),
    posted: one('UPDATE entry SET postedAtMs = ? WHERE document = ? AND lane = ?'),
    postedAnywhere: one('UPDATE entry SET postedAtMs = ? WHERE document = ?'),
    foldable: one(
      'SELECT sum(delta) AS sum FROM entry WHERE line = ? AND occurredAtMs < ? AND recordedAtMs < ?',
    ),
    open: one('UPDATE line SET opening = opening + ? WHERE id = ?'),
    dropFolded: one('DELETE FROM entry WHERE line = ? AND occurredAtMs < ? AND recordedAtMs < ?'),
    dropCorrections: one('DELETE FROM correction WHERE line = ? AND recordedAtMs < ?'),
  };
}
