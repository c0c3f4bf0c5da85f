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
 * Rows come in the order of their writing, which is anywhere in the table: many at once touch each of
 * its pages once.
 */
const rowsPerWrite = 20_000;

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

  /** Everything that is suspect. */
  async first(pace: Pace): Promise<Suspect[]> {
    await this.#read();
    const found: Suspect[] = [];
    for (const piece of this.#rows.suspects(this.bucket.name, this.#knower)) {
      for (const row of piece) found.push({ look: this, ...row, hasStood: false });
      await pace.breathe();
    }
    return found;
  }

  /** What is left of earlier suspects of this bucket: neither sound by now nor written again. */
  async again(suspects: readonly Suspect[]): Promise<Suspect[]> {
    const ours = suspects.filter(({ look }) => look === this);
    if (ours.length > 0) await this.#read();
    return ours.filter(({ key, revision }) => {
      return this.#rows.suspect(this.bucket.name, this.#knower, key)?.revision === revision;
    });
  }

  async #read(): Promise<void> {
    const { name } = this.bucket;
    const before = this.#rows.lookedTo(name);
    if (before !== undefined && (await this.bucket.extent()).lastRevision >= before) {
      await this.#scan(before);
      if ((await this.bucket.extent()).rows >= this.#rows.rowCount(name)) return;
    }
    this.#rows.forget(name);
    await this.#scan(0);
  }

  async #scan(after: number): Promise<void> {
    const { name } = this.bucket;
    let revision = after;
    let rows: LookedRow[] = [];
    await this.bucket.scan(after, (row) => {
      revision = Math.max(revision, row.revision);
      rows.push(lookedAt(name, row));
      if (rows.length < rowsPerWrite) return;
      this.#rows.put(name, rows);
      rows = [];
    });
    this.#rows.put(name, rows);
    this.#rows.setLookedTo(name, revision);
  }
}

function lookedAt(bucket: string, { key, revision, payload }: StandingRow): LookedRow {
  return { key, revision, ...shownBy(bucket, key, payload) };
}
