/**
 * The node's idea of the common time: its own clock corrected by the NATS servers' timestamps.
 *
 * - The offset is the median of the last estimates, so that one bad clock among several servers
 *   moves nobody. Above `clockOffsetMaxMs` the node stops committing, and owns nothing.
 * - After the process stood still or its clock jumped, which looks the same, nothing is committed
 *   before the next estimate.
 */

import type { Clock } from '../ports.ts';

const estimatesKept = 5;

export class NodeTime {
  readonly #clock: Clock;
  readonly #offsetMaxMs: number;
  #estimates: number[] = [];
  #offsetMs = 0;
  #doubted = false;

  constructor(clock: Clock, offsetMaxMs: number) {
    this.#clock = clock;
    this.#offsetMaxMs = offsetMaxMs;
  }

  /** Common time in milliseconds since the epoch. */
  now(): number {
    return this.#clock.now() + this.#offsetMs;
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Whether the node's clock is too far off to decide about expiry. */
  get off(): boolean {
    return Math.abs(this.#offsetMs) > this.#offsetMaxMs;
  }

  /** Whether what `now` says may be committed. */
  get trusted(): boolean {
    return !this.#doubted && !this.off;
  }

  /** The clock may have jumped: it is not trusted before the next estimate. */
  doubt(): void {
    this.#doubted = true;
    this.#estimates = [];
  }

  /** Takes one estimate: the server's time, and our clock before and after asking for it. */
  observe(serverNowMs: number, askedMs: number, answeredMs: number): void {
    const estimate = serverNowMs - (askedMs + answeredMs) / 2;
    const errorMs = Math.abs(answeredMs - askedMs) / 2;
    this.#estimates.push(estimate);
    if (this.#estimates.length > estimatesKept) this.#estimates.shift();
    const sorted = [...this.#estimates].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] as number;
    // Within the round trip an offset cannot be told from delay: leave a good clock alone.
    this.#offsetMs = Math.abs(median) <= errorMs + 2 ? 0 : Math.round(median);
    this.#doubted = false;
  }
}
