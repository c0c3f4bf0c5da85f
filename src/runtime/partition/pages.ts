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
 * the journal's tail has all of it. So a new catalogue comes in without a question per SKU.
 */

import { fnv1a32, skuKeyOf } from '../../domain/names.ts';
import type { Snapshots } from '../../ports.ts';

const pageVersion = 1;

/** What a page keeps of one SKU. */
export interface PageEntry {
  /** Every event of the SKU up to this journal sequence is in the entry. */
  readonly coversSeq: number;
  /** Sequence and time of the SKU's last event. */
  readonly lastSeq: number;
  readonly lastAtMs: number;
  /** The state without its holds and remembered ids, as JSON. */
  readonly head: string;
  /** Holds and ids in the entry itself when there are few, as JSON. */
  readonly inline: string | undefined;
  /** Number of pieces stored beside the page when there are many. */
  readonly pieces: number;
}

type StoredEntry = [
  sku: string,
  ...fields: [number, number, number, string, string | null, number],
];

/** A page that the checkpoint relies on is missing or older than it was: replay everything. */
export class SnapshotLostError extends Error {
  readonly kind = 'snapshot_lost';
}

interface CachedPage {
  revision: number;
  readonly entries: Map<string, PageEntry>;
}

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
    const hash = Math.imul(fnv1a32(skuKeyOf(sku)) ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
    return (hash >>> 8) % this.#options.pageCount;
  }

  /** The SKU's entry if that is known without reading; `null`: it is not. */
  peek(sku: string): PageEntry | undefined | null {
    const number = this.pageOf(sku);
    const page = this.#cache.get(number);
    if (page) return page.entries.get(sku);
    return this.#isAbsent(number) ? undefined : null;
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
    if (this.#isAbsent(number)) return Promise.resolve({ revision: 0, entries: new Map() });
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
   * Replaces entries of one page and resolves when it is stored. Entries that someone else moved
   * further meanwhile stay as they are.
   */
  async write(number: number, updates: ReadonlyMap<string, PageEntry>): Promise<void> {
    const replaced: [string, PageEntry][] = [];
    for (;;) {
      const page = await this.page(number);
      replaced.length = 0;
      const entries = new Map(page.entries);
      for (const [sku, entry] of updates) {
        const before = entries.get(sku);
        if (before && before.coversSeq > entry.coversSeq) continue;
        if (before) replaced.push([sku, before]);
        entries.set(sku, entry);
      }
      const done = await this.#snapshots.write(
        this.#pageKey(number),
        encodePage(entries),
        page.revision,
      );
      if (done.kind === 'stored') {
        this.#written.add(number);
        this.#keep(number, { revision: done.revision, entries });
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
    const stored = await this.#snapshots.read(this.#pageKey(number));
    const relied = this.#revisions.get(number) ?? 0;
    const ours = this.#written.has(number);
    if ((stored?.revision ?? 0) < relied) {
      throw new SnapshotLostError(
        `snapshot page ${this.#pageKey(number)} is at revision ${stored?.revision ?? 0}, the checkpoint relies on ${relied}`,
      );
    }
    const page: CachedPage = {
      revision: stored?.revision ?? 0,
      entries:
        stored && (ours || !this.#options.ignoreStored)
          ? decodePage(stored.payload)
          : new Map<string, PageEntry>(),
    };
    this.#keep(number, page);
    return page;
  }

  #keep(number: number, page: CachedPage): void {
    if (page.revision > 0) this.#revisions.set(number, page.revision);
    this.#cache.delete(number);
    this.#cache.set(number, page);
    if (this.#cache.size > this.#options.pagesCachedMax) {
      this.#cache.delete(this.#cache.keys().next().value as number);
    }
  }
}

function encodePage(entries: ReadonlyMap<string, PageEntry>): string {
  const stored: StoredEntry[] = [];
  for (const [sku, entry] of entries) {
    stored.push([
      sku,
      entry.coversSeq,
      entry.lastSeq,
      entry.lastAtMs,
      entry.head,
      entry.inline ?? null,
      entry.pieces,
    ]);
  }
  return JSON.stringify({ v: pageVersion, skus: stored });
}

function decodePage(payload: string): Map<string, PageEntry> {
  const page = JSON.parse(payload) as { v: number; skus: StoredEntry[] };
  if (page.v > pageVersion) {
    throw new Error(`snapshot page has version ${page.v}; this node knows ${pageVersion}`);
  }
  const entries = new Map<string, PageEntry>();
  for (const [sku, coversSeq, lastSeq, lastAtMs, head, inline, pieces] of page.skus) {
    entries.set(sku, { coversSeq, lastSeq, lastAtMs, head, inline: inline ?? undefined, pieces });
  }
  return entries;
}
