/**
 * Long work in short pieces: whoever calls `breathe` between pieces lets the node's commands pass
 * whenever it has worked for `budgetMs`. On a virtual clock nothing takes time, so nothing waits.
 */

import type { Clock } from '../ports.ts';

export class Pace {
  readonly #clock: Clock;
  readonly #budgetMs: number;
  #sinceMs: number;

  constructor(clock: Clock, budgetMs = 3) {
    this.#clock = clock;
    this.#budgetMs = budgetMs;
    this.#sinceMs = clock.now();
  }

  /** Undefined: go on at once. */
  breathe(): Promise<void> | undefined {
    const nowMs = this.#clock.now();
    if (nowMs >= this.#sinceMs && nowMs - this.#sinceMs < this.#budgetMs) return undefined;
    return new Promise((resolve) => {
      this.#clock.after(0, () => {
        this.#sinceMs = this.#clock.now();
        resolve();
      });
    });
  }
}
