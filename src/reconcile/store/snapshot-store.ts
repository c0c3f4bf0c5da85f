/**
 * The snapshot that is being compared, and what is remembered of earlier ones: per line only what
 * still matters (`domain/reconciliation/history.ts`).
 */

import type { LineHistory } from '../../domain/reconciliation/history.ts';
import type { Observation, SnapshotWindow } from '../../domain/reconciliation/ledger.ts';
import type { ErpLine } from '../../ports.ts';
import type { Sql } from './database.ts';

/** A line of the staged snapshot, with the ledger's line if there is one. */
export interface StagedLine {
  readonly sku: string;
  readonly location: string;
  readonly qty: number;
  readonly packSize?: number;
  readonly line?: { readonly id: number; readonly opening: number; readonly isTruncated: boolean };
  /** Whether the ledger has entries that are not in the opening balance. */
  readonly hasEntries: boolean;
  readonly history: LineHistory;
}

/** How a snapshot is named in histories: they would be long otherwise. */
interface StoredObservation {
  readonly s: number;
  readonly q: number;
}
interface StoredHistory {
  readonly a?: StoredObservation;
  readonly r: readonly StoredObservation[];
  readonly e?: NonNullable<LineHistory['explained']>;
}

const snapshotsKept = 200;

export class SnapshotStore {
  readonly #sql: Sql;
  readonly #source: string;
  readonly #statements;
  /** Windows by number, and numbers by window, of the snapshots that histories speak of. */
  readonly #windows = new Map<number, SnapshotWindow>();
  readonly #numbers = new Map<SnapshotWindow, number>();

  constructor(sql: Sql, source: string) {
    this.#sql = sql;
    this.#source = source;
    this.#statements = prepared(sql);
    this.reload();
  }

  /** Reads again what is remembered of snapshots: the tables have been made anew. */
  reload(): void {
    this.#windows.clear();
    this.#numbers.clear();
    const rows = this.#statements.snapshots.all(this.#source) as {
      number: number;
      window: string;
    }[];
    for (const { number, window } of rows) this.#know(number, decodeWindow(window));
  }

  /** Begins a snapshot: what was staged before is gone. */
  clear(): void {
    this.#sql.exec('DELETE FROM staged');
  }

  stage(lines: readonly ErpLine[]): void {
    this.#sql.transaction(() => {
      for (const { sku, location, qty, packSize = null } of lines) {
        this.#statements.stage.run(sku, location, qty, packSize);
      }
    })();
  }

  /** The staged lines with numbers in `(after, after + count]`, in order. */
  staged(after: number, count: number): StagedLine[] {
    const source = this.#source;
    const rows = this.#statements.staged.all({ source, after, upTo: after + count });
    return (rows as StagedRow[]).map((row) => this.#asStaged(row));
  }

  stagedLine(sku: string, location: string): StagedLine | undefined {
    const row = this.#statements.stagedLine.get({ source: this.#source, sku, location });
    return row === undefined ? undefined : this.#asStaged(row as StagedRow);
  }

  /** Lines of the ledger at the given locations that the snapshot does not have. */
  missing(locations: readonly string[]): number {
    const { count } = this.#statements.missing.get(JSON.stringify(locations)) as { count: number };
    return count;
  }

  /** Records that the staged lines with numbers in `(after, after + count]` are compared now. */
  markCompared(after: number, count: number, nowMs: number): void {
    this.#statements.markCompared.run({ after, upTo: after + count, nowMs });
  }

  /** Time of the comparison that is longest ago, and how many lines never had one. */
  comparisons(): { readonly oldestMs: number | undefined; readonly never: number } {
    const { oldest, never } = this.#statements.comparisons.get() as {
      oldest: number | null;
      never: number;
    };
    return { oldestMs: oldest ?? undefined, never };
  }

  /** Takes the snapshot's window into the histories that will be remembered. */
  know(window: SnapshotWindow): void {
    const added = this.#statements.addSnapshot.get(
      this.#source,
      window.snapshotId,
      encodeWindow(window),
    ) as { number: number };
    this.#know(added.number, window);
    this.#statements.dropSnapshots.run(this.#source, added.number - snapshotsKept);
  }

  /** The window of a snapshot that is still remembered. */
  windowOf(snapshotId: string): SnapshotWindow | undefined {
    return [...this.#windows.values()].findLast((window) => window.snapshotId === snapshotId);
  }

  #know(number: number, window: SnapshotWindow): void {
    this.#windows.set(number, window);
    this.#numbers.set(window, number);
  }

  /** Remembers histories of lines. */
  remember(histories: readonly (readonly [line: number, history: LineHistory])[]): void {
    this.#sql.transaction(() => {
      for (const [line, history] of histories) this.#rememberOne(line, history);
    })();
  }

  #rememberOne(line: number, { anchor, recent, explained }: LineHistory): void {
    const source = this.#source;
    if (recent.length === 0 && explained === undefined) {
      if (anchor === undefined) return;
      const { s, q } = this.#encode(anchor);
      this.#statements.agree.run(source, line, q, s);
      this.#statements.forget.run(source, line);
      return;
    }
    const stored: StoredHistory = {
      ...(anchor === undefined ? {} : { a: this.#encode(anchor) }),
      r: recent.map((observation) => this.#encode(observation)),
      ...(explained === undefined ? {} : { e: explained }),
    };
    this.#statements.remember.run(source, line, JSON.stringify(stored));
  }

  /** Whether the last snapshot that we have compared is the one that the cluster knows as its last. */
  wasLastCompared(snapshotId: string | undefined): boolean {
    const last = this.#statements.lastSnapshot.get(this.#source) as
      | { snapshotId: string }
      | undefined;
    return last?.snapshotId === snapshotId;
  }

  /** Another reconciler has compared snapshots that we have not seen: ours are not in a row. */
  breakStreaks(): void {
    this.#statements.breakStreaks.run(this.#source);
  }

  #asStaged(row: StagedRow): StagedLine {
    const { sku, location, qty, packSize, id, opening } = row;
    return {
      sku,
      location,
      qty,
      ...(packSize === null ? {} : { packSize }),
      ...(id === null || opening === null
        ? {}
        : { line: { id, opening, isTruncated: row.isTruncated === 1 } }),
      hasEntries: row.hasEntries === 1,
      history: this.#historyOf(row),
    };
  }

  #historyOf({ history, agreedQty, agreedIn }: StagedRow): LineHistory {
    const agreed =
      agreedQty === null || agreedIn === null
        ? undefined
        : this.#decode({ s: agreedIn, q: agreedQty });
    if (history === null)
      return agreed === undefined ? { recent: [] } : { anchor: agreed, recent: [] };
    const { a, r, e } = JSON.parse(history) as StoredHistory;
    const anchor = (a && this.#decode(a)) ?? agreed;
    return {
      ...(anchor === undefined ? {} : { anchor }),
      recent: r.flatMap((observation) => this.#decode(observation) ?? []),
      ...(e === undefined ? {} : { explained: e }),
    };
  }

  #encode({ window, qty }: Observation): StoredObservation {
    const number = this.#numbers.get(window);
    if (number === undefined) throw new Error(`snapshot ${window.snapshotId} is not known`);
    return { s: number, q: qty };
  }

  /** Undefined: the snapshot is no longer remembered. */
  #decode({ s, q }: StoredObservation): Observation | undefined {
    const window = this.#windows.get(s);
    return window === undefined ? undefined : { window, qty: q };
  }
}

interface StagedRow {
  readonly sku: string;
  readonly location: string;
  readonly qty: number;
  readonly packSize: number | null;
  readonly id: number | null;
  readonly opening: number | null;
  readonly isTruncated: number | null;
  readonly hasEntries: number;
  readonly history: string | null;
  readonly agreedQty: number | null;
  readonly agreedIn: number | null;
}

function encodeWindow({ watermarks, postedThrough, ...window }: SnapshotWindow): string {
  const maps = { watermarks: [...watermarks], postedThrough: [...(postedThrough ?? [])] };
  return JSON.stringify({ ...window, ...maps });
}

function decodeWindow(text: string): SnapshotWindow {
  const { watermarks, postedThrough, ...window } = JSON.parse(text);
  const maps = { watermarks: new Map(watermarks), postedThrough: new Map(postedThrough) };
  return { ...window, ...maps } as SnapshotWindow;
}

const stagedColumns = `
  SELECT s.sku, s.location, s.qty, s.packSize, l.id, l.opening, l.isTruncated,
    EXISTS (SELECT 1 FROM entry WHERE line = l.id) AS hasEntries,
    h.value AS history, a.qty AS agreedQty, a.snapshot AS agreedIn
  FROM staged s
  LEFT JOIN line l ON l.sku = s.sku AND l.location = s.location
  LEFT JOIN history h ON h.source = @source AND h.line = l.id
  LEFT JOIN agreed a ON a.source = @source AND a.line = l.id`;

function prepared(sql: Sql) {
  return {
    snapshots: sql.prepare('SELECT number, window FROM snapshot WHERE source = ?'),
    addSnapshot: sql.prepare(
      `INSERT INTO snapshot (source, snapshotId, window) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET window = excluded.window RETURNING number`,
    ),
    lastSnapshot: sql.prepare(
      'SELECT snapshotId FROM snapshot WHERE source = ? ORDER BY number DESC LIMIT 1',
    ),
    dropSnapshots: sql.prepare('DELETE FROM snapshot WHERE source = ? AND number < ?'),
    stage: sql.prepare('INSERT INTO staged (sku, location, qty, packSize) VALUES (?, ?, ?, ?)'),
    staged: sql.prepare(`${stagedColumns} WHERE s.id > @after AND s.id <= @upTo ORDER BY s.id`),
    stagedLine: sql.prepare(`${stagedColumns} WHERE s.sku = @sku AND s.location = @location`),
    missing: sql.prepare(
      `SELECT count(*) AS count FROM line l WHERE l.location IN (SELECT value FROM json_each(?))
       AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.sku = l.sku AND s.location = l.location)`,
    ),
    markCompared: sql.prepare(
      `UPDATE line SET comparedAtMs = @nowMs FROM staged s WHERE s.id > @after AND s.id <= @upTo
       AND line.sku = s.sku AND line.location = s.location`,
    ),
    comparisons: sql.prepare(
      `SELECT min(nullif(comparedAtMs, 0)) AS oldest,
         coalesce(sum(comparedAtMs = 0), 0) AS never FROM line`,
    ),
    agree: sql.prepare('INSERT OR REPLACE INTO agreed VALUES (?, ?, ?, ?)'),
    forget: sql.prepare('DELETE FROM history WHERE source = ? AND line = ?'),
    remember: sql.prepare('INSERT OR REPLACE INTO history VALUES (?, ?, ?)'),
    breakStreaks: sql.prepare(
      "UPDATE history SET value = json_set(value, '$.r', json('[]')) WHERE source = ?",
    ),
  };
}
