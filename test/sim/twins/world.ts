/**
 * What all nodes of a simulation share: the servers' state, their health, and the network between.
 * Each node gets its own ports bound to the world (`ports.ts`), through its own `Link`.
 *
 * 1. What the servers have stored is stored: the journal, facts and membership survive everything. What
 *    can be made again is written asynchronously on a single server: when it dies, derived data may be
 *    gone, and the latest snapshots.
 * 2. While a leader is elected nothing is applied, except what was just on its way.
 */

import type { Faults } from '../engine/faults.ts';
import { Random } from '../engine/random.ts';
import type { Timeline } from '../engine/timeline.ts';
import { AcknowledgementState } from './acknowledgements.ts';
import { BusState } from './bus-state.ts';
import { FactState } from './facts.ts';
import { JournalState } from './journal.ts';
import type { Link } from './link.ts';
import { MemberState } from './members.ts';
import { SinkState } from './sinks.ts';
import { BucketState } from './snapshots.ts';

export interface WorldOptions {
  /** 3: duplicates are acknowledged, 10164 happens. 1: the expectation is checked first. */
  readonly replicas: 1 | 3;
  readonly partitions: number;
  /** `stock`, `view.<channel>`, `events`. */
  readonly sinks: readonly string[];
  readonly memberTtlMs: number;
  /** How long a caller waits for the servers. */
  readonly callTimeoutMs: number;
  readonly duplicateWindowMs: number;
  /** One way through the network, without faults. */
  readonly latencyMs: { readonly least: number; readonly most: number };
  /** After this long without a PONG the server drops a frozen client. */
  readonly frozenClientMs: number;
}

export const defaultWorldOptions: WorldOptions = {
  replicas: 1,
  partitions: 4,
  sinks: ['stock', 'events'],
  memberTtlMs: 2_000,
  callTimeoutMs: 2_000,
  duplicateWindowMs: 120_000,
  latencyMs: { least: 0.1, most: 0.8 },
  frozenClientMs: 6_000,
};

/** What has a leader of its own in a cluster. */
export type Asset = 'journal' | 'snapshots' | 'sinks' | 'members' | 'facts';
export const assets: readonly Asset[] = ['journal', 'snapshots', 'sinks', 'members', 'facts'];

/**
 * Right after a leader died, messages on their way may still have reached a majority; nobody hears of
 * it, nor that there is no leader.
 */
const limboMs = 20;
/** How long it takes until an asset has a leader again (`leader-change/recorded.json`). */
const electionMs = { least: 3_000, most: 9_200 } as const;
/** Now and then questions are refused (10008) towards the end, instead of left unanswered. */
const refusingShare = 0.15;

interface Outage {
  readonly fromMs: number;
  /** From here questions are refused instead of left unanswered. */
  readonly refusingMs: number;
  readonly untilMs: number;
}

export class World {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly faults: Faults;
  readonly options: WorldOptions;
  readonly links = new Set<Link>();
  readonly journal: JournalState;
  readonly snapshots: BucketState;
  /** `inv_reconcile`: reconcilers' lease, reports and proposals. */
  readonly reconcile = new BucketState();
  /** What ERPs have said of their postings. */
  readonly acknowledgements: AcknowledgementState;
  readonly sinks: ReadonlyMap<string, SinkState>;
  readonly members: MemberState;
  readonly bus: BusState;
  readonly facts: FactState;
  readonly #outages = new Map<Asset, Outage>();
  #awayUntilMs = 0;

  constructor(timeline: Timeline, random: Random, faults: Faults, options: WorldOptions) {
    this.timeline = timeline;
    this.random = random;
    this.faults = faults;
    this.options = options;
    this.journal = new JournalState(this);
    this.snapshots = new BucketState();
    this.acknowledgements = new AcknowledgementState(this);
    this.sinks = new Map(options.sinks.map((name) => [name, new SinkState(name)]));
    this.members = new MemberState(this);
    this.bus = new BusState(this);
    this.facts = new FactState(this);
  }

  /** The servers' common time, in whole milliseconds. */
  get serverNowMs(): number {
    return Math.floor(this.timeline.nowMs);
  }

  /** One way through the network. */
  latency(): number {
    const { least, most } = this.options.latencyMs;
    return least + this.random.real() * (most - least);
  }

  /** The leader of some assets dies: each of them elects another one in its own time. */
  changeLeaders(hit: readonly Asset[]): void {
    this.faults.count('leader-changed');
    this.timeline.mark(`leaders of ${hit.join(', ')} gone`);
    const fromMs = this.timeline.nowMs;
    for (const asset of hit) {
      const untilMs = fromMs + this.random.between(electionMs.least, electionMs.most);
      const refuses = this.random.chance(refusingShare);
      const refusesForMs = refuses ? this.random.between(100, 5_000) : 0;
      const refusingMs = Math.max(fromMs + limboMs, untilMs - refusesForMs);
      this.#outages.set(asset, { fromMs, refusingMs, untilMs });
    }
  }

  /** The only server dies and is started again: every connection breaks. */
  takeServerAway(forMs: number): void {
    this.faults.count('server-away');
    this.timeline.mark('server gone');
    this.#awayUntilMs = this.timeline.nowMs + forMs;
    for (const link of this.links) link.disconnect(forMs + this.random.between(1, 500));
    if (this.options.replicas > 1) return;
    // Drawn from the run so far, so that nothing else is drawn otherwise than without it.
    const random = new Random(Number.parseInt(this.timeline.hash, 16));
    if (random.chance(0.5)) this.snapshots.loseTail(random.between(1, 12));
    if (random.chance(0.3)) return;
    for (const sink of this.sinks.values()) sink.loseTail();
  }

  /** `limbo`: it may be applied, and nobody will hear of it. */
  health(asset: Asset): 'serving' | 'limbo' | 'electing' | 'refusing' | 'away' {
    const now = this.timeline.nowMs;
    if (now < this.#awayUntilMs) return 'away';
    const outage = this.#outages.get(asset);
    if (!outage || now >= outage.untilMs) return 'serving';
    if (now < outage.fromMs + limboMs) return 'limbo';
    return now < outage.refusingMs ? 'electing' : 'refusing';
  }

  /** When the asset answers again; now, if it does. */
  servingAtMs(asset: Asset): number {
    return Math.max(this.timeline.nowMs, this.#awayUntilMs, this.#outages.get(asset)?.untilMs ?? 0);
  }

  /** Ends all outages at once. */
  heal(): void {
    this.#outages.clear();
    this.#awayUntilMs = 0;
    this.timeline.mark('servers healed');
  }
}
