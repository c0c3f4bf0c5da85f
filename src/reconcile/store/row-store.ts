/**
 * What stands in the read models, as far as they have been looked at, beside what the journal says
 * of each SKU: so that a run looks only at what has changed since.
 */

import type { Sql } from './database.ts';

/** A SKU after its last event. */
export interface SkuFacts {
  readonly sku: string;
  /** Journal sequence of its last commit. */
  readonly seq: number;
  readonly version: number;
  readonly onHand: number;
  readonly reserved: number;
  /** Of `inv_stock`. */
  readonly available: number;
  /** A policy has been set: what a channel sees is more than arithmetic on these. */
  readonly hasPolicy: boolean;
}

export class RowStore {
  readonly #sql: Sql;
  readonly #statements;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#statements = {
      facts: sql.prepare('SELECT * FROM sku WHERE sku = ?'),
      count: sql.prepare('SELECT count(*) AS count FROM sku'),
      looked: sql.prepare('SELECT revision FROM looked WHERE bucket = ?'),
      setLooked: sql.prepare('INSERT OR REPLACE INTO looked VALUES (?, ?)'),
      put: sql.prepare('INSERT OR REPLACE INTO standing VALUES (?, ?, ?)'),
      forget: sql.prepare('DELETE FROM standing WHERE bucket = ?'),
      after: sql.prepare(
        `SELECT sku.*, standing.shows FROM sku
         LEFT JOIN standing ON standing.bucket = @bucket AND standing.sku = sku.sku
         WHERE sku.sku > @after ORDER BY sku.sku LIMIT @count`,
      ),
      one: sql.prepare(
        `SELECT sku.*, standing.shows FROM sku
         LEFT JOIN standing ON standing.bucket = @bucket AND standing.sku = sku.sku
         WHERE sku.sku = @sku`,
      ),
    };
  }

  facts(sku: string): SkuFacts | undefined {
    return asFacts(this.#statements.facts.get(sku));
  }

  skuCount(): number {
    return (this.#statements.count.get() as { count: number }).count;
  }

  /** Revision up to which the bucket has been looked at; undefined: it never was. */
  lookedTo(bucket: string): number | undefined {
    const row = this.#statements.looked.get(bucket) as { revision: number } | undefined;
    return row?.revision;
  }

  /** Records what stands, and how far that has been looked at. `anew`: nothing else stands. */
  look(bucket: string, rows: ReadonlyMap<string, string>, revision: number, anew: boolean): void {
    this.#sql.transaction(() => {
      if (anew) this.#statements.forget.run(bucket);
      for (const [sku, shows] of rows) this.#statements.put.run(bucket, sku, shows);
      this.#statements.setLooked.run(bucket, revision);
    })();
  }

  /** SKUs behind a name in order, each with what its row shows; undefined: it has none. */
  after(sku: string, bucket: string, count: number): (readonly [SkuFacts, string | undefined])[] {
    const rows = this.#statements.after.all({ after: sku, bucket, count });
    return rows.map((row) => [asFacts(row) as SkuFacts, showsOf(row)] as const);
  }

  one(sku: string, bucket: string): readonly [SkuFacts | undefined, string | undefined] {
    const row = this.#statements.one.get({ sku, bucket });
    return [asFacts(row), showsOf(row)];
  }
}

function showsOf(row: unknown): string | undefined {
  return (row as { shows: string | null } | undefined)?.shows ?? undefined;
}

function asFacts(row: unknown): SkuFacts | undefined {
  if (row === undefined) return undefined;
  const { sku, seq, version, onHand, reserved, available, hasPolicy } = row as SkuFacts;
  return { sku, seq, version, onHand, reserved, available, hasPolicy: Boolean(hasPolicy) };
}
