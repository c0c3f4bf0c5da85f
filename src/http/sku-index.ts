/**
 * Which SKUs there are, for searching: names only, read when somebody searches and kept for a moment. A catalogue
 * beyond `skusMax` is searched in part, and the answer says so; a SKU's exact name is always found.
 */

import type { ReadModels } from '../nats/read-models.ts';

export interface Found {
  readonly skus: readonly string[];
  /** SKUs that match, of those that were searched. */
  readonly matches: number;
  readonly total: number;
  /** Not all SKUs were searched. */
  readonly truncated: boolean;
}

const skusMax = 200_000;
/** Reading the names again may take this share of the time at most. */
const readingShare = 0.05;
const keptMsLeast = 500;

interface Loaded {
  readonly skus: readonly string[];
  readonly total: number;
  readonly untilMs: number;
}

export class SkuIndex {
  #loaded: Loaded | undefined;
  #loading: Promise<Loaded> | undefined;

  /** SKUs whose name contains the text, whatever its case, in order of their names. */
  async search(read: ReadModels, text: string, offset: number, limit: number): Promise<Found> {
    const { skus, total } = await this.#names(read);
    const wanted = text.toLowerCase();
    const matching =
      wanted === '' ? skus : skus.filter((sku) => sku.toLowerCase().includes(wanted));
    const page = matching.slice(offset, offset + limit);
    const truncated = total > skus.length;
    if (truncated && page.length === 0 && offset === 0 && text !== '') {
      return { skus: [text], matches: 1, total, truncated };
    }
    return { skus: page, matches: matching.length, total, truncated };
  }

  async #names(read: ReadModels): Promise<Loaded> {
    const loaded = this.#loaded;
    if (loaded !== undefined && performance.now() < loaded.untilMs) return loaded;
    this.#loading ??= this.#load(read).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(read: ReadModels): Promise<Loaded> {
    const startedMs = performance.now();
    const { skus, total } = await read.skus(skusMax);
    skus.sort();
    const nowMs = performance.now();
    const keptMs = Math.max(keptMsLeast, (nowMs - startedMs) / readingShare);
    this.#loaded = { skus, total, untilMs: nowMs + keptMs };
    return this.#loaded;
  }
}
