/**
 * Makes checkpoints while the partition serves: page by page between rounds, so that nobody waits
 * for a whole snapshot.
 *
 * Invariant 6: entries are made from committed state only (between rounds); the record is written
 * after all pages, pieces and sinks that it relies on are acknowledged.
 */

import { type Gate, mapLimited } from '../../concurrency.ts';
import { encodeEntries, encodeHead } from '../../domain/snapshot-codec.ts';
import type { SkuState } from '../../domain/state.ts';
import type { Alarms } from './alarms.ts';
import type { CheckpointStore } from './checkpoint.ts';
import type { Outputs } from './outputs.ts';
import type { PageEntry } from './page-entries.ts';
import type { Pages } from './pages.ts';
import { foldSnapshotAndTail, type Residents } from './residents.ts';
import type { Head } from './rounds.ts';
import type { Tail } from './tail.ts';

/** A SKU with at most this many holds and ids keeps them in its page. */
const inlineEntriesMax = 20;
const entriesPerPiece = 5_000;
/** Pages of one checkpoint that are read, encoded and written at a time: each waits for the server twice. */
const pagesPerCheckpoint = 4;

export interface CheckpointerOptions {
  readonly head: Head;
  readonly pageCount: number;
  /** Of the node: a stopping one makes checkpoints of all its partitions at once. */
  readonly pagesInFlight: Gate;
  readonly pages: Pages;
  readonly tail: Tail;
  readonly residents: Residents;
  readonly alarms: Alarms;
  readonly outputs: Outputs;
  readonly carts: { snapshot(): unknown[] };
  readonly store: CheckpointStore;
  readonly epoch: string;
  /** The record that the next one replaces. */
  readonly previous: { readonly seq: number; readonly revision: number } | undefined;
  /** Resolves when every fact refused so far is among the dead letters. */
  readonly deadFactsBuried: () => Promise<void>;
  /** Facts up to this position are no longer needed. */
  readonly dropFacts: (upTo: number) => Promise<void>;
  /** Resolves with what `work` gives, run at a moment between rounds. */
  readonly betweenRounds: <T>(work: () => T) => Promise<T>;
}

/** What is true at the sequence that the checkpoint covers. */
interface Covered {
  readonly covers: Head;
  readonly carts: readonly unknown[];
  readonly alarms: readonly (readonly [string, number])[];
}

interface Encoded {
  readonly entry: PageEntry;
  /** Holds and ids in it. */
  readonly entryCount: number;
  /** Read once. */
  readonly pieces: Iterable<string>;
}

/** What a checkpoint costs. */
interface Written {
  /** Holds and remembered ids, of the SKUs that have changed. */
  readonly records: number;
  /** SKUs in the pages, whether they have changed or not. */
  readonly skus: number;
}

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #previous: { readonly seq: number; readonly revision: number } | undefined;
  #running: Promise<void> | undefined;
  #written: Written = { records: 0, skus: 0 };

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#previous = options.previous;
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  /** Sequence that the last checkpoint covers. */
  get seq(): number {
    return this.#previous?.seq ?? 0;
  }

  /** What the last checkpoint wrote. */
  get written(): Written {
    return this.#written;
  }

  /** One checkpoint; a call while one is being made waits for it instead. */
  run(): Promise<void> {
    this.#running ??= this.#checkpoint().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #checkpoint(): Promise<void> {
    const { head, residents, tail, pages, alarms, betweenRounds, pagesInFlight } = this.#options;
    const { plan, ...covered } = await betweenRounds(() => {
      const byPage = new Map<number, Set<string>>();
      const add = (sku: string) => {
        const page = pages.pageOf(sku);
        byPage.set(page, (byPage.get(page) ?? new Set()).add(sku));
      };
      for (const resident of residents.values()) if (resident.dirty) add(resident.sku);
      for (const sku of tail.keys()) add(sku);
      // In the middle of a round alarms and carts would run ahead of the journal.
      return {
        plan: byPage,
        covers: { ...head },
        carts: this.#options.carts.snapshot(),
        alarms: alarms.entries(),
      };
    });
    const written = { records: 0, skus: 0 };
    await mapLimited([...plan], pagesPerCheckpoint, async ([page, skus]) => {
      const { records, skus: inPage } = await pagesInFlight.run(() => this.#page(page, skus));
      written.records += records;
      written.skus += inPage;
    });
    this.#written = written;
    await this.#outputsReach(covered.covers.seq);
    await this.#options.deadFactsBuried();
    await this.#record(covered);
    if (covered.covers.factsTo > 0) await this.#options.dropFacts(covered.covers.factsTo);
  }

  async #page(number: number, skus: ReadonlySet<string>): Promise<Written> {
    const { pages, betweenRounds } = this.#options;
    const page = await pages.page(number);
    const stored = await this.#storedPieces(skus);
    const encoded = await betweenRounds(() => {
      const made = new Map<string, Encoded>();
      for (const sku of skus) {
        const one = this.#encode(sku, page.entries.get(sku), stored);
        if (one) made.set(sku, one);
      }
      return made;
    });
    const updates = new Map<string, PageEntry>();
    let records = 0;
    for (const [sku, { entry, entryCount, pieces }] of encoded) {
      records += entryCount;
      if (entry.pieces > 0) await pages.writePieces(sku, entry.coversSeq, pieces);
      updates.set(sku, entry);
    }
    const inPage = await pages.write(number, updates);
    await betweenRounds(() => {
      for (const [sku, entry] of updates) this.#covered(sku, entry.coversSeq);
    });
    return { records, skus: inPage };
  }

  /** Pieces of SKUs that only the tail knows: folding them needs what is stored. */
  async #storedPieces(skus: ReadonlySet<string>): Promise<ReadonlyMap<string, unknown[][]>> {
    const { pages, tail, residents } = this.#options;
    const found = new Map<string, unknown[][]>();
    for (const sku of skus) {
      if (residents.peek(sku) || !tail.has(sku)) continue;
      const entry = await pages.load(sku);
      if (entry) found.set(sku, await pages.pieces(sku, entry));
    }
    return found;
  }

  #encode(
    sku: string,
    entry: PageEntry | undefined,
    stored: ReadonlyMap<string, unknown[][]>,
  ): Encoded | undefined {
    const { residents, tail, head } = this.#options;
    const resident = residents.peek(sku);
    if (resident) return encodeSku(resident.state, head.seq, resident.lastSeq, resident.lastAtMs);
    if (!tail.has(sku)) return undefined;
    const folded = foldSnapshotAndTail(sku, entry, stored.get(sku) ?? [], tail);
    return encodeSku(folded.state, head.seq, folded.lastSeq, folded.lastAtMs);
  }

  #covered(sku: string, coversSeq: number): void {
    const { residents, tail } = this.#options;
    const resident = residents.peek(sku);
    if (resident && resident.lastSeq <= coversSeq) residents.covered(resident);
    // Whoever is reading an older snapshot just now still needs the events behind it.
    if (!residents.isActivating(sku)) tail.drop(sku);
  }

  /** Waits until every sink has recorded that it is complete up to `seq`. */
  async #outputsReach(seq: number): Promise<void> {
    const { outputs, head, betweenRounds } = this.#options;
    await outputs.whenCaughtUp();
    while (outputs.recordedTo < seq && !outputs.closed) {
      await outputs.settled();
      await betweenRounds(() => outputs.collect(head.seq, true));
      await outputs.settled();
    }
    if (outputs.closed) throw new Error('the partition is no longer served here');
  }

  async #record({ covers, carts, alarms }: Covered): Promise<void> {
    const { store, pages, pageCount, epoch } = this.#options;
    const revision = await store.write(
      {
        seq: covers.seq,
        atMs: covers.atMs,
        factsTo: covers.factsTo,
        pageCount,
        pages: pages.revisions,
        alarms,
        carts,
        epoch,
      },
      this.#previous,
    );
    if (revision !== undefined) this.#previous = { seq: covers.seq, revision };
  }
}

/**
 * Entries of a large SKU are copied now and turned into text only as they are written, so that no
 * round waits for 300,000 holds to be serialised.
 */
function encodeSku(state: SkuState, coversSeq: number, lastSeq: number, lastAtMs: number): Encoded {
  const { entryCount } = state;
  const entry = { coversSeq, lastSeq, lastAtMs, head: JSON.stringify(encodeHead(state)) };
  const pieces = encodeEntries(state, entriesPerPiece);
  if (entryCount <= inlineEntriesMax) {
    const [only = []] = pieces;
    return { entry: { ...entry, inline: JSON.stringify(only), pieces: 0 }, entryCount, pieces: [] };
  }
  // A single piece is not a copy: it is turned into text before anything changes.
  const texts = entryCount <= entriesPerPiece ? [...asTexts(pieces)] : asTexts(pieces);
  const count = Math.ceil(entryCount / entriesPerPiece);
  return { entry: { ...entry, inline: undefined, pieces: count }, entryCount, pieces: texts };
}

function* asTexts(pieces: Iterable<unknown[]>): Iterable<string> {
  for (const piece of pieces) yield JSON.stringify(piece);
}
