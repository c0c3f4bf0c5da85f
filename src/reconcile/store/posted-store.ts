/**
 * What one source has said that it has posted: documents, and times up to which whole lanes are posted.
 */

import type { Sql } from './database.ts';

/** A document that the ERP says it has posted: exactly then, or by then. */
export interface PostedDocument {
  readonly document: string;
  /** Absent: of any lane. */
  readonly lane?: string;
  readonly atMs: number;
  readonly isExact: boolean;
}

/** An entry of the ledger that an acknowledgement belongs to. */
export interface PostedEntry {
  readonly id: number;
  readonly lane: string;
  readonly occurredAtMs: number;
}

/** An ERP also posts what is none of ours: only the newest are worth another try. */
export const unmatchedMax = 5_000;
const lanePostedKeptMs = 48 * 60 * 60_000;

export class PostedStore {
  readonly #sql: Sql;
  readonly #source: string;
  readonly #statements;

  constructor(sql: Sql, source: string) {
    this.#sql = sql;
    this.#source = source;
    this.#statements = prepared(sql);
  }

  /** Records that documents are posted; answers the entries that belong to each. */
  acknowledge(
    documents: readonly PostedDocument[],
  ): readonly { readonly one: PostedDocument; readonly entries: readonly PostedEntry[] }[] {
    return this.#sql.transaction(() =>
      documents.map((one) => ({ one, entries: this.#acknowledgeOne(one) })),
    )();
  }

  #acknowledgeOne({ document, lane, atMs, isExact }: PostedDocument): readonly PostedEntry[] {
    const ofDocument = this.#statements.ofDocument.all(document) as PostedEntry[];
    const found = ofDocument.filter((entry) => lane === undefined || entry.lane === lane);
    for (const { id } of found) {
      this.#statements.posted.run(id, this.#source, atMs, isExact ? 1 : 0);
    }
    return found;
  }

  /** Sequence up to which the source's acknowledgements have been taken. */
  get takenTo(): number {
    const row = this.#statements.taken.get(this.#source) as { seq: number } | undefined;
    return row?.seq ?? 0;
  }

  /** Acknowledgements whose documents were not known when they came. */
  unmatched(): PostedDocument[] {
    const row = this.#statements.taken.get(this.#source) as { unmatched: string } | undefined;
    return row === undefined ? [] : JSON.parse(row.unmatched);
  }

  /** All up to here have been taken; the newest of `unmatched` will be tried again. */
  setTakenTo(seq: number, unmatched: readonly PostedDocument[]): void {
    const kept = JSON.stringify(unmatched.slice(-unmatchedMax));
    this.#statements.setTaken.run(this.#source, seq, kept);
  }

  laneIsPosted(lane: string, throughMs: number, saidAtMs: number): void {
    this.#statements.addLane.run(this.#source, lane, throughMs, saidAtMs);
    this.#statements.dropLanes.run(this.#source, saidAtMs - lanePostedKeptMs);
  }

  /** Per lane, the latest time up to which the source had said, by `atMs`, that all is posted. */
  lanesPosted(atMs: number): ReadonlyMap<string, number> {
    const rows = this.#statements.lanes.all(this.#source, atMs) as { lane: string; ms: number }[];
    return new Map(rows.map(({ lane, ms }) => [lane, ms]));
  }
}

function prepared(sql: Sql) {
  return {
    ofDocument: sql.prepare(
      'SELECT id, lane, occurredAtMs FROM entry WHERE document = ? AND correctionOf IS NULL',
    ),
    // An exact time is not given up for one by which it had been posted.
    posted: sql.prepare(
      `INSERT INTO posted VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       ms = excluded.ms, isExact = excluded.isExact WHERE excluded.isExact >= isExact`,
    ),
    taken: sql.prepare('SELECT seq, unmatched FROM acknowledged WHERE source = ?'),
    setTaken: sql.prepare('INSERT OR REPLACE INTO acknowledged VALUES (?, ?, ?)'),
    addLane: sql.prepare('INSERT INTO lanePosted VALUES (?, ?, ?, ?)'),
    dropLanes: sql.prepare('DELETE FROM lanePosted WHERE source = ? AND saidAtMs < ?'),
    lanes: sql.prepare(
      `SELECT lane, max(throughMs) AS ms FROM lanePosted WHERE source = ? AND saidAtMs <= ?
       GROUP BY lane`,
    ),
  };
}
