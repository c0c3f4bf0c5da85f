/**
 * What happens where only the ERP sees it at once: sales at a till whose facts reach us later, thefts
 * and finds that nobody tells us of.
 */

import type { Client } from '../client.ts';
import type { Random } from '../engine/random.ts';
import type { World } from '../twins/world.ts';
import { type ErpBooks, tillLane } from './erp-books.ts';
import type { ReconcilePlan } from './reconcile-plan.ts';

export class Till {
  readonly #world: World;
  readonly #random: Random;
  readonly #plan: ReconcilePlan;
  readonly #books: ErpBooks;
  readonly #client: Client;
  readonly #untold = new Set<() => void>();
  #isSettled = false;
  #count = 0;

  constructor(
    world: World,
    random: Random,
    plan: ReconcilePlan,
    books: ErpBooks,
    /** Publishes the facts that we are told. */
    client: Client,
  ) {
    this.#world = world;
    this.#random = random;
    this.#plan = plan;
    this.#books = books;
    this.#client = client;
  }

  start(): void {
    const next = () => {
      if (this.#isSettled) return;
      this.#happen();
      const ms = this.#random.between(1, 2 * this.#plan.hiddenEveryMs);
      this.#world.timeline.after(ms, '', next);
    };
    this.#world.timeline.after(1_500, '', next);
  }

  /** Nothing new happens, and what is still to be told is told now. */
  settle(): void {
    this.#isSettled = true;
    for (const tell of [...this.#untold]) tell();
  }

  #happen(): void {
    const lines = this.#books.troubledLines();
    if (lines.length === 0) return;
    const random = this.#random;
    const { toldShare, toldAfterMs, skewMs } = this.#plan;
    this.#count += 1;
    const id = `till-${this.#count}`;
    // Where nothing else moves a drift is proven soonest.
    const line = random.chance(0.6) ? (lines[0] as string) : random.pick(lines);
    const delta = random.weighted([
      [-random.between(3, 9), 6],
      [-random.between(10, 60), 1],
      [random.between(3, 9), 3],
    ]);
    const { timeline, serverNowMs } = this.#world;
    const wrongMs = random.between(-Math.floor(skewMs / 2), Math.floor(skewMs / 2));
    const occurredAtMs = serverNowMs + wrongMs;
    timeline.mark(`${id}: ${delta} of ${line}`);
    this.#books.till(line, delta, id, occurredAtMs);
    if (!random.chance(toldShare)) return;
    const tell = () => {
      if (this.#untold.delete(tell)) this.#tell(line, delta, id, occurredAtMs);
    };
    this.#untold.add(tell);
    timeline.after(random.between(1, toldAfterMs), '', tell);
  }

  #tell(line: string, delta: number, id: string, occurredAtMs: number): void {
    const space = line.indexOf(' ');
    const location = line.slice(0, space);
    const sku = line.slice(space + 1);
    const verb = delta < 0 ? 'sell' : 'receive';
    const payload = { id, sku, location, qty: Math.abs(delta), occurredAtMs };
    void this.#client.fulfil({ kind: 'fact', source: tillLane, verb, sku, payload });
  }
}
