/**
 * The node's idea of the common time: its own clock corrected by the NATS servers' timestamps, and
 * the detection of a frozen process.
 *
 * - The offset is the median of the last estimates, so that one bad clock among several servers
 *   moves nobody. Above `clockOffsetMaxMs` the node stops committing.
 * - A stall is noticed when a ticker is late, or by the first message handled after it: whatever
 *   was received before the next PONG of the server is from the past.
 */

import type { Clock } from '../ports.ts';

const estimatesKept = 5;

export class NodeTime {
  readonly #clock: Clock;
  readonly #offsetMaxMs: number;
  #estimates: number[] = [];
  #offsetMs = 0;

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
  get trusted(): boolean {
    return Math.abs(this.#offsetMs) <= this.#offsetMaxMs;
  }

  /** Takes one estimate: the server's time, and our clock before and after asking for it. */
  observe(serverNowMs: number, askedMs: number, answeredMs: number): void {
    this.#estimates.push(serverNowMs - (askedMs + answeredMs) / 2);
    if (this.#estimates.length > estimatesKept) this.#estimates.shift();
    const sorted = [...this.#estimates].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] as number;
    // Within the round trip an offset cannot be told from delay: leave a good clock alone.
    this.#offsetMs = Math.abs(median) <= (answeredMs - askedMs) / 2 + 2 ? 0 : Math.round(median);
  }
}
