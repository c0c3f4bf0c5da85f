/**
 * One reconciler in the whole cluster: whoever has written the key `lease` last, by compare-and-set,
 * for as long as it renews it.
 *
 * 1. Nobody's clock is compared with anybody else's: a lease has lapsed when its revision has not
 *    changed for `lapseMs` of our own time.
 * 2. The holder believes in its lease only until `lapseMs` after it *began* the last renewal that
 *    succeeded, so that it has stopped when another may begin.
 * 3. A displaced holder may still have a correction under way: that is harmless, because the SKU's
 *    actor refuses a correction that another one has overtaken.
 */

import type { Clock, KeyValues, Timer } from '../ports.ts';

export interface LeaseOptions {
  readonly values: KeyValues;
  readonly clock: Clock;
  /** Unique among all runs of all nodes. */
  readonly holder: string;
  readonly lapseMs?: number;
  readonly onGained: () => void;
  readonly onLost: () => void;
}

const key = 'lease';
const defaultLapseMs = 6_000;

export class Lease {
  readonly #options: LeaseOptions;
  readonly #lapseMs: number;
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  /** What the owner of this lease has been told. */
  #isTold = false;
  /** Revision of ours that we last wrote. */
  #ours = 0;
  #seen = { revision: -1, sinceMs: 0 };
  #timer: Timer | undefined;
  #isBusy = false;
  #isStopped = true;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#lapseMs = options.lapseMs ?? defaultLapseMs;
  }

  get isHeld(): boolean {
    return this.#options.clock.now() < this.#heldUntilMs;
  }

  start(): void {
    this.#isStopped = false;
    this.#schedule(0);
  }

  /** Gives the lease back, so that another need not wait for it to lapse. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    const wasHeld = this.isHeld;
    this.#lose();
    if (!wasHeld) return;
    const payload = JSON.stringify({ holder: null });
    await this.#options.values.write(key, payload, this.#ours).catch(() => {});
  }

  #schedule(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.after(ms, () => {
      void this.#turn();
    });
  }

  async #turn(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    // A holder that has heard nothing for too long has stopped being one, whatever comes of this.
    const wasHeld = this.isHeld;
    const leftMs = wasHeld ? this.#heldUntilMs - this.#options.clock.now() : 0;
    const lapse = wasHeld ? this.#options.clock.after(leftMs, () => this.#lose()) : undefined;
    try {
      await (wasHeld ? this.#renew() : this.#tryToTake());
    } catch {
      // Unreachable: try again; the lapse is being watched.
    } finally {
      lapse?.cancel();
      this.#isBusy = false;
    }
    if (!this.isHeld) this.#lose();
    this.#schedule(this.#lapseMs / 4);
  }

  async #renew(): Promise<void> {
    if (await this.#write(this.#ours)) this.#gain();
    else this.#lose();
  }

  async #tryToTake(): Promise<void> {
    const { values, clock, holder } = this.#options;
    const stored = await values.read(key);
    const revision = stored?.revision ?? 0;
    if (revision !== this.#seen.revision) this.#seen = { revision, sinceMs: clock.now() };
    const written = holderIn(stored?.payload ?? '{}');
    // Ours: a renewal that we took for lost.
    const isFree = written === null || written === holder;
    const hasLapsed = clock.now() - this.#seen.sinceMs >= this.#lapseMs;
    if (!isFree && !hasLapsed) return;
    if (await this.#write(revision)) this.#gain();
  }

  async #write(expect: number): Promise<boolean> {
    const { values, clock, holder } = this.#options;
    const beganMs = clock.now();
    const written = await values.write(key, JSON.stringify({ holder, atMs: beganMs }), expect);
    if (written.kind === 'conflict') return false;
    this.#ours = written.revision;
    this.#heldUntilMs = beganMs + this.#lapseMs;
    return true;
  }

  /** Also after a renewal: its answer may have come when the lease had lapsed meanwhile. */
  #gain(): void {
    if (this.#isTold || this.#isStopped || !this.isHeld) return;
    this.#isTold = true;
    this.#options.onGained();
  }

  #lose(): void {
    this.#heldUntilMs = Number.NEGATIVE_INFINITY;
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#seen = { revision: -1, sinceMs: 0 };
    this.#options.onLost();
  }
}

/** Who holds the lease; null: nobody. What cannot be read is somebody's, until it lapses. */
function holderIn(payload: string): unknown {
  try {
    return (JSON.parse(payload) as { holder?: unknown } | null)?.holder ?? null;
  } catch {
    return undefined;
  }
}
