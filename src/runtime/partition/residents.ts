/**
 * The directory of a partition's living SKU actors: activation on the first command, passivation of
 * the idle, and a limit on how many live at once (design, *Recovery*).
 *
 * - Activation asserts that snapshot and tail reach the SKU's last known event (invariant 6).
 * - An actor whose action threw is discarded: its state may be half-changed. It is activated again
 *   from what is committed.
 * - Only clean residents are passivated: those whose last event a snapshot covers.
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
import { type PageEntry, type Pages, SnapshotLostError } from './pages.ts';
import type { Tail } from './tail.ts';

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
  /** Whether the SKU has events that no snapshot covers. */
  dirty: boolean;
  /** Whether a row of it waits to be written to the views. */
  touched: boolean;
  used: boolean;
  failed: boolean;
  /** What each view last showed, to write only what changed; empty: not known. */
  readonly shown: Map<string, string>;
}

/** How many SKU actors the node may keep, over all its partitions. */
export class ResidentBudget {
  readonly max: number;
  count = 0;

  constructor(max: number) {
    this.max = max;
  }

  get over(): boolean {
    return this.count > this.max;
  }
}

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
  readonly #activating = new Map<string, Promise<Resident>>();
  #cleared = false;

  constructor(options: ResidentsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
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
      touched: false,
      used: true,
      failed: false,
      shown: new Map(),
    };
    // In the directory before anything can call back.
    this.#all.set(sku, resident);
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

  /** Forgets an actor whose state cannot be trusted. Its committed events must be in the tail. */
  discard(resident: Resident): void {
    if (this.#all.get(resident.sku) !== resident) return;
    resident.actor.stop();
    this.#all.delete(resident.sku);
    this.#options.budget.count -= 1;
  }

  /**
   * Passivates clean residents that have not been used since the last call, while the node is over
   * its budget. Answers how many of them stay only because no snapshot covers them yet.
   */
  shrink(): number {
    const { budget } = this.#options;
    let dirty = 0;
    let looked = 0;
    const atMost = Math.min(this.#all.size, lookedAtPerShrink);
    for (const resident of this.#all.values()) {
      if (!budget.over || looked >= atMost) break;
      looked += 1;
      if (resident.dirty || resident.touched) {
        dirty += 1;
        this.#all.delete(resident.sku);
        this.#all.set(resident.sku, resident);
        continue;
      }
      if (resident.used) {
        // A second chance: to the end of the order of use.
        resident.used = false;
        this.#all.delete(resident.sku);
        this.#all.set(resident.sku, resident);
        continue;
      }
      resident.actor.send({ type: 'idle' });
      resident.actor.send({ type: 'snapshot.covered' });
      this.#all.delete(resident.sku);
      budget.count -= 1;
    }
    return dirty;
  }

  /** Stops every actor: the partition is somebody else's, or starts again from the journal. */
  clear(): void {
    this.#cleared = true;
    for (const resident of this.#all.values()) resident.actor.stop();
    this.#options.budget.count -= this.#all.size;
    this.#all.clear();
  }
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
    const events = decodeEvents(sku, group.firstVersion, group.atMs, group.tuples);
    for (const event of events) evolve(state, event, group.afterSeq);
    lastSeq = group.seq;
    lastAtMs = group.atMs;
  }
  return { state, lastSeq, lastAtMs };
}
