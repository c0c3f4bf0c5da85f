/**
 * The directory of a partition's living SKU actors: activation on the first command, passivation of
 * the idle, and a limit on how many live at once (design, *Recovery*).
 *
 * - Activation asserts that snapshot and tail reach the SKU's last known event (invariant 6).
 * - An actor whose action threw is discarded: its state may be half-changed. It is activated again
 *   from what is committed.
 * - Passivated are residents whose last event a snapshot covers, and those with few events since: these
 *   go to the tail, where they are when the partition is recovered. So a new catalogue comes in at
 *   the speed of the journal, whatever snapshots cost.
 */

import { type Actor, createActor } from 'xstate';
import { skuLogic } from '../../../actors/sku.ts';
import { decodeEvents } from '../../domain/event-codec.ts';
import { evolve } from '../../domain/evolve.ts';
import type { Rules } from '../../domain/rules.ts';
import { decodeState } from '../../domain/snapshot-codec.ts';
import { initialState, type SkuState } from '../../domain/state.ts';
import { type Clock, PortError } from '../../ports.ts';
import { type IdUse, useOfSku } from '../id-index.ts';
import type { Alarms } from './alarms.ts';
import type { PageEntry } from './page-entries.ts';
import { type Pages, SnapshotLostError } from './pages.ts';
import type { ResidentBudget } from './resident-budget.ts';
import { type Tail, type TailGroup, tuplesOf } from './tail.ts';

export interface Resident {
  readonly sku: string;
  /** What ids that are used for it are used for. */
  readonly use: IdUse;
  readonly actor: Actor<typeof skuLogic>;
  /** The actor's own; others read it between rounds only, when it is what the journal says. */
  readonly state: SkuState;
  /** Journal sequence and time of the SKU's last event; 0: none. */
  lastSeq: number;
  lastAtMs: number;
  /** Whether the SKU has events that no snapshot covers. `Residents` keeps it, and the two below. */
  dirty: boolean;
  /** These events, while they are few. */
  recent: TailGroup[] | undefined;
  /** Whether a row of it waits to be written to the views. */
  touched: boolean;
  used: boolean;
  failed: boolean;
  /** What each view last showed, to write only what changed; empty: not known. */
  readonly shown: Map<string, string>;
}

/** More events than that since the last snapshot are not kept a second time. */
const recentGroupsMax = 4;
const recentLengthMax = 1_024;

/** How many residents one call of `shrink` looks at, so that no round waits for a long walk. */
const lookedAtPerShrink = 256;
const retryMs = 200;

export interface ResidentsOptions {
  readonly clock: Clock;
  readonly rules: Rules;
  readonly alarms: Alarms;
  readonly pages: Pages;
  readonly tail: Tail;
  readonly budget: ResidentBudget;
  readonly onFailure: (sku: string, error: unknown) => void;
}

export class Residents {
  readonly #options: ResidentsOptions;
  readonly #all = new Map<string, Resident>();
  /** Those that a snapshot covers, in the order of use as far as `shrink` has looked. */
  readonly #clean = new Set<Resident>();
  /** Those whose few events since their snapshot can go to the tail; in the order of use as well. */
  readonly #brief = new Set<Resident>();
  readonly #activating = new Map<string, Promise<Resident>>();
  #cleared = false;

  constructor(options: ResidentsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Whether any of them has events that no snapshot covers. */
  get hasDirty(): boolean {
    return this.#all.size > this.#clean.size;
  }

  get(sku: string): Resident | undefined {
    const resident = this.#all.get(sku);
    if (resident) resident.used = true;
    return resident;
  }

  /** Without marking it as used. */
  peek(sku: string): Resident | undefined {
    return this.#all.get(sku);
  }

  values(): IterableIterator<Resident> {
    return this.#all.values();
  }

  /**
   * Whether the SKU is not in memory and the node has no room for another: with every command a new
   * SKU, memory would grow until the process dies.
   */
  lacksRoomFor(sku: string): boolean {
    const { budget } = this.#options;
    if (!budget.full || this.#all.has(sku) || this.#activating.has(sku)) return false;
    budget.press();
    return true;
  }

  /** The resident, at once if everything that it needs is in memory. */
  activate(sku: string): Resident | Promise<Resident> {
    const resident = this.get(sku);
    if (resident) return resident;
    const entry = this.#options.pages.peek(sku);
    if (entry === undefined || (entry !== null && entry.inline !== undefined)) {
      const pieces = entry?.inline === undefined ? [] : [JSON.parse(entry.inline) as unknown[]];
      return this.#create(sku, entry, pieces);
    }
    const activating = this.#activating.get(sku);
    if (activating) return activating;
    const promise = this.#load(sku).finally(() => this.#activating.delete(sku));
    this.#activating.set(sku, promise);
    return promise;
  }

  /** Whether the SKU is being loaded: what it will be folded from must stay until then. */
  isActivating(sku: string): boolean {
    return this.#activating.has(sku);
  }

  async #load(sku: string): Promise<Resident> {
    const { pages } = this.#options;
    for (;;) {
      let found: PageEntry | undefined;
      try {
        const entry = await pages.load(sku);
        found = entry;
        const pieces = entry ? await pages.pieces(sku, entry) : [];
        return this.#all.get(sku) ?? this.#create(sku, entry, pieces);
      } catch (error) {
        // A checkpoint has replaced what we were reading.
        if (error instanceof SnapshotLostError && found && pages.peek(sku) !== found) continue;
        // NATS is away: the SKU waits, its partition stays.
        if (!(error instanceof PortError) || this.#cleared) throw error;
        await new Promise<void>((resolve) => this.#options.clock.after(retryMs, resolve));
      }
    }
  }

  #create(sku: string, entry: PageEntry | undefined, pieces: unknown[][]): Resident {
    // It would count against the node's budget for ever.
    if (this.#cleared) throw new Error('the partition is no longer served here');
    const { tail, alarms, rules, budget } = this.#options;
    const folded = foldSnapshotAndTail(sku, entry, pieces, tail);
    const actor = createActor(skuLogic, { input: { sku, rules, alarm: alarms } });
    const resident: Resident = {
      sku,
      use: useOfSku(sku),
      actor,
      state: folded.state,
      lastSeq: folded.lastSeq,
      lastAtMs: folded.lastAtMs,
      dirty: tail.has(sku),
      recent: recentOf(tail, sku, entry),
      touched: false,
      used: true,
      failed: false,
      shown: new Map(),
    };
    // In the directory before anything can call back.
    this.#all.set(sku, resident);
    if (!resident.dirty) this.#clean.add(resident);
    else if (resident.recent) this.#brief.add(resident);
    budget.count += 1;
    actor.subscribe({
      error: (error) => {
        resident.failed = true;
        this.#options.onFailure(sku, error);
      },
    });
    actor.start();
    actor.send({ type: 'state.loaded', state: folded.state });
    tail.drop(sku);
    return resident;
  }

  /** It has events in a commit that is durable. `text`: their tuples, as the journal has them. */
  committed(resident: Resident, group: Omit<TailGroup, 'tuples'>, text: string): void {
    resident.lastSeq = group.seq;
    resident.lastAtMs = group.atMs;
    const { recent, dirty } = resident;
    resident.dirty = true;
    if (!dirty) this.#clean.delete(resident);
    if (!recent) return;
    if (recent.length < recentGroupsMax && text.length <= recentLengthMax) {
      recent.push({ ...group, tuples: text });
      if (!dirty) this.#brief.add(resident);
    } else {
      resident.recent = undefined;
      this.#brief.delete(resident);
    }
  }

  /** A snapshot covers its last event. */
  covered(resident: Resident): void {
    resident.dirty = false;
    resident.recent = [];
    this.#brief.delete(resident);
    if (this.#all.get(resident.sku) === resident) this.#clean.add(resident);
  }

  #remove(resident: Resident): void {
    this.#all.delete(resident.sku);
    this.#clean.delete(resident);
    this.#brief.delete(resident);
    this.#options.budget.count -= 1;
  }

  /**
   * Passivates residents that have not been used since the last call, while the node is over its
   * budget: first those that a snapshot covers, then, if `toTail`, those with few events since. Answers
   * whether only a checkpoint helps.
   */
  shrink(toTail: boolean): boolean {
    const { tail, budget } = this.#options;
    this.#passivate(this.#clean, (resident) => {
      resident.actor.send({ type: 'idle' });
      resident.actor.send({ type: 'snapshot.covered' });
    });
    if (toTail) {
      this.#passivate(this.#brief, ({ sku, actor, recent = [] }) => {
        actor.stop();
        for (const group of recent) tail.add(sku, group);
      });
    }
    return budget.over && this.#clean.size + this.#brief.size === 0 && this.#all.size > 0;
  }

  #passivate(residents: Set<Resident>, leave: (resident: Resident) => void): void {
    const { budget } = this.#options;
    let looked = 0;
    const atMost = Math.min(residents.size, lookedAtPerShrink);
    for (const resident of residents) {
      if (!budget.over || looked >= atMost) break;
      looked += 1;
      // Whoever is still loading it has read an older snapshot, and must find it here.
      const isAwaited = resident.touched || this.#activating.has(resident.sku);
      if (isAwaited || resident.used) {
        // A second chance: to the end of the order of use.
        resident.used = false;
        residents.delete(resident);
        residents.add(resident);
        continue;
      }
      leave(resident);
      this.#remove(resident);
    }
  }

  /** Stops every actor: the partition is somebody else's, or starts again from the journal. */
  clear(): void {
    this.#cleared = true;
    for (const resident of this.#all.values()) resident.actor.stop();
    this.#options.budget.count -= this.#all.size;
    this.#all.clear();
    this.#clean.clear();
    this.#brief.clear();
  }
}

/** The SKU's events in the tail that its snapshot lacks, unless they are many. */
function recentOf(tail: Tail, sku: string, entry: PageEntry | undefined): TailGroup[] | undefined {
  const recent = tail.groups(sku).filter(({ seq }) => seq > (entry?.coversSeq ?? 0));
  const isBrief = ({ tuples }: TailGroup) =>
    tuples.length <= (typeof tuples === 'string' ? recentLengthMax : recentGroupsMax);
  return recent.length <= recentGroupsMax && recent.every(isBrief) ? recent : undefined;
}

/** The state that snapshot and tail give. @throws when they do not meet or stop short. */
export function foldSnapshotAndTail(
  sku: string,
  entry: PageEntry | undefined,
  pieces: unknown[][],
  tail: Tail,
): { state: SkuState; lastSeq: number; lastAtMs: number } {
  const state = entry ? decodeState(JSON.parse(entry.head), pieces) : initialState(sku);
  let lastSeq = entry?.lastSeq ?? 0;
  let lastAtMs = entry?.lastAtMs ?? 0;
  for (const group of tail.groups(sku)) {
    if (entry && group.seq <= entry.coversSeq) continue;
    if (group.firstVersion !== state.version + 1) {
      throw new Error(
        `${sku}: the snapshot ends at version ${state.version}, the journal goes on at ${group.firstVersion} (sequence ${group.seq})`,
      );
    }
    const events = decodeEvents(sku, group.firstVersion, group.atMs, tuplesOf(group));
    for (const event of events) evolve(state, event, group.afterSeq);
    lastSeq = group.seq;
    lastAtMs = group.atMs;
  }
  return { state, lastSeq, lastAtMs };
}
