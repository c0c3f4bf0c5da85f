/**
 * What a serving partition does for itself between rounds: writes its outputs, makes checkpoints,
 * lets idle SKUs go, and rings at the next expiry. State is what the journal says at such a moment;
 * nothing here delays a round by more than one short step.
 */

import type { Clock, Timer } from '../../ports.ts';
import type { Logger } from '../log.ts';
import type { Slots } from '../slots.ts';
import type { Alarms } from './alarms.ts';
import type { Checkpointer } from './checkpointer.ts';
import type { Outputs } from './outputs.ts';
import { SnapshotLostError } from './pages.ts';
import type { ResidentBudget } from './resident-budget.ts';
import type { Residents } from './residents.ts';
import type { Head, Rounds } from './rounds.ts';
import type { Tail } from './tail.ts';

/** SKUs of a partition that may be written in each interval between checkpoints. */
const skusPerInterval = 10_000;
/** After so long, what else waits for a moment between rounds waits for the next. */
const waitingRunMs = 4;
/** So many SKUs that only the tail knows make a checkpoint due: half a kilobyte each. */
const tailSkusMax = 16_384;

export interface HousekeepingOptions {
  readonly partition: number;
  readonly clock: Clock;
  readonly now: () => number;
  readonly limits: { readonly snapshotEveryMs: number; readonly snapshotEveryEvents: number };
  readonly checkpointSlots: Slots;
  readonly budget: ResidentBudget;
  readonly log: Logger;
  readonly head: Head;
  readonly rounds: Rounds;
  readonly outputs: Outputs;
  readonly residents: Residents;
  readonly alarms: Alarms;
  readonly checkpointer: Checkpointer;
  readonly tail: Tail;
  /** What checkpoints rest on is gone: the session cannot go on. */
  readonly onSnapshotLost: (error: unknown) => void;
  /** Events that recovery found after the last checkpoint. */
  readonly eventsBehind: number;
}

export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #waiting: (() => void)[] = [];
  #eventsBehind: number;
  #checkpointDueMs = 0;
  /** A checkpoint waits for its turn, or is being made. */
  #queued = false;
  #hasSlot = false;
  #alarmTimer: Timer | undefined;
  #alarmAtMs = Number.POSITIVE_INFINITY;
  #maintenance: Timer | undefined;
  #unregister = () => {};
  #serving = false;
  #over = false;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    this.#eventsBehind = options.eventsBehind;
  }

  /** Events that no checkpoint covers yet. */
  get eventsBehind(): number {
    return this.#eventsBehind;
  }

  /** Begins. Before it no alarm and no output may start a round: the tail is being read. */
  start(): void {
    this.#serving = true;
    const { now, limits, partition } = this.#options;
    this.#checkpointDueMs = now() + limits.snapshotEveryMs * phaseOf(partition);
    this.#maintainLater();
    this.#unregister = this.#options.budget.onPressure(() => {
      // While a round is under way the moment after it comes by itself.
      if (this.#options.rounds.atRest) this.atRest();
    });
    // Outputs that became due during recovery have had nobody to ask.
    this.atRest();
  }

  /** A round with so many events is durable. */
  committed(events: number): void {
    this.#eventsBehind += events;
  }

  /** Runs `work` when no round is under way: state is then what the journal says. */
  betweenRounds<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = () => {
        if (this.#over) return reject(new Error('the partition is no longer served here'));
        try {
          resolve(work());
        } catch (error) {
          reject(error as Error);
        }
      };
      if (this.#options.rounds.atRest) run();
      else this.#waiting.push(run);
    });
  }

  /** Between rounds now: everything gets its turn. */
  atRest(): void {
    if (this.#over || !this.#serving) return;
    const { outputs, head, budget, residents, rounds, checkpointer } = this.#options;
    if (outputs.due) outputs.collect(head.seq);
    this.#runWaiting();
    // What a checkpoint has begun to look for in memory has to stay there until its end.
    if (budget.over && residents.shrink(!checkpointer.running)) this.#checkpointDueMs = 0;
    this.#maybeCheckpoint();
    this.armAlarm();
    if (this.#waiting.length > 0 && rounds.atRest) queueMicrotask(() => this.atRest());
  }

  /** At least one of those that wait; no round is kept waiting for long by many of them. */
  #runWaiting(): void {
    const { clock } = this.#options;
    const until = clock.now() + waitingRunMs;
    for (let left = this.#waiting.length; left > 0; left--) {
      this.#waiting.shift()?.();
      if (clock.now() >= until) return;
    }
  }

  /** Makes sure that something rings when the next hold may end. */
  armAlarm(): void {
    if (this.#over || !this.#serving) return;
    const { alarms, clock, now, rounds } = this.#options;
    const next = alarms.nextAtMs();
    if (next === undefined || (this.#alarmTimer && next >= this.#alarmAtMs)) return;
    this.#alarmTimer?.cancel();
    this.#alarmAtMs = next;
    this.#alarmTimer = clock.after(Math.max(0, next - now()), () => {
      this.#alarmTimer = undefined;
      this.#alarmAtMs = Number.POSITIVE_INFINITY;
      rounds.kick();
      // Otherwise the moment after the next round arms it: what is due waits for that one.
      if (rounds.idle) this.armAlarm();
    });
  }

  /** A checkpoint of everything that has been committed, if there is anything. */
  async checkpoint(): Promise<void> {
    const { checkpointer, limits, now, residents, tail } = this.#options;
    // One that is being made may have begun before the last commits.
    if (checkpointer.running) await checkpointer.run();
    // A SKU that was being read while its page was written has not heard that it is covered.
    if (this.#eventsBehind === 0 && tail.skus === 0 && !residents.hasDirty) return;
    // Pages are written whole: those of a large catalogue more rarely, or little else would be done.
    const { skus } = checkpointer.written;
    this.#checkpointDueMs = now() + limits.snapshotEveryMs * Math.max(1, skus / skusPerInterval);
    const covered = this.#eventsBehind;
    await checkpointer.run();
    this.#eventsBehind -= covered;
  }

  stop(): void {
    this.#over = true;
    this.#alarmTimer?.cancel();
    this.#maintenance?.cancel();
    this.#unregister();
    for (const run of this.#waiting.splice(0)) run();
    // What is left of a checkpoint may wait for servers for long: the other partitions do not.
    this.#releaseSlot();
  }

  #maybeCheckpoint(): void {
    const { checkpointer, limits, now, log, partition, tail, onSnapshotLost } = this.#options;
    // A SKU with 300,000 holds is written whole: not before there have been twice as many events.
    const manyEvents = Math.max(limits.snapshotEveryEvents, 2 * checkpointer.written.records);
    const due =
      now() >= this.#checkpointDueMs ||
      this.#eventsBehind >= manyEvents ||
      tail.skus >= tailSkusMax;
    if (!due || checkpointer.running || this.#queued) return;
    this.#queued = true;
    this.#checkpointInTurn()
      .catch((error: unknown) => {
        if (this.#over) return;
        // Trying again would find the same page missing, and nothing would ever be covered again.
        if (error instanceof SnapshotLostError) return onSnapshotLost(error);
        log.warn({ partition, error }, 'checkpoint failed; it will be tried again');
      })
      .finally(() => {
        this.#queued = false;
      });
  }

  async #checkpointInTurn(): Promise<void> {
    const { checkpointSlots } = this.#options;
    const wait = checkpointSlots.acquire();
    if (wait) await wait;
    this.#hasSlot = true;
    try {
      if (!this.#over) await this.checkpoint();
    } finally {
      this.#releaseSlot();
    }
  }

  #releaseSlot(): void {
    if (!this.#hasSlot) return;
    this.#hasSlot = false;
    this.#options.checkpointSlots.release();
  }

  /** Also for a partition that nobody calls. */
  #maintainLater(): void {
    const { clock, limits, rounds } = this.#options;
    this.#maintenance = clock.after(limits.snapshotEveryMs / 2, () => {
      if (rounds.atRest) this.atRest();
      this.#maintainLater();
    });
  }
}

/**
 * Where in the interval between checkpoints a partition makes its first, in (0, 1]. Partitions of a
 * node begin to serve together: their checkpoints would keep the journal from the disk together, too.
 * Multiples of the golden ratio lie evenly, whichever partitions a node owns.
 */
function phaseOf(partition: number): number {
  return 1 - ((partition * 0.6180339887) % 1);
}
