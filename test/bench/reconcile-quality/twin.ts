// One ledger lived through: what is really on the shelf, what the ERP has posted, and what the
// inventory system believes. The system's belief is the policy's to correct.

import type { Hidden, Ledger, Movement } from './world.ts';

/** What the inventory system knows of one movement. */
export interface Heard {
  readonly delta: number;
  /** By the source's clock. */
  readonly occurredAtMs: number;
  readonly heardAtMs: number;
  readonly lane: string;
  readonly document: string;
}

export interface Tally {
  oversold: number;
  overstatedUnitHours: number;
  understatedUnitHours: number;
  refusedThoughThere: number;
  corrections: number;
  harmful: number;
}

type Happening = { readonly atMs: number } & (
  | { readonly what: 'movement'; readonly movement: Movement }
  | { readonly what: 'heard'; readonly heard: Heard }
  | { readonly what: 'erp'; readonly delta: number }
  | { readonly what: 'hidden'; readonly hidden: Hidden }
);

export class Twin {
  readonly ledger: Ledger;
  shelf: number;
  erp: number;
  believed: number;
  readonly heard: Heard[] = [];
  readonly tally: Tally = {
    oversold: 0,
    overstatedUnitHours: 0,
    understatedUnitHours: 0,
    refusedThoughThere: 0,
    corrections: 0,
    harmful: 0,
  };
  /** Ordered by time; the last one comes next. */
  readonly #coming: Happening[];
  #nowMs = 0;

  constructor(ledger: Ledger) {
    this.ledger = ledger;
    this.shelf = ledger.opening;
    this.erp = ledger.opening;
    this.believed = ledger.opening;
    this.#coming = [
      ...ledger.movements.map((movement) => ({
        atMs: movement.atMs,
        what: 'movement' as const,
        movement,
      })),
      ...ledger.hidden.map((hidden) => ({ atMs: hidden.atMs, what: 'hidden' as const, hidden })),
    ].sort((a, b) => b.atMs - a.atMs);
  }

  /** Lives on until `atMs`. */
  advance(atMs: number): void {
    for (let next = this.#coming.at(-1); next !== undefined && next.atMs <= atMs; ) {
      this.#coming.pop();
      this.#pass(next.atMs);
      this.#happen(next);
      next = this.#coming.at(-1);
    }
    this.#pass(atMs);
  }

  /** The policy changes the belief. */
  correct(delta: number): void {
    const before = Math.abs(this.believed - this.shelf);
    this.believed += delta;
    this.tally.corrections += 1;
    if (Math.abs(this.believed - this.shelf) > before) this.tally.harmful += 1;
  }

  #pass(atMs: number): void {
    const hours = (atMs - this.#nowMs) / 3_600_000;
    const over = this.believed - this.shelf;
    if (over > 0) this.tally.overstatedUnitHours += over * hours;
    else this.tally.understatedUnitHours -= over * hours;
    this.#nowMs = atMs;
  }

  #happen(happening: Happening): void {
    switch (happening.what) {
      case 'movement':
        this.#move(happening.movement);
        break;
      case 'heard':
        this.believed += happening.heard.delta;
        this.heard.push(happening.heard);
        break;
      case 'erp':
        this.erp += happening.delta;
        break;
      case 'hidden':
        this.#hide(happening.hidden);
    }
  }

  #hide(hidden: Hidden): void {
    // Nobody steals what is not there.
    const delta = Math.max(hidden.delta, -Math.max(0, this.shelf));
    this.shelf += delta;
    this.#schedule({ atMs: hidden.countedAtMs, what: 'erp', delta });
  }

  #move(movement: Movement): void {
    const { kind, qty } = movement;
    if (kind === 'online') {
      if (this.believed < qty) {
        if (this.shelf >= qty) this.tally.refusedThoughThere += qty;
        return;
      }
      this.tally.oversold += Math.min(qty, Math.max(0, qty - Math.max(0, this.shelf)));
    }
    // In a store people buy what they hold in their hands.
    if (kind === 'store' && this.shelf < qty) return;
    const delta = kind === 'online' || kind === 'store' ? -qty : qty;
    this.shelf += delta;
    const { atMs, lane, document, clockErrorMs } = movement;
    const heard: Heard = {
      delta,
      occurredAtMs: Math.round(atMs + clockErrorMs),
      heardAtMs: atMs + movement.heardAfterMs,
      lane,
      document,
    };
    if (movement.heardAfterMs === 0) {
      this.believed += delta;
      this.heard.push(heard);
    } else {
      this.#schedule({ atMs: heard.heardAtMs, what: 'heard', heard });
    }
    for (const afterMs of movement.postedAfterMs) {
      this.#schedule({ atMs: atMs + afterMs, what: 'erp', delta });
    }
  }

  #schedule(happening: Happening): void {
    let low = 0;
    let high = this.#coming.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#coming[middle]!.atMs > happening.atMs) low = middle + 1;
      else high = middle;
    }
    this.#coming.splice(low, 0, happening);
  }
}
