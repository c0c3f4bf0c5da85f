/**
 * Virtual time: a queue of events, ordered by time and then by when they were scheduled.
 *
 * 1. One event at a time, and every promise that it settles has run to its end before the next.
 * 2. Nothing here reads the machine's clock: the same schedule gives the same run.
 * 3. Every event leaves a mark in the trace; the hash of all marks names the run.
 */

/** More has happened than any healthy run needs: something runs in circles. */
export class StepLimitError extends Error {}

interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly label: string;
  run: (() => void) | undefined;
}

export interface Cancel {
  cancel(): void;
}

/** Resolves when every promise that can settle by itself has settled. */
const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Timeline {
  #nowMs: number;
  #order = 0;
  #heap: Scheduled[] = [];
  #hash = 0x811c9dc5;
  #steps = 0;
  readonly #kept: string[] = [];
  readonly #keepMax: number;
  readonly #stepsMax: number;

  constructor(startMs: number, keepMax = 400, stepsMax = Number.POSITIVE_INFINITY) {
    this.#nowMs = startMs;
    this.#keepMax = keepMax;
    this.#stepsMax = stepsMax;
  }

  /** Milliseconds, with fractions. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get steps(): number {
    return this.#steps;
  }

  /** The trace so far as eight hexadecimal digits. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** The last marks, for a failure's report. */
  get recent(): readonly string[] {
    return this.#kept;
  }

  /** Runs `run` after `ms`. The label goes into the trace. */
  after(ms: number, label: string, run: () => void): Cancel {
    const item: Scheduled = {
      atMs: this.#nowMs + Math.max(0, ms),
      order: this.#order++,
      label,
      run,
    };
    this.#push(item);
    return {
      cancel: () => {
        item.run = undefined;
      },
    };
  }

  /** Records something that happened within the current event. */
  mark(text: string): void {
    let hash = this.#hash;
    for (let index = 0; index < text.length; index++) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
    this.#hash = Math.imul(hash ^ (Math.floor(this.#nowMs * 1_000) % 0x7fffffff), 0x01000193);
    if (this.#keepMax === 0) return;
    this.#kept.push(`${(this.#nowMs % 10_000_000).toFixed(3)} ${text}`);
    if (this.#kept.length > 2 * this.#keepMax) this.#kept.splice(0, this.#keepMax);
  }

  /** When the next event is due; undefined: there is none. */
  nextAtMs(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.atMs;
  }

  /** Runs the next event, if there is one, and everything that follows from it at once. */
  async step(): Promise<boolean> {
    this.#dropCancelled();
    const item = this.#pop();
    if (!item) return false;
    this.#nowMs = Math.max(this.#nowMs, item.atMs);
    this.#steps += 1;
    if (this.#steps > this.#stepsMax) throw new StepLimitError(`more than ${this.#stepsMax} steps`);
    if (item.label !== '') this.mark(item.label);
    item.run?.();
    await quiet();
    return true;
  }

  /** Runs everything that is due until `untilMs`, and leaves the clock there. */
  async runUntil(untilMs: number, stop: () => boolean = () => false): Promise<void> {
    for (let next = this.nextAtMs(); next !== undefined && next <= untilMs; ) {
      if (stop()) return;
      await this.step();
      next = this.nextAtMs();
    }
    if (!stop()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #dropCancelled(): void {
    while (this.#heap.length > 0 && this.#heap[0]?.run === undefined) this.#pop();
  }

  #before(a: Scheduled, b: Scheduled): boolean {
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  }

  #push(item: Scheduled): void {
    const heap = this.#heap;
    let index = heap.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(item, heap[parent] as Scheduled)) break;
      heap[index] = heap[parent] as Scheduled;
      index = parent;
    }
    heap[index] = item;
  }

  #pop(): Scheduled | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && this.#before(heap[right] as Scheduled, heap[child] as Scheduled)) {
        child = right;
      }
      if (!this.#before(heap[child] as Scheduled, last)) break;
      heap[index] = heap[child] as Scheduled;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}
