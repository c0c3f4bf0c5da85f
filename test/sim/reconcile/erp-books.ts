/**
 * The ERP's side: what it has of every line, and how it comes to that. It posts the movements of the
 * journal with a lag, loses some, posts some twice or too late, and knows of thefts and sales that we
 * hear of later or never.
 *
 * 1. A document's movements are posted in one moment.
 * 2. What it acknowledges is true: that document was posted just then.
 * 3. A line is clean as long as all of it was posted once and within what the lanes promise.
 */

import { decodeJournalMessage } from '../../../src/contract/journal-message.ts';
import { decodeEvents } from '../../../src/domain/event-codec.ts';
import type { JournalEntry } from '../../../src/ports.ts';
import type { Random } from '../engine/random.ts';
import { lineOf, type Move, movesOf } from '../model/ledger.ts';
import type { World } from '../twins/world.ts';
import type { ReconcilePlan } from './reconcile-plan.ts';

export const erpSourceName = 'erp';
/** The lane whose source posts by itself, before we hear of anything. */
export const tillLane = 'till';

/** Several movements that the ERP posts together. */
interface Document {
  readonly lane: string;
  readonly document: string;
  readonly occurredAtMs: number;
  /** From here the lane's lag counts. */
  readonly startMs: number;
  readonly parts: readonly { readonly line: string; readonly delta: number }[];
}

export class ErpBooks {
  readonly #world: World;
  readonly #random: Random;
  readonly #plan: ReconcilePlan;
  /** SKUs in whose postings something may go wrong. */
  readonly #troubled: ReadonlySet<string>;
  readonly #quantities = new Map<string, number>();
  /** When each line moved last. */
  readonly #movedMs = new Map<string, number>();
  readonly #unclean = new Map<string, string>();
  /** Not posted, or posted once too often: what is put right in the end. */
  readonly #lost = new Set<Document>();
  readonly #doubled = new Set<Document>();
  /** On their way. */
  readonly #open = new Set<Document>();
  #isSettled = false;

  constructor(world: World, random: Random, plan: ReconcilePlan, skus: readonly string[]) {
    this.#world = world;
    this.#random = random;
    this.#plan = plan;
    const count = Math.max(1, Math.round(skus.length * plan.troubledShare));
    this.#troubled = new Set(random.shuffle(skus).slice(0, count));
    world.journal.onStored((entry) => this.#hear(entry));
  }

  /** What the ERP has, by line. */
  get quantities(): ReadonlyMap<string, number> {
    return this.#quantities;
  }

  /** Why a line may be corrected; undefined: nothing was ever wrong with it. */
  uncleanness(line: string): string | undefined {
    return this.#unclean.get(line);
  }

  /** Lines that things may happen to which only the ERP knows; those that rest longest come first. */
  troubledLines(): string[] {
    const movedMs = (line: string) => this.#movedMs.get(line) ?? 0;
    return [...this.#quantities.keys()]
      .filter((line) => this.#troubled.has(line.slice(line.indexOf(' ') + 1)))
      .sort((a, b) => movedMs(a) - movedMs(b));
  }

  /** Per lane, a time up to which everything is posted and nothing more can come. */
  throughMs(lanes: readonly string[], nowMs: number): Map<string, number> {
    const { lagMs, skewMs } = this.#plan;
    return new Map(
      lanes.map((lane) => {
        const waiting = [...this.#open, ...this.#lost].filter((one) => one.lane === lane);
        const firstMs = Math.min(...waiting.map((one) => one.occurredAtMs));
        // An entry is dated when it is decided, and heard of when it is stored.
        return [lane, Math.floor(Math.min(firstMs - 1, nowMs - lagMs - skewMs - 3_000))];
      }),
    );
  }

  /** The till has sold, or somebody has stolen or found something: the ERP knows it at once. */
  till(line: string, delta: number, document: string, occurredAtMs: number): void {
    this.#world.faults.count('erp-hidden');
    this.#unclean.set(line, `${document} of the till`);
    const afterMs = this.#random.between(0, this.#plan.lagMs);
    const parts = [{ line, delta }];
    const startMs = occurredAtMs;
    this.#postLater({ lane: tillLane, document, occurredAtMs, startMs, parts }, afterMs);
  }

  /** From now on nothing goes wrong, and what went wrong in the postings is put right. */
  settle(): void {
    this.#isSettled = true;
    for (const document of this.#lost) this.#postLater(document, this.#random.between(1, 400));
    for (const document of this.#doubled) {
      const parts = document.parts.map(({ line, delta }) => ({ line, delta: -delta }));
      this.#postLater({ ...document, parts }, this.#random.between(1, 400), false);
    }
    this.#lost.clear();
    this.#doubled.clear();
  }

  #hear({ payload }: JournalEntry): void {
    const { atMs, groups } = decodeJournalMessage(payload);
    for (const { sku, firstVersion, events } of groups) {
      const moves = decodeEvents(sku, firstVersion, atMs, events).flatMap(movesOf);
      for (const document of documentsOf(sku, atMs, moves)) {
        // The till posts by itself, and corrections come from here.
        if (document.lane !== tillLane) this.#receive(sku, document);
      }
    }
  }

  #receive(sku: string, document: Document): void {
    const random = this.#random;
    const { lagMs, lostShare, doubledShare, lateShare } = this.#plan;
    const isTroubled = this.#troubled.has(sku) && !this.#isSettled;
    const promptMs = document.startMs + random.between(0, lagMs) - this.#world.timeline.nowMs;
    // Drawn whether it is troubled or not, so that the draws of one SKU do not move those of others.
    const [lost, doubled, late] = [lostShare, doubledShare, lateShare].map((share) =>
      random.chance(share),
    );
    const afterMs = Math.max(random.between(1, 20), promptMs);
    const { faults, timeline } = this.#world;
    if (isTroubled && lost) {
      faults.count('erp-lost');
      this.#spoil(document, `${document.document} was lost`);
      this.#lost.add(document);
      timeline.mark(`erp loses ${document.document}`);
    } else if (isTroubled && late) {
      faults.count('erp-late');
      this.#postLater(document, lagMs + random.between(1, 3_000));
    } else this.#postLater(document, afterMs);
    if (isTroubled && doubled && !lost) {
      faults.count('erp-doubled');
      this.#spoil(document, `${document.document} was posted twice`);
      this.#doubled.add(document);
      this.#postLater(document, afterMs + random.between(1, 2 * lagMs), false);
    }
  }

  #postLater(document: Document, afterMs: number, isFirst = true): void {
    const { timeline } = this.#world;
    this.#open.add(document);
    timeline.after(afterMs, `erp posts ${document.lane} ${document.document}`, () => {
      this.#open.delete(document);
      for (const { line, delta } of document.parts) {
        this.#quantities.set(line, (this.#quantities.get(line) ?? 0) + delta);
        this.#movedMs.set(line, timeline.nowMs);
      }
      if (!isFirst) return;
      this.#checkPromise(document);
      if (this.#random.chance(this.#plan.acknowledgedShare)) this.#acknowledge(document);
    });
  }

  #checkPromise(document: Document): void {
    const { nowMs } = this.#world.timeline;
    const { lagMs, skewMs } = this.#plan;
    const afterMs = nowMs - document.startMs;
    if (afterMs >= -skewMs && afterMs <= lagMs + skewMs) return;
    this.#spoil(document, `${document.document} was posted ${afterMs.toFixed(0)} ms later`);
  }

  #spoil({ parts }: Document, why: string): void {
    for (const { line } of parts) this.#unclean.set(line, why);
  }

  /** Of a cart's order more may come: only what is complete is acknowledged. */
  #acknowledge({ lane, document }: Document): void {
    if (isCartOrder(document)) return;
    const { acknowledgements, timeline } = this.#world;
    const random = this.#random;
    const postedAtMs = Math.ceil(timeline.nowMs);
    const said = random.weighted<unknown>([
      [{ documents: [{ document, lane, postedAtMs }] }, 20],
      [{ documents: [document] }, 1],
      ['not understood', 1],
    ]);
    const times = random.chance(0.05) ? 2 : 1;
    timeline.after(random.between(1, 500), `erp acknowledges ${document}`, () => {
      for (let time = 0; time < times; time++) {
        acknowledgements.publish(erpSourceName, JSON.stringify(said));
      }
    });
  }
}

/** Orders of carts are written by several commits, one per line. */
export function isCartOrder(document: string): boolean {
  return /-k[12]$/.test(document);
}

function documentsOf(sku: string, atMs: number, moves: readonly Move[]): Document[] {
  const documents = new Map<string, Document & { parts: { line: string; delta: number }[] }>();
  for (const { lane, document, occurredAtMs, location, delta, evidence } of moves) {
    if (evidence) continue;
    const known = documents.get(`${lane} ${document}`);
    const startMs = Math.max(occurredAtMs, atMs);
    const one = known ?? { lane, document, occurredAtMs, startMs, parts: [] };
    one.parts.push({ line: lineOf(sku, location), delta });
    documents.set(`${lane} ${document}`, one);
  }
  return [...documents.values()];
}
