/**
 * One look at a read model: its rows are read as they stand and held against the journal's totals.
 *
 * 1. What has been read is remembered: a look reads only the rows that were written since, and
 *    compares all. A bucket that has fewer rows than have been seen, or that ends before where it was
 *    read to, has lost something: it is read as a whole.
 */

import type { RowBucket, StandingRow } from '../ports.ts';
import type { Pace } from './pace.ts';
import { shownBy } from './row-reading.ts';
import type { Knower, LookedRow, RowStore } from './store/row-store.ts';

/** A row that is not known to be sound. */
export interface Suspect {
  readonly look: RowLook;
  readonly key: string;
  /** Of the row as it stands; 0: there is none. */
  readonly revision: number;
  /** The SKU's last commit when it was looked at; 0: the SKU is not known. */
  readonly seq: number;
  /** Its owner would have written another row before, at a time when the SKU was moving. */
  readonly hasStood: boolean;
}

/**
 * Rows come in the order of their writing, which is anywhere in the table: many at once, of all
 * buckets, touch each of its pages once.
 */
const rowsPerWrite = 20_000;

/** Rows that have been read, on their way to the store. */
class Batch {
  readonly #rows: RowStore;
  readonly #lookedTo = new Map<string, number>();
  #batch: LookedRow[] = [];

  constructor(rows: RowStore) {
    this.#rows = rows;
  }

  add(row: LookedRow): void {
    this.#batch.push(row);
    if (this.#batch.length >= rowsPerWrite) this.#write();
  }

  /** All of the bucket's rows up to here have been added. */
  readTo(bucket: string, revision: number): void {
    this.#lookedTo.set(bucket, revision);
  }

  end(): void {
    this.#write();
    for (const [bucket, revision] of this.#lookedTo) this.#rows.setLookedTo(bucket, revision);
  }

  #write(): void {
    const byKey = this.#batch.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    this.#batch = [];
    this.#rows.put(byKey);
  }
}

/** Reads what has been written to the buckets since they were read last; a bucket that has lost something, whole. */
export async function readOn(looks: readonly RowLook[], rows: RowStore): Promise<void> {
  const batch = new Batch(rows);
  for (const look of looks) await look.readOn(batch);
  batch.end();
  for (const look of looks) if (await look.hasLost()) await look.readAnew();
}

export class RowLook {
  readonly bucket: RowBucket;
  readonly #rows: RowStore;
  readonly #knower: Knower;

  /** `ownersOnly`: buckets of which only the owner knows what they should show. */
  constructor(bucket: RowBucket, rows: RowStore, ownersOnly: ReadonlySet<string>) {
    this.bucket = bucket;
    this.#rows = rows;
    const isStock = bucket.name === 'stock';
    this.#knower = ownersOnly.has(bucket.name) ? 'owner' : isStock ? 'stock' : 'view';
  }

  /** Everything that is suspect, as the bucket was read last. */
  async suspects(pace: Pace): Promise<Suspect[]> {
    const found: Suspect[] = [];
    for (const piece of this.#rows.suspects(this.bucket.name, this.#knower)) {
      for (const row of piece) found.push({ look: this, ...row, hasStood: false });
      await pace.breathe();
    }
    return found;
  }

  /** Whether an earlier suspect of this bucket still is: neither sound by now nor written again. */
  isStill({ key, revision }: Suspect): boolean {
    return this.#rows.suspect(this.bucket.name, this.#knower, key)?.revision === revision;
  }

  /** Adds the rows that were written since the bucket was read last, and no fewer than that. */
  async readOn(batch: Batch): Promise<void> {
    const { name } = this.bucket;
    const before = this.#rows.lookedTo(name);
    const isSame = before !== undefined && (await this.bucket.extent()).lastRevision >= before;
    if (!isSame) this.#rows.forget(name);
    await this.#scan(isSame ? before : 0, batch);
  }

  /** Whether rows that have been seen are neither there nor deleted. */
  async hasLost(): Promise<boolean> {
    return (await this.bucket.extent()).rows < this.#rows.rowCount(this.bucket.name);
  }

  async readAnew(): Promise<void> {
    this.#rows.forget(this.bucket.name);
    const batch = new Batch(this.#rows);
    await this.#scan(0, batch);
    batch.end();
  }

  async #scan(after: number, batch: Batch): Promise<void> {
    const { name } = this.bucket;
    let revision = after;
    await this.bucket.scan(after, (row) => {
      revision = Math.max(revision, row.revision);
      batch.add(lookedAt(name, row));
    });
    batch.readTo(name, revision);
  }
}

function lookedAt(bucket: string, { key, revision, payload }: StandingRow): LookedRow {
  return { bucket, key, revision, ...shownBy(bucket, key, payload) };
}
