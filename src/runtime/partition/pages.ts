/**
 * Snapshot pages: many SKUs in one stored value, so that snapshots do not eat the journal's fsyncs.
 * A SKU's page follows from its skuKey; a page is read whole, cached, and replaced by
 * compare-and-set.
 *
 * Invariant 6 here: an entry names the sequence that it covers and is replaced only upwards; the
 * pieces of a large SKU have names that are never reused, and the entry that lists them is written
 * after them; a page older than the checkpoint says is not believed (`SnapshotLostError`).
 *
 * A page that the checkpoint does not list is not read: whatever somebody may have stored there since,
 * the journal's tail has all of it. Of a page that was known once, the hashes of its SKUs stay in memory,
 * four bytes each. So a new catalogue comes in without a question per SKU.
 */

import { fnv1a32, skuKeyOf } from '../../domain/names.ts';
import type { Snapshots } from '../../ports.ts';
import { PageEntries, type PageEntry } from './page-entries.ts';

/** A page that the checkpoint relies on is missing or older than it was: replay everything. */
export class SnapshotLostError extends Error {
  readonly kind = 'snapshot_lost';
}

interface CachedPage {
  readonly revision: number;
  readonly entries: PageEntries;
  /** Of its SKUs, in no order. */
  readonly hashes: Uint32Array;
}

const noPage: CachedPage = { revision: 0, entries: PageEntries.none, hashes: new Uint32Array() };

export interface PagesOptions {
  readonly partition: number;
  readonly pageCount: number;
  readonly pagesCachedMax: number;
  /** Revision of each page that the checkpoint relies on. */
  readonly relied: ReadonlyMap<number, number>;
  /** What is stored is not believed: every SKU starts from the journal, and pages are overwritten. */
  readonly ignoreStored: boolean;
}

export class Pages {
  readonly #snapshots: Snapshots;
  readonly #options: PagesOptions;
  readonly #cache = new Map<number, CachedPage>();
  /** Which SKUs each page has that is or was in the cache. */
  readonly #hashes = new Map<number, Uint32Array>();
  readonly #loading = new Map<number, Promise<CachedPage>>();
  readonly #revisions: Map<number, number>;
  /** Pages that this session has written. */
  readonly #written = new Set<number>();
  /** Pages that are there although nobody has told us: an earlier owner died before its checkpoint. */
  readonly #found = new Set<number>();

  constructor(snapshots: Snapshots, options: PagesOptions) {
    this.#snapshots = snapshots;
    this.#options = options;
    this.#revisions = new Map(options.relied);
  }

  /** Revisions of all pages known to exist, for the next checkpoint. */
  get revisions(): ReadonlyMap<number, number> {
    return this.#revisions;
  }

  pageOf(sku: string): number {
    // Another mix than the partition's, or every SKU of a partition would share few pages.
    return (hashOf(sku) >>> 8) % this.#options.pageCount;
  }

  /** The SKU's entry if that is known without reading; `null`: it is not. */
  peek(sku: string): PageEntry | undefined | null {
    const number = this.pageOf(sku);
    const page = this.#cache.get(number);
    if (page) return page.entries.get(sku);
    if (this.#isAbsent(number)) return undefined;
    // Found there, it may still be another SKU of the same hash.
    return this.#hashes.get(number)?.includes(hashOf(sku)) === false ? undefined : null;
  }

  async load(sku: string): Promise<PageEntry | undefined> {
    return (await this.page(this.pageOf(sku))).entries.get(sku);
  }

  /** @throws {SnapshotLostError} the page is not what the checkpoint relies on */
  page(number: number): Promise<CachedPage> {
    const cached = this.#cache.get(number);
    if (cached) {
      // Re-inserting keeps the map in the order of use.
      this.#cache.delete(number);
      this.#cache.set(number, cached);
      return Promise.resolve(cached);
    }
    if (this.#isAbsent(number)) return Promise.resolve(noPage);
    const loading = this.#loading.get(number);
    if (loading) return loading;
    const promise = this.#read(number).finally(() => this.#loading.delete(number));
    this.#loading.set(number, promise);
    return promise;
  }

  /** The pieces of a large SKU's entry, parsed. */
  async pieces(sku: string, entry: PageEntry): Promise<unknown[][]> {
    if (entry.inline !== undefined) return [JSON.parse(entry.inline) as unknown[]];
    const keys = Array.from({ length: entry.pieces }, (_, index) =>
      this.pieceKey(sku, entry.coversSeq, index),
    );
    const stored = await Promise.all(keys.map((key) => this.#snapshots.read(key)));
    return stored.map((piece, index) => {
      if (!piece) throw new SnapshotLostError(`snapshot piece ${keys[index]} is missing`);
      return JSON.parse(piece.payload) as unknown[];
    });
  }

  /** Stores the pieces of a large SKU; they are found only once the page names them. */
  async writePieces(sku: string, coversSeq: number, pieces: Iterable<string>): Promise<void> {
    let index = 0;
    for (const payload of pieces) {
      const key = this.pieceKey(sku, coversSeq, index);
      const done = await this.#snapshots.write(key, payload, 0);
      // The same piece from an attempt whose answer was lost: same name, same content.
      if (done.kind === 'conflict' && (await this.#snapshots.read(key))?.payload !== payload) {
        throw new SnapshotLostError(`snapshot piece ${key} holds something else`);
      }
      index += 1;
    }
  }

  /**
   * Replaces entries of one page and resolves, when it is stored, with how many it has. Entries that
   * someone else moved further meanwhile stay as they are.
   */
  async write(number: number, updates: ReadonlyMap<string, PageEntry>): Promise<number> {
    const replaced: [string, PageEntry][] = [];
    let size: number;
    for (;;) {
      const page = await this.page(number);
      replaced.length = 0;
      const newer = new Map<string, PageEntry>();
      const added: string[] = [];
      for (const [sku, entry] of updates) {
        const before = page.entries.get(sku);
        if (before && before.coversSeq > entry.coversSeq) continue;
        if (before) replaced.push([sku, before]);
        else added.push(sku);
        newer.set(sku, entry);
      }
      const payload = page.entries.with(newer).encode();
      const done = await this.#snapshots.write(this.#pageKey(number), payload, page.revision);
      if (done.kind === 'stored') {
        this.#written.add(number);
        // From the new text: pieces of the old one would keep all of it in memory.
        const entries = PageEntries.decode(payload);
        const hashes = Uint32Array.from([...page.hashes, ...added.map(hashOf)]);
        this.#keep(number, { revision: done.revision, entries, hashes });
        size = entries.size;
        break;
      }
      this.#cache.delete(number);
      this.#found.add(number);
    }
    for (const [sku, before] of replaced) {
      const after = updates.get(sku) as PageEntry;
      if (before.pieces > 0 && before.coversSeq !== after.coversSeq) {
        await this.#snapshots.remove(this.#piecePrefix(sku, before.coversSeq));
      }
    }
    return size;
  }

  pieceKey(sku: string, coversSeq: number, index: number): string {
    return `${this.#piecePrefix(sku, coversSeq)}.${index}`;
  }

  #isAbsent(number: number): boolean {
    return !this.#revisions.has(number) && !this.#found.has(number);
  }

  #piecePrefix(sku: string, coversSeq: number): string {
    return `${this.#options.partition}.piece.${skuKeyOf(sku)}.${coversSeq}`;
  }

  #pageKey(number: number): string {
    return `${this.#options.partition}.page.${number}`;
  }

  async #read(number: number): Promise<CachedPage> {
    const relied = this.#revisions.get(number) ?? 0;
    const stored = await this.#snapshots.read(this.#pageKey(number));
    const ours = this.#written.has(number);
    if ((stored?.revision ?? 0) < relied) {
      throw new SnapshotLostError(
        `snapshot page ${this.#pageKey(number)} is at revision ${stored?.revision ?? 0}, the checkpoint relies on ${relied}`,
      );
    }
    // We have replaced it meanwhile: what the answer holds is no longer the page.
    if ((stored?.revision ?? 0) < (this.#revisions.get(number) ?? 0)) return this.#read(number);
    const entries =
      stored && (ours || !this.#options.ignoreStored)
        ? PageEntries.decode(stored.payload)
        : PageEntries.none;
    const page: CachedPage = {
      revision: stored?.revision ?? 0,
      entries,
      hashes: Uint32Array.from(entries.skus(), hashOf),
    };
    this.#keep(number, page);
    return page;
  }

  #keep(number: number, page: CachedPage): void {
    if (page.revision > 0) this.#revisions.set(number, page.revision);
    this.#hashes.set(number, page.hashes);
    this.#cache.delete(number);
    this.#cache.set(number, page);
    if (this.#cache.size > this.#options.pagesCachedMax) {
      this.#cache.delete(this.#cache.keys().next().value as number);
    }
  }
}

function hashOf(sku: string): number {
  return Math.imul(fnv1a32(skuKeyOf(sku)) ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
}
