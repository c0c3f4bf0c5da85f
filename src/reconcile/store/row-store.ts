/**
 * What stands in the read models, as far as they have been looked at, beside what the journal says
 * they should show: compared in bulk.
 *
 * 1. A row is sound if it shows what follows from the SKU's totals and is no newer than the SKU, or if
 *    the owner has called it sound and neither the row nor the SKU has changed since.
 * 2. The rows of one SKU lie side by side: when it has moved, all of them have.
 * 3. What was sound stays sound until the row or its SKU changes: only the first comparison of a
 *    process looks at every row.
 */

import { skuKeyOf } from '../../domain/names.ts';
import { expectedOf, gone, type ShownRow, type SkuTotals } from '../row-reading.ts';
import type { Sql } from './database.ts';

/** One SKU after one commit. */
export interface SkuCommit {
  readonly sku: string;
  readonly seq: number;
  readonly after: SkuTotals;
  readonly setsPolicy: boolean;
  /** Version of the first of its events in the commit. */
  readonly firstVersion: number;
}

/** A row that has been read. */
export interface LookedRow extends ShownRow {
  readonly bucket: string;
  readonly key: string;
  readonly revision: number;
}

/** A row that is not known to be sound; revision 0: there is none, seq 0: the SKU is not known. */
export interface SuspectRow {
  readonly key: string;
  readonly revision: number;
  readonly seq: number;
}

/** Rows of a bucket, and those of them that are not deleted. */
interface Counts {
  rows: number;
  present: number;
}

/** isLacking: there is no row, or a deleted one. */
type FoundRow = SuspectRow & { readonly isLacking: 0 | 1 };

/** Who knows what the rows of a bucket should show. */
export type Knower = 'stock' | 'view' | 'owner';

const keysPerPiece = 1_000;

export class RowStore {
  readonly #sql: Sql;
  readonly #statements;
  /** By bucket, the keys that are not known to be sound; a bucket that is not here: none is. */
  readonly #unsettled = new Map<string, Set<string>>();
  /** By bucket, how many rows there are; counted when somebody asks, and kept from then on. */
  readonly #counts = new Map<string, Counts>();

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#statements = prepared(sql);
  }

  /**
   * Records what the journal says of a SKU after a commit; part of the transaction that reads the
   * journal. Whether its beginning is there is a matter of the first commit that is seen of it.
   */
  record({ sku, seq, after, setsPolicy, firstVersion }: SkuCommit): void {
    const { stock, view } = expectedOf(after);
    const flags = [setsPolicy ? 1 : 0, firstVersion > 1 ? 1 : 0];
    const key = skuKeyOf(sku);
    this.#statements.record.run(...[key, seq, after.version, stock, view, ...flags]);
    for (const keys of this.#unsettled.values()) keys.add(key);
  }

  /** The tables have been made anew. */
  reset(): void {
    this.#unsettled.clear();
    this.#counts.clear();
  }

  skuCount(): number {
    return this.#statements.skuCount.pluck().get() as number;
  }

  /** Revision up to which the bucket has been looked at; undefined: it never was. */
  lookedTo(bucket: string): number | undefined {
    return this.#statements.looked.pluck().get(bucket) as number | undefined;
  }

  /** How many rows the bucket must have, deleted ones included: as many as have been seen. */
  rowCount(bucket: string): number {
    return this.#countsOf(bucket).rows;
  }

  /** Nothing is known of the bucket any more. */
  forget(bucket: string): void {
    this.#unsettled.delete(bucket);
    this.#counts.delete(bucket);
    this.#sql.transaction(() => {
      this.#statements.forgetRows.run(bucket);
      this.#statements.forgetLooked.run(bucket);
    })();
  }

  /** Records rows as they stand. */
  put(rows: readonly LookedRow[]): void {
    try {
      this.#sql.transaction(() => {
        for (const row of rows) this.#putOne(row);
      })();
    } catch (error) {
      // They have counted what is not there.
      this.#counts.clear();
      throw error;
    }
  }

  #putOne({ bucket, key, revision, shows, version, seq }: LookedRow): void {
    const counts = this.#countsOf(bucket);
    const before = this.#statements.shows.pluck().get(key, bucket) as string | undefined;
    if (before === undefined) counts.rows += 1;
    if (before !== undefined && before !== gone) counts.present -= 1;
    if (shows !== gone) counts.present += 1;
    this.#statements.put.run(key, bucket, revision, shows, version, seq);
    this.#unsettled.get(bucket)?.add(key);
  }

  #countsOf(bucket: string): Counts {
    let counts = this.#counts.get(bucket);
    if (counts === undefined) {
      counts = this.#statements.counts.get(bucket) as Counts;
      this.#counts.set(bucket, counts);
    }
    return counts;
  }

  /** All rows up to here have been recorded. */
  setLookedTo(bucket: string, revision: number): void {
    this.#statements.setLooked.run(bucket, revision);
  }

  /** Rows that are not known to be sound, a piece at a time. */
  *suspects(bucket: string, knower: Knower): Generator<readonly SuspectRow[]> {
    let lacking = 0;
    for (const piece of this.#compared(bucket, knower)) {
      for (const { isLacking } of piece) lacking += isLacking;
      yield piece;
    }
    // A row for every SKU that does not lack one, and no more: then there is no stranger to look for.
    if (this.#countsOf(bucket).present === this.skuCount() - lacking) return;
    yield this.#statements.strangers.all({ bucket }) as SuspectRow[];
  }

  /** What is not sound of what may not be; what turns out to be is not compared again. */
  *#compared(bucket: string, knower: Knower): Generator<readonly FoundRow[]> {
    const before = this.#unsettled.get(bucket);
    const unsettled = new Set<string>();
    // What changes between two pieces is noted in the new set.
    this.#unsettled.set(bucket, unsettled);
    let isWhole = false;
    try {
      const pieces = before ? this.#someOf(bucket, knower, before) : this.#allOf(bucket, knower);
      for (const piece of pieces) {
        for (const { key } of piece) unsettled.add(key);
        yield piece;
      }
      isWhole = true;
    } finally {
      // Nobody wanted the rest: what that would have been is not known.
      if (!isWhole) this.#unsettled.delete(bucket);
    }
  }

  *#allOf(bucket: string, knower: Knower): Generator<readonly FoundRow[]> {
    const { pieceEnd, suspects } = this.#statements;
    for (let after = ''; ; ) {
      const end = pieceEnd.pluck().get(after) as string | null;
      if (end === null) return;
      yield suspects[knower].all({ bucket, after, upTo: end }) as FoundRow[];
      after = end;
    }
  }

  *#someOf(
    bucket: string,
    knower: Knower,
    keys: ReadonlySet<string>,
  ): Generator<readonly FoundRow[]> {
    const all = [...keys];
    for (let from = 0; from < all.length; from += keysPerPiece) {
      const keysOfPiece = JSON.stringify(all.slice(from, from + keysPerPiece));
      yield this.#statements.someSuspects[knower].all({ bucket, keys: keysOfPiece }) as FoundRow[];
    }
  }

  /** One row, unless it is known to be sound. */
  suspect(bucket: string, knower: Knower, key: string): SuspectRow | undefined {
    const found = this.#statements.suspect[knower].get({ bucket, key });
    return (found ?? this.#statements.stranger.get({ bucket, key })) as SuspectRow | undefined;
  }

  /** The owner calls the row at this revision sound, as the SKU stands now. */
  confirm(bucket: string, key: string, revision: number): void {
    this.#statements.confirm.run({ bucket, key, revision });
  }
}

/** The text that a row should show; NULL: only the owner knows. */
const expected: Record<Knower, string> = {
  stock: 'sku.stock',
  view: 'CASE WHEN sku.hasPolicy THEN NULL ELSE sku.view END',
  owner: 'NULL',
};

const suspectRows = (knower: Knower) => `
  SELECT sku.key, coalesce(row.revision, 0) AS revision, sku.seq,
    coalesce(row.shows, 'gone') = 'gone' AS isLacking FROM sku
  LEFT JOIN standing AS row ON row.bucket = @bucket AND row.key = sku.key
  WHERE NOT coalesce(row.confirmedSeq >= sku.seq OR (row.shows = ${expected[knower]}
    AND row.version <= sku.version AND row.seq <= sku.seq), FALSE)`;

const strangerRows = `
  SELECT key, revision, 0 AS seq FROM standing WHERE bucket = @bucket AND shows <> 'gone'
  AND NOT EXISTS (SELECT 1 FROM sku WHERE sku.key = standing.key)`;

function prepared(sql: Sql) {
  const byKnower = (text: (knower: Knower) => string) => ({
    stock: sql.prepare(text('stock')),
    view: sql.prepare(text('view')),
    owner: sql.prepare(text('owner')),
  });
  return {
    record: sql.prepare(
      `INSERT INTO sku VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       seq = excluded.seq, version = excluded.version, stock = excluded.stock,
       view = excluded.view, hasPolicy = max(hasPolicy, excluded.hasPolicy)`,
    ),
    skuCount: sql.prepare('SELECT count(*) FROM sku'),
    looked: sql.prepare('SELECT revision FROM looked WHERE bucket = ?'),
    setLooked: sql.prepare('INSERT OR REPLACE INTO looked VALUES (?, ?)'),
    forgetLooked: sql.prepare('DELETE FROM looked WHERE bucket = ?'),
    shows: sql.prepare('SELECT shows FROM standing WHERE key = ? AND bucket = ?'),
    counts: sql.prepare(
      `SELECT count(*) AS rows, coalesce(sum(shows <> 'gone'), 0) AS present FROM standing
       WHERE bucket = ?`,
    ),
    forgetRows: sql.prepare('DELETE FROM standing WHERE bucket = ?'),
    put: sql.prepare('INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?, ?, -1)'),
    pieceEnd: sql.prepare(
      `SELECT max(key) FROM (SELECT key FROM sku WHERE key > ? ORDER BY key LIMIT ${keysPerPiece})`,
    ),
    suspects: byKnower(
      (knower) =>
        `${suspectRows(knower)} AND sku.key > @after AND sku.key <= @upTo ORDER BY sku.key`,
    ),
    someSuspects: byKnower(
      (knower) => `${suspectRows(knower)} AND sku.key IN (SELECT value FROM json_each(@keys))`,
    ),
    suspect: byKnower((knower) => `${suspectRows(knower)} AND sku.key = @key`),
    strangers: sql.prepare(strangerRows),
    stranger: sql.prepare(`${strangerRows} AND key = @key`),
    confirm: sql.prepare(
      `UPDATE standing SET confirmedSeq = (SELECT seq FROM sku WHERE key = @key)
       WHERE bucket = @bucket AND key = @key AND revision = @revision
       AND EXISTS (SELECT 1 FROM sku WHERE key = @key)`,
    ),
  };
}
