/**
 * What stands in the read models, as far as they have been looked at, beside what the journal says
 * they should show: compared in bulk.
 *
 * 1. A row is sound if it shows what follows from the SKU's totals and is no newer than the SKU, or if
 *    the owner has called it sound and neither the row nor the SKU has changed since.
 */

import { skuKeyOf } from '../../domain/names.ts';
import { expectedOf, type ShownRow, type SkuTotals } from '../row-reading.ts';
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
  readonly key: string;
  readonly revision: number;
}

/** A row that is not known to be sound; revision 0: there is none, seq 0: the SKU is not known. */
export interface SuspectRow {
  readonly key: string;
  readonly revision: number;
  readonly seq: number;
}

/** isLacking: there is no row, or a deleted one. */
type FoundRow = SuspectRow & { readonly isLacking: 0 | 1 };

/** Who knows what the rows of a bucket should show. */
export type Knower = 'stock' | 'view' | 'owner';

const keysPerPiece = 5_000;

export class RowStore {
  readonly #sql: Sql;
  readonly #statements;

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
    this.#statements.record.run(...[skuKeyOf(sku), seq, after.version, stock, view, ...flags]);
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
    return this.#statements.rowCount.pluck().get(bucket) as number;
  }

  /** Nothing is known of the bucket any more. */
  forget(bucket: string): void {
    this.#sql.transaction(() => {
      this.#statements.forgetRows.run(bucket);
      this.#statements.forgetLooked.run(bucket);
    })();
  }

  /** Records rows as they stand. */
  put(bucket: string, rows: readonly LookedRow[]): void {
    this.#sql.transaction(() => {
      for (const { key, revision, shows, version, seq } of rows) {
        this.#statements.put.run(bucket, key, revision, shows, version, seq);
      }
    })();
  }

  /** All rows up to here have been recorded. */
  setLookedTo(bucket: string, revision: number): void {
    this.#statements.setLooked.run(bucket, revision);
  }

  /** Rows that are not known to be sound, a piece at a time. */
  *suspects(bucket: string, knower: Knower): Generator<readonly SuspectRow[]> {
    const suspects = this.#statements.suspects[knower];
    let lacking = 0;
    for (let after = ''; ; ) {
      const end = this.#statements.pieceEnd.pluck().get(after) as string | null;
      if (end === null) break;
      const piece = suspects.all({ bucket, after, upTo: end }) as FoundRow[];
      for (const { isLacking } of piece) lacking += isLacking;
      yield piece;
      after = end;
    }
    // A row for every SKU that does not lack one, and no more: then there is no stranger to look for.
    const present = this.#statements.presentCount.pluck().get(bucket) as number;
    if (present === this.skuCount() - lacking) return;
    yield this.#statements.strangers.all({ bucket }) as SuspectRow[];
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
    presentCount: sql.prepare("SELECT count(*) FROM standing WHERE bucket = ? AND shows <> 'gone'"),
    rowCount: sql.prepare('SELECT count(*) FROM standing WHERE bucket = ?'),
    forgetRows: sql.prepare('DELETE FROM standing WHERE bucket = ?'),
    put: sql.prepare('INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?, ?, -1)'),
    pieceEnd: sql.prepare(
      `SELECT max(key) FROM (SELECT key FROM sku WHERE key > ? ORDER BY key LIMIT ${keysPerPiece})`,
    ),
    suspects: byKnower(
      (knower) =>
        `${suspectRows(knower)} AND sku.key > @after AND sku.key <= @upTo ORDER BY sku.key`,
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
