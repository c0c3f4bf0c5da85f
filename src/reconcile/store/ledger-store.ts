/**
 * The ledger by line (SKU and location), as far as the journal has been read.
 *
 * 1. A commit's entries and the partition's position are written together, and what lies at or below
 *    the position is left out: nothing counts twice, also when two readings overlap.
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
  /** The SKU's totals after the commit. */
  readonly after: {
    readonly version: number;
    readonly onHand: number;
    readonly reserved: number;
    readonly available: number;
  };
  readonly setsPolicy: boolean;
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

/** A document that the ERP says it has posted: exactly then, or by then. */
export interface PostedDocument {
  readonly document: string;
  /** Absent: of any lane. */
  readonly lane?: string;
  readonly atMs: number;
  readonly isExact: boolean;
}

/** An ERP also posts what is none of ours: only the newest are worth another try. */
const unmatchedMax = 5_000;
const changedMax = 200_000;
const lanePostedKeptMs = 48 * 60 * 60_000;

export class LedgerStore {
  readonly #sql: Sql;
  #statements: ReturnType<typeof prepared>;
  /** SKUs that have changed since somebody asked; undefined: more than we keep, or not known. */
  #changed: Set<string> | undefined;

  constructor(sql: Sql) {
    this.#sql = sql;
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
    remade(this.#sql);
    this.#statements = prepared(this.#sql);
    this.#changed = undefined;
  }

  /** Sequence up to which the partition has been read; 0: not at all. */
  position(partition: number): number {
    const stored = this.#statements.position.get(partition) as { seq: number } | undefined;
    return stored?.seq ?? 0;
  }

  /** Records commits of one partition, read up to `seq`; those that are known already are left out. */
  append(partition: number, commits: readonly CommitEntries[], seq: number): void {
    this.#sql.transaction(() => {
      const known = this.position(partition);
      for (const commit of commits) {
        if (commit.seq <= known) continue;
        const { version, onHand, reserved, available } = commit.after;
        const hasPolicy = commit.setsPolicy ? 1 : 0;
        // Of the first commit that we see of it: later ones do not change it.
        const isTruncated = commit.firstVersion > 1 ? 1 : 0;
        this.#statements.setSku.run(
          ...[commit.sku, commit.seq, version, onHand, reserved, available, hasPolicy, isTruncated],
        );
        this.#changed?.add(commit.sku);
        this.#appendCommit(commit);
      }
      if ((this.#changed?.size ?? 0) > changedMax) this.#changed = undefined;
      if (seq > known) this.#statements.setPosition.run(partition, seq);
    })();
  }

  #appendCommit({ sku, seq, atMs, movements }: CommitEntries): void {
    for (const movement of movements) {
      const line = this.#lineFor(sku, movement.location);
      const { delta, occurredAtMs, channel, document, evidence } = movement;
      const isCorrection = evidence === undefined ? 0 : 1;
      this.#statements.addEntry.run(
        ...[line, delta, occurredAtMs, atMs, seq, channel, document, isCorrection],
      );
      if (evidence === undefined) continue;
      this.#statements.addCorrection.run(seq, line, delta, atMs, JSON.stringify(evidence));
    }
  }

  #lineFor(sku: string, location: string): number {
    const known = this.#statements.lineId.get(sku, location) as { id: number } | undefined;
    if (known !== undefined) return known.id;
    return Number(this.#statements.addLine.run({ sku, location }).lastInsertRowid);
  }

  /** The SKUs that have changed since `forgetChanged`; undefined: any may have. */
  get changedSkus(): ReadonlySet<string> | undefined {
    return this.#changed;
  }

  /** These have been looked at; all of them, where it was not known which. */
  forgetChanged(looked: ReadonlySet<string> | undefined): void {
    if (looked === undefined || this.#changed === undefined) this.#changed = new Set();
    else for (const sku of looked) this.#changed.delete(sku);
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

  /** Records that the ERP has posted a document; answers the entries that belong to it. */
  acknowledge({ document, lane, atMs, isExact }: PostedDocument): LedgerEntry[] {
    const found = (this.#statements.ofDocument.all(document) as EntryRow[]).filter(
      (row) => row.isCorrection === 0 && (lane === undefined || row.lane === lane),
    );
    for (const { id } of found) this.#statements.posted.run(atMs, isExact ? 1 : 0, id);
    return found.map(asEntry);
  }

  /** Sequence up to which the source's acknowledgements have been taken. */
  acknowledgedTo(source: string): number {
    const row = this.#statements.acknowledged.get(source) as { seq: number } | undefined;
    return row?.seq ?? 0;
  }

  /** Acknowledgements whose documents were not known when they came. */
  unmatchedAcknowledgements(source: string): PostedDocument[] {
    const row = this.#statements.acknowledged.get(source) as { unmatched: string } | undefined;
    return row === undefined ? [] : JSON.parse(row.unmatched);
  }

  acknowledged(source: string, seq: number, unmatched: readonly PostedDocument[]): void {
    const kept = JSON.stringify(unmatched.slice(-unmatchedMax));
    this.#statements.setAcknowledged.run(source, seq, kept);
  }

  laneIsPosted(source: string, lane: string, throughMs: number, saidAtMs: number): void {
    this.#statements.addLanePosted.run(source, lane, throughMs, saidAtMs);
    this.#statements.dropLanePosted.run(source, saidAtMs - lanePostedKeptMs);
  }

  /** Per lane, the latest time up to which the source had said, by `atMs`, that all is posted. */
  lanesPosted(source: string, atMs: number): ReadonlyMap<string, number> {
    const rows = this.#statements.lanesPosted.all(source, atMs) as { lane: string; ms: number }[];
    return new Map(rows.map(({ lane, ms }) => [lane, ms]));
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
  readonly id: number;
  readonly line: number;
  readonly delta: number;
  readonly occurredAtMs: number;
  readonly recordedAtMs: number;
  readonly seq: number;
  readonly lane: string;
  readonly document: string;
  readonly postedMs: number | null;
  readonly postedIsExact: number | null;
  readonly isCorrection: number;
}

interface CorrectionRow {
  readonly seq: number;
  readonly delta: number;
  readonly evidence: string;
}

function asEntry(row: EntryRow): LedgerEntry {
  const { delta, occurredAtMs, recordedAtMs, seq, lane, document, postedMs } = row;
  const entry = { delta, occurredAtMs, recordedAtMs, seq, lane, document };
  if (row.isCorrection === 1) return { ...entry, correction: true };
  if (postedMs === null) return entry;
  return row.postedIsExact === 1
    ? { ...entry, postedAtMs: postedMs }
    : { ...entry, postedByMs: postedMs };
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
    setSku: one(
      `INSERT INTO sku VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       seq = excluded.seq, version = excluded.version, onHand = excluded.onHand,
       reserved = excluded.reserved, available = excluded.available,
       hasPolicy = max(hasPolicy, excluded.hasPolicy)`,
    ),
    line: one(
      'SELECT id, sku, location, opening, isTruncated FROM line WHERE sku = ? AND location = ?',
    ),
    lineId: one('SELECT id FROM line WHERE sku = ? AND location = ?'),
    addLine: one(
      `INSERT INTO line (sku, location, opening, isTruncated)
       SELECT sku, @location, 0, isTruncated FROM sku WHERE sku = @sku`,
    ),
    addEntry: one(
      `INSERT INTO entry (line, delta, occurredAtMs, recordedAtMs, seq, lane, document, isCorrection)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    addCorrection: one('INSERT INTO correction VALUES (?, ?, ?, ?, ?)'),
    entries: one('SELECT * FROM entry WHERE line = ?'),
    corrections: one('SELECT seq, delta, evidence FROM correction WHERE line = ? ORDER BY seq'),
    documentSeq: one('SELECT max(seq) AS seq FROM entry WHERE document = ? AND lane = ?'),
    ofDocument: one('SELECT * FROM entry WHERE document = ?'),
    posted: one('UPDATE entry SET postedMs = ?, postedIsExact = ? WHERE id = ?'),
    acknowledged: one('SELECT seq, unmatched FROM acknowledged WHERE source = ?'),
    setAcknowledged: one('INSERT OR REPLACE INTO acknowledged VALUES (?, ?, ?)'),
    addLanePosted: one('INSERT INTO lanePosted VALUES (?, ?, ?, ?)'),
    dropLanePosted: one('DELETE FROM lanePosted WHERE source = ? AND saidAtMs < ?'),
    lanesPosted: one(
      `SELECT lane, max(throughMs) AS ms FROM lanePosted WHERE source = ? AND saidAtMs <= ?
       GROUP BY lane`,
    ),
    foldable: one(
      'SELECT sum(delta) AS sum FROM entry WHERE line = ? AND occurredAtMs < ? AND recordedAtMs < ?',
    ),
    open: one('UPDATE line SET opening = opening + ? WHERE id = ?'),
    dropFolded: one('DELETE FROM entry WHERE line = ? AND occurredAtMs < ? AND recordedAtMs < ?'),
    dropCorrections: one('DELETE FROM correction WHERE line = ? AND recordedAtMs < ?'),
  };
}
