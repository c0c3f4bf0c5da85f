/**
 * What a partition shows to the outside after its commits: rows of the views and the SKUs' history.
 * Off the path of any reply.
 *
 * Invariant 10: rows are made between rounds only, from what is committed; only the newest value of
 * a key is written; a sink that fails is written again, one that answers `displaced` ends this
 * owner's session; what a crash left behind is flushed from where the sink was complete.
 *
 * Conflation: a SKU that changes a thousand times between two flushes costs one row per view.
 */

import { historyMessage, stockRowOf, viewRowOf } from '../../contract/rows.ts';
import type { SkuEvent } from '../../domain/events.ts';
import { skuKeyOf } from '../../domain/names.ts';
import type { ChannelRules, Rules } from '../../domain/rules.ts';
import type { Clock, DerivedEntry, Sink, Timer } from '../../ports.ts';
import type { Metrics } from '../metrics.ts';
import type { Resident } from './residents.ts';

export interface OutputsOptions {
  readonly partition: number;
  readonly clock: Clock;
  readonly sinks: readonly Sink[];
  readonly rules: Rules;
  /** Rows of one key are at least this far apart. */
  readonly viewFlushMs: number;
  /** Commits wait while this many history entries are not written. */
  readonly derivedRowsMax: number;
  readonly metrics: Metrics;
  readonly onDisplaced: (sink: string) => void;
  readonly onTrouble: (sink: string, error: unknown) => void;
  /** Asks for a moment between rounds, in which `collect` is called. */
  readonly wantCollect: () => void;
  /** What was written makes room: rounds that waited for it may go on. */
  readonly relieved: () => void;
}

interface HistoryEntry {
  readonly sku: string;
  readonly seq: number;
  readonly events: readonly SkuEvent[];
}

const retryMs = 200;

export class Outputs {
  readonly #options: OutputsOptions;
  readonly #stock: Sink | undefined;
  readonly #views: readonly { sink: Sink; channel: ChannelRules }[];
  readonly #history: Sink | undefined;
  #touched = new Set<Resident>();
  #unsent: HistoryEntry[] = [];
  #unsentEvents = 0;
  #writing: Promise<void> | undefined;
  #timer: Timer | undefined;
  #nextFlushMs = 0;
  /** When the oldest change was committed that no flush has taken yet. */
  #oldestMs: number | undefined;
  #closed = false;
  /** Journal sequence up to which every sink has recorded that it is complete. */
  #recordedTo = 0;
  /** Up to where rows are complete while those that a crash left behind are still to be made. */
  #rowsTo = Number.POSITIVE_INFINITY;
  #caughtUpWaiting: (() => void)[] = [];

  constructor(options: OutputsOptions) {
    this.#options = options;
    this.#stock = options.sinks.find((sink) => sink.name === 'stock');
    this.#history = options.sinks.find((sink) => sink.name === 'events');
    this.#views = options.sinks.flatMap((sink) => {
      const channel = sink.name.startsWith('view.')
        ? options.rules.channels.get(sink.name.slice('view.'.length))
        : undefined;
      return channel ? [{ sink, channel }] : [];
    });
  }

  get recordedTo(): number {
    return this.#recordedTo;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get overflowing(): boolean {
    return this.#unsentEvents > this.#options.derivedRowsMax;
  }

  get pending(): boolean {
    return this.#touched.size > 0 || this.#unsent.length > 0 || this.#writing !== undefined;
  }

  /** Becomes the only writer of every sink. Answers the lowest sequence that all are complete to. */
  async takeOver(claimSeq: number): Promise<ReadonlyMap<string, number>> {
    const complete = new Map<string, number>();
    await Promise.all(
      this.#options.sinks.map(async (sink) => {
        const taken = await sink.takeOver(this.#options.partition, claimSeq);
        if (taken.kind === 'displaced') this.#options.onDisplaced(sink.name);
        else complete.set(sink.name, taken.completeTo);
      }),
    );
    return complete;
  }

  /**
   * Rows of changes after `rowsTo` are still to be made. Until `caughtUp` no sink is told that its
   * rows are complete beyond it: after another crash they would be missing for ever.
   */
  behind(rowsTo: number): void {
    this.#rowsTo = rowsTo;
  }

  /** Every SKU that was behind has been touched: the next flush makes the rows complete. */
  caughtUp(): void {
    this.#rowsTo = Number.POSITIVE_INFINITY;
    for (const resolve of this.#caughtUpWaiting.splice(0)) resolve();
  }

  /** Resolves when no rows of before are to be made any more, or nothing is written here any more. */
  whenCaughtUp(): Promise<void> {
    if (this.#closed || this.#rowsTo === Number.POSITIVE_INFINITY) return Promise.resolve();
    return new Promise((resolve) => this.#caughtUpWaiting.push(resolve));
  }

  /** A committed round changed this SKU. */
  touch(resident: Resident): void {
    this.#oldestMs ??= this.#options.clock.now();
    resident.touched = true;
    this.#touched.add(resident);
    this.#schedule();
  }

  /** Committed events that belong into the SKU's history, in order. */
  remember(sku: string, seq: number, events: readonly SkuEvent[]): void {
    if (!this.#history) return;
    this.#oldestMs ??= this.#options.clock.now();
    this.#unsent.push({ sku, seq, events });
    this.#unsentEvents += events.length;
    this.#schedule();
  }

  /** Whether a flush is due and none is under way. */
  get due(): boolean {
    return (
      !this.#closed &&
      this.#writing === undefined &&
      this.#touched.size + this.#unsent.length > 0 &&
      this.#options.clock.now() >= this.#nextFlushMs
    );
  }

  /**
   * Called between rounds: makes the rows from committed state and starts writing them. With
   * `all`, every sink records that it is complete up to `headSeq`, also those without news.
   */
  collect(headSeq: number, all = false): void {
    if (this.#writing !== undefined || this.#closed) return;
    const batch = this.#batch();
    if (!all) {
      for (const [sink, entries] of batch) if (entries.length === 0) batch.delete(sink);
    }
    this.#nextFlushMs = this.#options.clock.now() + this.#options.viewFlushMs;
    const sinceMs = this.#oldestMs ?? this.#options.clock.now();
    this.#oldestMs = undefined;
    this.#writing = this.#write(batch, headSeq, all, sinceMs).finally(() => {
      this.#writing = undefined;
      this.#options.relieved();
      if (this.#touched.size + this.#unsent.length > 0) this.#schedule();
    });
  }

  /** The rows of a SKU as they should stand now, by sink; none for a SKU that does not exist. */
  rowsOf(resident: Resident): Readonly<Record<string, string>> {
    const rows: Record<string, string> = {};
    if (resident.state.version === 0) return rows;
    const at = { asOfSeq: resident.lastSeq, updatedAtMs: resident.lastAtMs };
    if (this.#stock) rows[this.#stock.name] = stockRowOf(resident.state, at);
    for (const { sink, channel } of this.#views) {
      rows[sink.name] = viewRowOf(resident.state, channel, at).payload;
    }
    return rows;
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.caughtUp();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#closed) return;
    const waitMs = Math.max(0, this.#nextFlushMs - this.#options.clock.now());
    this.#timer = this.#options.clock.after(waitMs, () => {
      this.#timer = undefined;
      // A timer may ring a millisecond before the clock says so: then nothing would be due.
      if (this.#options.clock.now() < this.#nextFlushMs) this.#schedule();
      else if (this.#writing === undefined) this.#options.wantCollect();
    });
  }

  #batch(): Map<Sink, DerivedEntry[]> {
    const batch = new Map<Sink, DerivedEntry[]>();
    for (const sink of this.#options.sinks) batch.set(sink, []);
    for (const resident of this.#touched) {
      resident.touched = false;
      this.#addRows(batch, resident);
    }
    this.#touched = new Set();
    if (this.#history) this.#addHistory(batch.get(this.#history) as DerivedEntry[]);
    return batch;
  }

  #addRows(batch: Map<Sink, DerivedEntry[]>, resident: Resident): void {
    const key = skuKeyOf(resident.sku);
    const at = { asOfSeq: resident.lastSeq, updatedAtMs: resident.lastAtMs };
    if (this.#stock) {
      batch.get(this.#stock)?.push({ key, payload: stockRowOf(resident.state, at) });
    }
    for (const { sink, channel } of this.#views) {
      const row = viewRowOf(resident.state, channel, at);
      if (resident.shown.get(sink.name) === row.visible) continue;
      resident.shown.set(sink.name, row.visible);
      batch.get(sink)?.push({ key, payload: row.payload });
    }
  }

  /** One message per SKU and flush, unless a SKU's events would grow too long for one. */
  #addHistory(entries: DerivedEntry[]): void {
    const bySku = new Map<string, { seq: number; events: SkuEvent[] }>();
    const close = (sku: string, group: { events: SkuEvent[] }) => {
      const first = group.events[0] as SkuEvent;
      entries.push({
        key: skuKeyOf(sku),
        payload: historyMessage(sku, group.events),
        messageId: `${skuKeyOf(sku)}.${first.version}.${group.events.length}`,
      });
    };
    for (const { sku, seq, events } of this.#unsent) {
      const group = bySku.get(sku);
      if (group && group.events.length + events.length <= 500) {
        group.events.push(...events);
        group.seq = seq;
        continue;
      }
      if (group) close(sku, group);
      bySku.set(sku, { seq, events: [...events] });
    }
    for (const [sku, group] of bySku) close(sku, group);
    this.#unsent = [];
    this.#unsentEvents = 0;
  }

  async #write(
    batch: Map<Sink, DerivedEntry[]>,
    headSeq: number,
    all: boolean,
    sinceMs: number,
  ): Promise<void> {
    const rowsTo = Math.min(headSeq, this.#rowsTo);
    await Promise.all(
      [...batch].map(async ([sink, entries]) => {
        const upTo = sink === this.#history ? headSeq : rowsTo;
        while (!this.#closed) {
          try {
            const done = await sink.write(this.#options.partition, entries, upTo);
            const lagMs = this.#options.clock.now() - sinceMs;
            this.#options.metrics.derived(sink.name, entries.length, lagMs);
            if (done === 'displaced') {
              this.#closed = true;
              this.#options.onDisplaced(sink.name);
            }
            return;
          } catch (error) {
            this.#options.onTrouble(sink.name, error);
            await new Promise<void>((resolve) => this.#options.clock.after(retryMs, resolve));
          }
        }
      }),
    );
    if (all && !this.#closed) this.#recordedTo = rowsTo;
  }
}
