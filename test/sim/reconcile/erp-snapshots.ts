/**
 * The snapshots that the ERP shows. Each is read line by line over a window, while postings go on;
 * some lack lines and say so; all that were ever shown are kept for the checkers.
 */

import type { Random } from '../engine/random.ts';
import type { SeenWindow } from '../model/ledger.ts';
import type { World } from '../twins/world.ts';
import type { ErpBooks } from './erp-books.ts';
import type { ReconcilePlan } from './reconcile-plan.ts';

export interface ShownSnapshot extends SeenWindow {
  readonly snapshotId: string;
  readonly complete: boolean;
  readonly lines: ReadonlyMap<string, number>;
  readonly publishedMs: number;
}

/** Lanes without entries that say themselves when they happened: only they can have a watermark. */
const watermarkLanes = ['web', 'mobile'];

export class ErpSnapshots {
  readonly #world: World;
  readonly #random: Random;
  readonly #plan: ReconcilePlan;
  readonly #books: ErpBooks;
  readonly #shown: ShownSnapshot[] = [];
  #isSettled = false;
  #isStopped = false;
  #count = 0;

  constructor(world: World, random: Random, plan: ReconcilePlan, books: ErpBooks) {
    this.#world = world;
    this.#random = random;
    this.#plan = plan;
    this.#books = books;
  }

  /** Everything that could be fetched, oldest first. */
  get shown(): readonly ShownSnapshot[] {
    return this.#shown;
  }

  start(): void {
    const everyMs = this.#plan.snapshotEveryMs;
    const next = () => {
      if (this.#isStopped) return;
      this.#read();
      const ms = this.#random.between(Math.ceil(everyMs / 2), Math.ceil(1.5 * everyMs));
      this.#world.timeline.after(Math.max(ms, this.#plan.windowMs + 1), '', next);
    };
    this.#world.timeline.after(everyMs, '', next);
  }

  /** Only whole snapshots from now on. */
  settle(): void {
    this.#isSettled = true;
  }

  stop(): void {
    this.#isStopped = true;
  }

  #read(): void {
    const { timeline } = this.#world;
    const { windowMs, partialShare, watermarks } = this.#plan;
    const random = this.#random;
    const fromMs = timeline.nowMs;
    this.#count += 1;
    const snapshotId = `s-${this.#count}`;
    const complete = this.#isSettled || !random.chance(partialShare);
    if (!complete) this.#world.faults.count('erp-partial');
    const lines = new Map<string, number>();
    const throughMs = watermarks ? this.#books.throughMs(watermarkLanes, fromMs) : new Map();
    for (const line of this.#books.quantities.keys()) {
      const afterMs = random.real() * windowMs;
      if (!complete && random.chance(0.3)) continue;
      timeline.after(afterMs, '', () => lines.set(line, this.#books.quantities.get(line) ?? 0));
    }
    timeline.after(windowMs, '', () => {
      const asOfFromMs = Math.floor(fromMs);
      const asOfToMs = Math.ceil(timeline.nowMs);
      timeline.after(random.between(1, 100), `erp shows ${snapshotId}`, () => {
        const publishedMs = timeline.nowMs;
        if (lines.size === 0) return;
        this.#shown.push({
          ...{ snapshotId, asOfFromMs, asOfToMs, complete, lines, throughMs, publishedMs },
        });
      });
    });
  }
}
