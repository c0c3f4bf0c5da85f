/**
 * The snapshot of a source that is being compared, beside the ledger's lines.
 *
 * 1. Lines about which there is nothing to judge are settled in bulk; the others are handed out.
 */

import type { LineHistory } from '../../domain/reconciliation/history.ts';
import type { SnapshotWindow } from '../../domain/reconciliation/ledger.ts';
import type { ErpLine } from '../../ports.ts';
import type { Sql } from './database.ts';
import type { HistoryRow, HistoryStore } from './history-store.ts';
import type { LedgerLine } from './ledger-store.ts';

/** A line of the staged snapshot that the ledger has too. */
export interface StagedLine {
  readonly id: number;
  readonly sku: string;
  readonly location: string;
  readonly qty: number;
  readonly packSize?: number;
  readonly line: LedgerLine;
  readonly history: LineHistory;
}

export interface LineName {
  readonly sku: string;
  readonly location: string;
}

/** Lines at a location whose number is ours, with nothing in flight and nothing remembered. */
export interface QuietLines {
  readonly location: string;
  readonly lines: number;
  readonly units: number;
}

/** Ids of staged lines: `(after, upTo]`. */
interface Range {
  readonly after: number;
  readonly upTo: number;
}

const linesPerBulk = 4_000;

export class SnapshotStore {
  readonly #sql: Sql;
  readonly #source: string;
  readonly #histories: HistoryStore;
  readonly #statements;

  constructor(sql: Sql, source: string, histories: HistoryStore) {
    this.#sql = sql;
    this.#source = source;
    this.#histories = histories;
    this.#statements = prepared(sql);
  }

  /** Begins a snapshot: what was staged before is gone. */
  clear(): void {
    // An index that is made at once costs a fifth of one that grows line by line.
    this.#sql.exec('DROP INDEX IF EXISTS stagedName; DELETE FROM staged');
  }

  stage(lines: readonly ErpLine[]): void {
    this.#sql.transaction(() => {
      for (const { sku, location, qty, packSize = null } of lines) {
        this.#statements.stage.run(sku, location, qty, packSize);
      }
    })();
  }

  /** Takes a staged line back: it has turned out to be worth nothing. */
  unstage({ sku, location }: LineName): void {
    this.#index();
    this.#statements.unstage.run(sku, location);
  }

  /** Finds the ledger's lines and what is quiet; `loud` lines are not. In pieces. */
  *match(loud: readonly LineName[]): Generator<void> {
    this.#index();
    for (const range of this.#ranges()) {
      this.#statements.match.run({ source: this.#source, ...range });
      yield;
    }
    for (const { sku, location } of loud) this.#statements.setLoud.run(sku, location);
  }

  #index(): void {
    this.#sql.exec('CREATE INDEX IF NOT EXISTS temp.stagedName ON staged (sku, location)');
  }

  /** How many lines there are of which the ledger has none. */
  unknown(): number {
    return this.#statements.unknown.pluck().get() as number;
  }

  quiet(): readonly QuietLines[] {
    return this.#statements.quiet.all() as QuietLines[];
  }

  /** Remembers that the quiet lines agree, and that all have been compared. In pieces. */
  *rememberCompared(window: SnapshotWindow, nowMs: number): Generator<void> {
    const snapshot = this.#histories.numberOf(window);
    for (const range of this.#ranges()) {
      this.#sql.transaction(() => {
        this.#statements.agree.run({ source: this.#source, snapshot, ...range });
        this.#statements.compared.run({ nowMs, ...range });
      })();
      yield;
    }
  }

  *#ranges(): Generator<Range> {
    const last = (this.#statements.lastId.pluck().get() as number | null) ?? 0;
    for (let after = 0; after < last; after += linesPerBulk) {
      yield { after, upTo: after + linesPerBulk };
    }
  }

  /** Lines behind an id that have to be judged, in order. */
  toJudge(after: number, count: number): StagedLine[] {
    const rows = this.#statements.toJudge.all({ source: this.#source, after, count });
    return (rows as StagedRow[]).map((row) => this.#asStaged(row));
  }

  /** A line that the ledger has too. */
  stagedLine({ sku, location }: LineName): StagedLine | undefined {
    const row = this.#statements.stagedLine.get({ source: this.#source, sku, location });
    return row === undefined ? undefined : this.#asStaged(row as StagedRow);
  }

  /** Lines of the ledger at the given locations that the snapshot does not have. */
  missing(locations: readonly string[]): number {
    return this.#statements.missing.pluck().get({ locations: JSON.stringify(locations) }) as number;
  }

  /** Time of the comparison that is longest ago, and how many lines never had one. */
  comparisons(): { readonly oldestMs: number | undefined; readonly never: number } {
    const { oldest, never } = this.#statements.comparisons.get() as {
      oldest: number | null;
      never: number;
    };
    return { oldestMs: oldest ?? undefined, never };
  }

  #asStaged(row: StagedRow): StagedLine {
    const { id, sku, location, qty, packSize, line, opening, isTruncated } = row;
    return {
      ...{ id, sku, location, qty },
      ...(packSize === null ? {} : { packSize }),
      line: { id: line, opening, isTruncated: isTruncated === 1 },
      history: this.#histories.historyOf(row),
    };
  }
}

interface StagedRow extends HistoryRow {
  readonly id: number;
  readonly sku: string;
  readonly location: string;
  readonly qty: number;
  readonly packSize: number | null;
  readonly line: number;
  readonly opening: number;
  readonly isTruncated: number;
}

const stagedColumns = `
  SELECT s.id, s.sku, s.location, s.qty, s.packSize, s.line, l.opening, l.isTruncated,
    h.value AS history, a.qty AS agreedQty, a.snapshot AS agreedIn
  FROM staged s JOIN line l ON l.id = s.line
  LEFT JOIN history h ON h.source = @source AND h.line = s.line
  LEFT JOIN agreed a ON a.source = @source AND a.line = s.line`;

const inRange = 'staged.id > @after AND staged.id <= @upTo';

function prepared(sql: Sql) {
  return {
    stage: sql.prepare('INSERT INTO staged (sku, location, qty, packSize) VALUES (?, ?, ?, ?)'),
    unstage: sql.prepare('DELETE FROM staged WHERE sku = ? AND location = ?'),
    lastId: sql.prepare('SELECT max(id) FROM staged'),
    match: sql.prepare(
      `UPDATE staged SET line = l.id, isQuiet = l.isTruncated = 0 AND l.opening = staged.qty
         AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.line = l.id)
         AND NOT EXISTS (SELECT 1 FROM history WHERE source = @source AND history.line = l.id)
       FROM line AS l
       WHERE ${inRange} AND l.sku = staged.sku AND l.location = staged.location`,
    ),
    setLoud: sql.prepare('UPDATE staged SET isQuiet = 0 WHERE sku = ? AND location = ?'),
    unknown: sql.prepare('SELECT count(*) FROM staged WHERE line IS NULL'),
    quiet: sql.prepare(
      `SELECT location, count(*) AS lines, sum(max(qty, 0)) AS units FROM staged
       WHERE isQuiet GROUP BY location`,
    ),
    agree: sql.prepare(
      `INSERT OR REPLACE INTO agreed
       SELECT @source, line, qty, @snapshot FROM staged WHERE ${inRange} AND isQuiet`,
    ),
    compared: sql.prepare(
      `UPDATE line SET comparedAtMs = @nowMs
       WHERE id IN (SELECT line FROM staged WHERE ${inRange} AND line IS NOT NULL)`,
    ),
    toJudge: sql.prepare(
      `${stagedColumns} WHERE s.id > @after AND NOT s.isQuiet ORDER BY s.id LIMIT @count`,
    ),
    stagedLine: sql.prepare(`${stagedColumns} WHERE s.sku = @sku AND s.location = @location`),
    missing: sql.prepare(
      `WITH location AS (SELECT value FROM json_each(@locations))
       SELECT (SELECT count(*) FROM line WHERE location IN location)
         - (SELECT count(line) FROM staged WHERE location IN location)`,
    ),
    comparisons: sql.prepare(
      `SELECT min(nullif(comparedAtMs, 0)) AS oldest,
         coalesce(sum(comparedAtMs = 0), 0) AS never FROM line`,
    ),
  };
}
