/**
 * What is remembered of a source's snapshots: their windows, and per line only what still matters
 * (`domain/reconciliation/history.ts`). Snapshots are numbered; histories would be long otherwise.
 */

import type { LineHistory } from '../../domain/reconciliation/history.ts';
import type { Observation, SnapshotWindow } from '../../domain/reconciliation/ledger.ts';
import type { Sql } from './database.ts';

interface StoredObservation {
  readonly s: number;
  readonly q: number;
}

interface StoredHistory {
  readonly a?: StoredObservation;
  readonly r: readonly StoredObservation[];
  readonly e?: NonNullable<LineHistory['explained']>;
}

/** Columns in which a line's history is stored: either of them, or none. */
export interface HistoryRow {
  readonly history: string | null;
  readonly agreedQty: number | null;
  readonly agreedIn: number | null;
}

const snapshotsKept = 200;

export class HistoryStore {
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

  /** Takes the snapshot's window into the histories that will be remembered, and forgets the oldest. */
  know(window: SnapshotWindow): void {
    const added = this.#statements.addSnapshot.get(
      ...[this.#source, window.snapshotId, encodeWindow(window)],
    ) as { number: number };
    this.#know(added.number, window);
    const oldest = added.number - snapshotsKept;
    this.#statements.dropSnapshots.run(this.#source, oldest);
    for (const [number, old] of this.#windows) {
      if (number >= oldest) continue;
      this.#windows.delete(number);
      this.#numbers.delete(old);
    }
  }

  #know(number: number, window: SnapshotWindow): void {
    this.#windows.set(number, window);
    this.#numbers.set(window, number);
  }

  /** The window of a snapshot that is still remembered. */
  windowOf(snapshotId: string): SnapshotWindow | undefined {
    return [...this.#windows.values()].findLast((window) => window.snapshotId === snapshotId);
  }

  /** Throws for a snapshot that has not been taken in by `know`. */
  numberOf(window: SnapshotWindow): number {
    const number = this.#numbers.get(window);
    if (number === undefined) throw new Error(`snapshot ${window.snapshotId} is not known`);
    return number;
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

  historyOf({ history, agreedQty, agreedIn }: HistoryRow): LineHistory {
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

  #encode({ window, qty }: Observation): StoredObservation {
    return { s: this.numberOf(window), q: qty };
  }

  /** Undefined: the snapshot is no longer remembered. */
  #decode({ s, q }: StoredObservation): Observation | undefined {
    const window = this.#windows.get(s);
    return window === undefined ? undefined : { window, qty: q };
  }
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
    agree: sql.prepare('INSERT OR REPLACE INTO agreed VALUES (?, ?, ?, ?)'),
    forget: sql.prepare('DELETE FROM history WHERE source = ? AND line = ?'),
    remember: sql.prepare('INSERT OR REPLACE INTO history VALUES (?, ?, ?)'),
    breakStreaks: sql.prepare(
      "UPDATE history SET value = json_set(value, '$.r', json('[]')) WHERE source = ?",
    ),
  };
}
