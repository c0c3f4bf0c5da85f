/**
 * One operating-system process: everything that reaches a node's code goes through `enter`.
 *
 * 1. Dead: nothing enters any more, and of what it was just sending an arbitrary tail is lost.
 * 2. Paused: everything waits, and enters after the wake-up; whether timers or messages come first
 *    is as arbitrary as the event loop's phase when the process was stopped.
 * 3. Its clock is the common time plus a skew that may jump; its timers are monotonic.
 */

import type { Clock, Timer } from '../../../src/ports.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

interface Waiting {
  readonly kind: 'timer' | 'message';
  readonly label: string;
  readonly sinceMs: number;
  readonly run: () => void;
}

export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  /** Milliseconds that its wall clock is ahead. */
  skewMs = 0;
  /** How long what runs now had been waiting for the process to wake up. */
  heldMs = 0;
  readonly #timeline: Timeline;
  readonly #random: Random;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #pausedAtMs = 0;
  #waiting: Waiting[] = [];
  /** Messages that it sent and that have not arrived, oldest first. */
  #outgoing: { lost: boolean }[] = [];

  constructor(name: string, timeline: Timeline, random: Random) {
    this.name = name;
    this.#timeline = timeline;
    this.#random = random;
    this.clock = {
      now: () => Math.floor(timeline.nowMs + this.skewMs),
      after: (ms, ring) => this.#after(ms, ring),
    };
  }

  get state(): 'running' | 'paused' | 'dead' {
    return this.#state;
  }

  /** How long it has been standing still. */
  get pausedForMs(): number {
    return this.#state === 'paused' ? this.#timeline.nowMs - this.#pausedAtMs : 0;
  }

  /** Runs code of the process: now, after the wake-up, or never. */
  enter(kind: Waiting['kind'], label: string, run: () => void): void {
    if (this.#state === 'dead') return;
    if (this.#state === 'running') run();
    else this.#waiting.push({ kind, label, run, sinceMs: this.#timeline.nowMs });
  }

  /** A message leaves the process: `arrive` runs after `ms`, unless a crash swallowed it. */
  send(ms: number, label: string, arrive: () => void): void {
    const message = { lost: false };
    this.#outgoing.push(message);
    this.#timeline.after(ms, label, () => {
      this.#outgoing = this.#outgoing.filter((other) => other !== message);
      if (!message.lost) arrive();
    });
  }

  pause(): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    this.#pausedAtMs = this.#timeline.nowMs;
    this.#timeline.mark(`${this.name} paused`);
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.#timeline.mark(`${this.name} resumed`);
    const waiting = this.#waiting;
    this.#waiting = [];
    const first = this.#random.chance(0.5) ? 'timer' : 'message';
    const ordered = [
      ...waiting.filter((item) => item.kind === first),
      ...waiting.filter((item) => item.kind !== first),
    ];
    for (const item of ordered) {
      this.#timeline.after(0, `${this.name} catches up: ${item.label}`, () =>
        this.enter(item.kind, item.label, () => this.#catchUp(item)),
      );
    }
  }

  #catchUp(item: Waiting): void {
    this.heldMs = this.#timeline.nowMs - item.sinceMs;
    try {
      item.run();
    } finally {
      this.heldMs = 0;
    }
  }

  crash(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#waiting = [];
    const kept = this.#random.between(0, this.#outgoing.length);
    for (const message of this.#outgoing.slice(kept)) message.lost = true;
    this.#timeline.mark(`${this.name} crashed`);
  }

  #after(ms: number, ring: () => void): Timer {
    if (!Number.isFinite(ms)) throw new Error(`a timer of ${ms} ms`);
    // Node rings at the next whole millisecond, never at once.
    let cancelled = false;
    const scheduled = this.#timeline.after(Math.max(1, Math.ceil(ms)), '', () =>
      this.enter('timer', 'timer', () => {
        if (!cancelled) ring();
      }),
    );
    return {
      cancel: () => {
        cancelled = true;
        scheduled.cancel();
      },
    };
  }
}
