/**
 * Notices that this process was frozen (SIGSTOP, a suspended machine, an event loop that stood
 * still), so that commands from the past are not executed: everything received before the server's
 * next PONG counts as stale. A clock that jumps, forwards or backwards, looks the same.
 */

import type { Clock, Timer } from '../ports.ts';

const tickMs = 100;

export interface StallOptions {
  readonly stallMaxMs: number;
  /** Resolves when the server has answered a ping that was sent now. */
  readonly ping: () => Promise<void>;
  /** Called once per stall, before anything received meanwhile is handled. */
  readonly onStall: (lateMs: number) => void;
}

export class StallWatch {
  readonly #clock: Clock;
  readonly #options: StallOptions;
  #lastTickMs: number;
  #timer: Timer | undefined;
  #thawing = 0;
  #stopped = false;

  constructor(clock: Clock, options: StallOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#lastTickMs = clock.now();
  }

  start(): void {
    this.#lastTickMs = this.#clock.now();
    this.#tick();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Whether a message handled now may be from before a freeze. */
  stale(): boolean {
    this.#check();
    return this.#thawing > 0;
  }

  #tick(): void {
    this.#check();
    this.#timer = this.#clock.after(tickMs, () => this.#tick());
  }

  #check(): void {
    const now = this.#clock.now();
    const lateMs = now - this.#lastTickMs - tickMs;
    this.#lastTickMs = now;
    if (Math.abs(lateMs) > this.#options.stallMaxMs) this.#thaw(lateMs);
  }

  /** Until one is answered: what has failed proves nothing about what is still on its way. */
  #ping(): void {
    this.#options.ping().then(
      () => {
        this.#thawing -= 1;
      },
      () => {
        if (!this.#stopped) this.#clock.after(tickMs, () => this.#ping());
      },
    );
  }

  #thaw(lateMs: number): void {
    this.#thawing += 1;
    this.#options.onStall(lateMs);
    this.#ping();
  }
}
