/**
 * What a node counts about itself: plain numbers that cost nanoseconds to raise and are only turned
 * into a monitoring format when somebody asks (`src/http`). `noMetrics` is for who does not ask.
 *
 * 1. Every label comes from a fixed set (verbs, codes, sinks): a caller cannot make memory grow.
 * 2. Gauges are not here: mailboxes, residents and clock are read from `status()`.
 */

/** How one command was answered: `accepted`, `replayed`, `read`, or the code of its refusal. */
export type CommandOutcome = string;

/** Called by the runtime as things happen. Every method is cheap and never throws. */
export interface Metrics {
  /** One command was answered. */
  command(verb: string, outcome: CommandOutcome): void;
  /** One commit is durable: what was in it, and the time from sending it to its acknowledgement. */
  commit(commit: { readonly commands: number; readonly bytes: number; readonly ms: number }): void;
  /** A round without events has proved its ownership. */
  barrier(ms: number): void;
  /** An append was not simply stored: `busy`, `unknown` or `refused` (displaced). */
  appendTrouble(kind: 'busy' | 'unknown' | 'refused'): void;
  /** A fact was applied, or put among the dead letters. */
  fact(outcome: 'applied' | 'dead'): void;
  /** Holds have expired; how late the latest of them was. */
  expired(holds: number, lateMs: number): void;
  /** Rows or history messages were written; the time since the oldest commit among them. */
  derived(sink: string, rows: number, lagMs: number): void;
  /** A partition was taken over: how long it took, and how many journal messages it replayed. */
  recovered(ms: number, entries: number): void;
  /** A SKU actor failed and was thrown away. */
  actorFailed(): void;
  /** The process stood still for so long. */
  stalled(ms: number): void;
}

const nothing = () => {};

/** Counts nothing. */
export const noMetrics: Metrics = {
  command: nothing,
  commit: nothing,
  barrier: nothing,
  appendTrouble: nothing,
  fact: nothing,
  expired: nothing,
  derived: nothing,
  recovered: nothing,
  actorFailed: nothing,
  stalled: nothing,
};

/** A distribution over fixed buckets, as Prometheus counts them. */
export class Distribution {
  /** Upper bounds, rising; values above the last one count in `count` only. */
  readonly bounds: readonly number[];
  readonly buckets: number[];
  count = 0;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.buckets = bounds.map(() => 0);
  }

  add(value: number): void {
    this.count += 1;
    this.sum += value;
    const { bounds } = this;
    for (let at = 0; at < bounds.length; at += 1) {
      if (value <= (bounds[at] as number)) {
        this.buckets[at] = (this.buckets[at] as number) + 1;
        return;
      }
    }
  }
}

/** Bounds in milliseconds: from a fast fsync to what callers give up at. */
const msBounds = [0.25, 0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
const countBounds = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000];
const byteBounds = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

/** Labels beyond this many are counted together as `other`. */
const labelsMax = 256;

/** Counts by one label. */
export class Tally {
  readonly values = new Map<string, number>();

  add(label: string, by = 1): void {
    const before = this.values.get(label);
    if (before !== undefined) this.values.set(label, before + by);
    else if (this.values.size < labelsMax) this.values.set(label, by);
    else this.values.set('other', (this.values.get('other') ?? 0) + by);
  }
}

/** The real thing: counts in memory. One per node. */
export class CountingMetrics implements Metrics {
  /** By `<verb> <outcome>`. */
  readonly commands = new Tally();
  readonly appendTroubles = new Tally();
  readonly facts = new Tally();
  readonly derivedRows = new Tally();
  readonly derivedLagMs = new Map<string, Distribution>();
  readonly commitMs = new Distribution(msBounds);
  readonly commitCommands = new Distribution(countBounds);
  readonly commitBytes = new Distribution(byteBounds);
  readonly barrierMs = new Distribution(msBounds);
  readonly expiryLateMs = new Distribution(msBounds);
  readonly recoveryMs = new Distribution(msBounds);
  expiredHolds = 0;
  recoveredEntries = 0;
  actorFailures = 0;
  stalls = 0;

  command(verb: string, outcome: CommandOutcome): void {
    this.commands.add(`${verb} ${outcome}`);
  }

  commit(commit: { readonly commands: number; readonly bytes: number; readonly ms: number }): void {
    this.commitMs.add(commit.ms);
    this.commitCommands.add(commit.commands);
    this.commitBytes.add(commit.bytes);
  }

  barrier(ms: number): void {
    this.barrierMs.add(ms);
  }

  appendTrouble(kind: 'busy' | 'unknown' | 'refused'): void {
    this.appendTroubles.add(kind);
  }

  fact(outcome: 'applied' | 'dead'): void {
    this.facts.add(outcome);
  }

  expired(holds: number, lateMs: number): void {
    this.expiredHolds += holds;
    this.expiryLateMs.add(lateMs);
  }

  derived(sink: string, rows: number, lagMs: number): void {
    this.derivedRows.add(sink, rows);
    let lag = this.derivedLagMs.get(sink);
    if (lag === undefined) {
      lag = new Distribution(msBounds);
      this.derivedLagMs.set(sink, lag);
    }
    lag.add(lagMs);
  }

  recovered(ms: number, entries: number): void {
    this.recoveryMs.add(ms);
    this.recoveredEntries += entries;
  }

  actorFailed(): void {
    this.actorFailures += 1;
  }

  stalled(_ms: number): void {
    this.stalls += 1;
  }
}
