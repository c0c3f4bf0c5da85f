/**
 * How many SKU actors a node may keep. Beyond `max` every partition lets go of what it can between its
 * rounds; at twice as many, commands for further SKUs are refused until somebody has.
 */

import type { Clock } from '../../ports.ts';

/** New SKUs come in up to so many times the limit: checkpoints need a while to make others clean. */
const burst = 2;
/** How often, at most, partitions that rest are asked to let go of residents. */
const pressEveryMs = 20;

/** How many SKU actors the node may keep, over all its partitions. */
export class ResidentBudget {
  readonly max: number;
  count = 0;
  readonly #clock: Clock;
  readonly #relievers = new Set<() => void>();
  #isPressing = false;

  constructor(max: number, clock: Clock) {
    this.max = max;
    this.#clock = clock;
  }

  /** Residents are passivated, and checkpoints made that allow it. */
  get over(): boolean {
    return this.count > this.max;
  }

  /** No other SKU comes into memory for a command. */
  get full(): boolean {
    return this.count >= burst * this.max;
  }

  /** `relieve` is called while the node is full: let go of what can be. Answers how to unregister. */
  onPressure(relieve: () => void): () => void {
    this.#relievers.add(relieve);
    return () => this.#relievers.delete(relieve);
  }

  /** Somebody had to be refused: also partitions that nobody calls shall let go. */
  press(): void {
    if (this.#isPressing) return;
    this.#isPressing = true;
    this.#clock.after(pressEveryMs, () => {
      this.#isPressing = false;
      for (const relieve of this.#relievers) relieve();
    });
  }
}
