/**
 * The audit: folds the journal, then asks everybody who tells something about stock, and compares. Works while sales
 * go on: what is newer than the fold waits for the fold, what is behind is read again for a while.
 */

import type { Journal } from '../ports.ts';
import type { ViewChannel } from './channel-view.ts';
import {
  Comparison,
  checkActor,
  checkStock,
  checkView,
  type Statement,
  type Told,
} from './compare.ts';
import { HistoryCheck, type HistoryMessage } from './history-check.ts';
import { JournalFold } from './journal-fold.ts';
import { type AuditReport, type Difference, Findings } from './report.ts';
import type { FoldWindows, SkuFold } from './sku-fold.ts';

/** Where the audit reads. Rows and answers have the contract's shapes. */
export interface AuditSources {
  readonly journal: Pick<Journal, 'last' | 'read'>;
  readonly allStock: (each: (row: Told) => void) => Promise<unknown>;
  readonly allViews: (channel: string, each: (row: Told) => void) => Promise<unknown>;
  readonly stock: (sku: string) => Promise<Told | undefined>;
  readonly view: (channel: string, sku: string) => Promise<Told | undefined>;
  readonly allHistory: (each: (message: HistoryMessage) => void) => Promise<unknown>;
  /** Last version in a SKU's history; 0: none. */
  readonly historyVersion: (sku: string) => Promise<number>;
  /** The strong read; undefined: the actor does not know the SKU. Absent: actors are not asked. */
  readonly actor?: {
    readonly channel: ViewChannel;
    readonly get: (sku: string) => Promise<Told | undefined>;
  };
}

export interface AuditOptions {
  readonly partitions: number;
  readonly epoch: string | undefined;
  /** Partitions whose genesis has been recorded: they cannot be empty. */
  readonly genesis: readonly number[];
  readonly windows: FoldWindows;
  readonly channels: readonly ViewChannel[];
  /** Name of a channel's bucket, for the report. */
  readonly bucketOf: (channel: string | undefined) => string;
  /** So many actors are asked, evenly spread over the SKUs. Default: all. */
  readonly actorsMax?: number | undefined;
  /** How long what is behind may take to catch up. */
  readonly patienceMs: number;
  readonly progress: (what: string) => void;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

const retryEveryMs = 200;
const asksInFlight = 2_000;

export async function runAudit(sources: AuditSources, options: AuditOptions): Promise<AuditReport> {
  return new Audit(sources, options).run();
}

/** Something that was behind: read again until it is not, or patience ends. */
interface Late {
  readonly kind: Difference['kind'];
  readonly where: string;
  readonly sku: string;
  readonly caughtUp: () => Promise<boolean>;
}

class Audit {
  readonly #sources: AuditSources;
  readonly #options: AuditOptions;
  readonly #findings = new Findings();
  readonly #fold: JournalFold;
  readonly #comparison: Comparison;
  readonly #rows: Record<string, number> = {};
  #behind: Late[] = [];
  #actors = 0;

  constructor(sources: AuditSources, options: AuditOptions) {
    this.#sources = sources;
    this.#options = options;
    this.#fold = new JournalFold({ ...options, findings: this.#findings });
    this.#comparison = new Comparison(this.#findings);
  }

  async run(): Promise<AuditReport> {
    const { now, channels, bucketOf, progress } = this.#options;
    const startedMs = now();
    await this.#foldAll(true);
    const history = await this.#compareHistory();
    await this.#compareRows(bucketOf(undefined), undefined);
    for (const channel of channels) await this.#compareRows(bucketOf(channel.name), channel);
    await this.#askActors();
    progress('waiting for what is on its way');
    await this.#settle();
    const folds = [...this.#fold.skus.values()];
    return {
      ok: this.#findings.count === 0,
      partitions: this.#options.partitions,
      messages: this.#fold.messages,
      events: this.#fold.events,
      skus: folds.length,
      onHand: folds.reduce((sum, fold) => sum + fold.onHand, 0),
      reserved: folds.reduce((sum, fold) => sum + fold.reserved, 0),
      rows: this.#rows,
      actors: this.#actors,
      historyEvents: history,
      differences: this.#findings.listed,
      differenceCount: this.#findings.count,
      tookMs: Math.round(now() - startedMs),
    };
  }

  /** Folds every partition up to its last message of now. */
  async #foldAll(first: boolean): Promise<void> {
    const { partitions, genesis, progress } = this.#options;
    const { journal } = this.#sources;
    for (let partition = 0; partition < partitions; partition += 1) {
      const last = await journal.last(partition);
      const from = this.#fold.foldedTo(partition) + 1;
      if (last === undefined) {
        if (first && genesis.includes(partition)) {
          const where = `partition ${partition}`;
          this.#findings.add({ kind: 'journal', where, what: 'is empty, but had a genesis' });
        }
        continue;
      }
      if (last.seq < from) continue;
      await journal.read(partition, { from, to: last.seq }, (entry) => {
        this.#fold.add(partition, entry);
        if (first && this.#fold.messages % 5_000 === 0) {
          progress(`journal: ${this.#fold.messages} messages, partition ${partition}`);
        }
      });
    }
  }

  async #compareHistory(): Promise<number> {
    const { sources, findings } = { sources: this.#sources, findings: this.#findings };
    this.#options.progress('history');
    const check = new HistoryCheck(this.#fold.skus, findings);
    await sources.allHistory((message) => check.add(message));
    for (const sku of check.behind()) {
      const needed = this.#fold.skus.get(sku)?.version ?? 0;
      const caughtUp = async () => (await sources.historyVersion(sku)) >= needed;
      this.#behind.push({ kind: 'history', where: 'history', sku, caughtUp });
    }
    return check.events;
  }

  async #compareRows(bucket: string, channel: ViewChannel | undefined): Promise<void> {
    const { sources } = { sources: this.#sources };
    this.#options.progress(bucket);
    const seen = new Set<string>();
    const statement = (told: Told): Statement => ({
      kind: 'view',
      where: bucket,
      told,
      check: channel === undefined ? checkStock(told, undefined) : checkView(told, channel),
      mayBeOlder: channel !== undefined,
    });
    const late = (sku: string) => {
      const caughtUp = async () => {
        const row =
          channel === undefined ? await sources.stock(sku) : await sources.view(channel.name, sku);
        if (row === undefined) return false;
        return this.#comparison.take(statement(row), this.#fold.skus.get(sku)) !== 'behind';
      };
      this.#behind.push({ kind: 'view', where: bucket, sku, caughtUp });
    };
    const take = (row: Told) => {
      seen.add(row.sku);
      const outcome = this.#comparison.take(statement(row), this.#fold.skus.get(row.sku));
      if (outcome === 'behind') late(row.sku);
    };
    await (channel === undefined ? sources.allStock(take) : sources.allViews(channel.name, take));
    this.#rows[bucket] = seen.size;
    for (const sku of this.#fold.skus.keys()) {
      if (!seen.has(sku)) late(sku);
    }
  }

  async #askActors(): Promise<void> {
    const { actor } = this.#sources;
    if (actor === undefined) return;
    const skus = evenly([...this.#fold.skus.keys()], this.#options.actorsMax);
    const left = skus.values();
    const asker = async () => {
      for (const sku of left) {
        if (this.#actors % asksInFlight === 0) {
          this.#options.progress(`actors: ${this.#actors} of ${skus.length}`);
        }
        await this.#ask(sku, actor);
      }
    };
    await Promise.all(Array.from({ length: asksInFlight }, asker));
  }

  async #ask(sku: string, actor: NonNullable<AuditSources['actor']>): Promise<void> {
    const told = await actor.get(sku);
    const fold = this.#fold.skus.get(sku) as SkuFold;
    this.#actors += 1;
    if (told === undefined) {
      // A SKU may have events and yet never have had stock: an id that was released before its time.
      if (fold.onHand === 0 && fold.reserved === 0) return;
      this.#findings.add({ kind: 'actor', where: 'actor', sku, what: 'does not know the SKU' });
      return;
    }
    const statement: Statement = {
      kind: 'actor',
      where: 'actor',
      told,
      check: checkActor(told, actor.channel),
      mayBeOlder: false,
    };
    if (this.#comparison.take(statement, fold) === 'behind') {
      const what = `is at version ${told.version}, the journal at ${fold.version}`;
      this.#comparison.differs(statement, what);
    }
  }

  /**
   * Lets the fold catch up with what is newer, and what is behind with the fold. Rows are read before the fold goes
   * on: under steady traffic they would otherwise always be a moment older.
   */
  async #settle(): Promise<void> {
    const { now, sleep, patienceMs } = this.#options;
    this.#fold.watch = (fold) => this.#comparison.reached(fold);
    const deadline = now() + patienceMs;
    for (;;) {
      const retries = this.#behind;
      this.#behind = [];
      for (const late of retries) if (!(await late.caughtUp())) this.#behind.push(late);
      await this.#foldAll(false);
      if (this.#comparison.ahead === 0 && this.#behind.length === 0) return;
      if (now() > deadline) break;
      await sleep(retryEveryMs);
    }
    this.#comparison.closeAhead();
    for (const { kind, where, sku } of this.#behind) {
      this.#findings.add({ kind, where, sku, what: 'is missing, wrong, or stays behind' });
    }
  }
}

/** At most `max` of the items, at equal distances. */
function evenly<T>(items: readonly T[], max = items.length): readonly T[] {
  if (items.length <= max) return items;
  return Array.from({ length: max }, (_, i) => items[Math.floor((i * items.length) / max)] as T);
}
