/**
 * One claim's worth of a partition: everything that a node knows of it between its claim and the
 * moment it is fenced or hands over. Throwing the session away is throwing away all memory of the
 * partition (invariant 3); there is nothing else to forget.
 */

import type { Gate } from '../../concurrency.ts';
import type { LastunitConfig } from '../../config/config.ts';
import type { Refusal } from '../../domain/outcome.ts';
import type { JournalMeta, Ports } from '../../ports.ts';
import type { CartBook } from '../carts/cart-book.ts';
import type { IdIndex } from '../id-index.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Slots } from '../slots.ts';
import { Alarms } from './alarms.ts';
import { catchUpOutputs } from './catch-up.ts';
import { type Checkpoint, CheckpointStore } from './checkpoint.ts';
import { Checkpointer } from './checkpointer.ts';
import { Committer, type MessageIds } from './committer.ts';
import { FactFeed } from './facts.ts';
import { Housekeeping } from './housekeeping.ts';
import type { Mailbox } from './mailbox.ts';
import { Outputs } from './outputs.ts';
import { Pages } from './pages.ts';
import { ClaimTooEarlyError, claimPartition, replay } from './recovery.ts';
import type { ResidentBudget } from './resident-budget.ts';
import { type Resident, Residents } from './residents.ts';
import { type Head, Rounds } from './rounds.ts';
import { Tail } from './tail.ts';
import type { CommandWork } from './work.ts';

/** What all partitions of a node share. */
export interface NodeShared {
  readonly config: LastunitConfig;
  readonly ports: Ports;
  readonly log: Logger;
  readonly node: string;
  readonly incarnation: string;
  readonly ids: MessageIds;
  readonly idIndex: IdIndex;
  readonly slots: Slots;
  readonly checkpointSlots: Slots;
  readonly pagesInFlight: Gate;
  readonly budget: ResidentBudget;
  readonly meta: () => JournalMeta;
  readonly recordGenesis: (partition: number) => Promise<void>;
  /** Asks the others' records as well: ours is from when we joined. */
  readonly genesisRecorded: (partition: number) => Promise<boolean>;
  readonly membershipRevision: () => number;
  /** Resolves when the membership has been read anew. */
  readonly membershipRefreshed: () => Promise<void>;
  /** Whether the partition is this node's by the membership that it knows. */
  readonly owns: (partition: number) => boolean;
  /** Whether this node still owns the partition and nobody else says that it serves it. */
  readonly mayClaim: (partition: number) => boolean;
  readonly metrics: Metrics;
  readonly now: () => number;
  /** Notices that the process has stood still; whether what arrives now may be from before. */
  readonly standstill: () => boolean;
}

export interface SessionOptions {
  readonly shared: NodeShared;
  readonly partition: number;
  readonly mailbox: Mailbox;
  /** Do without snapshots: they have been found wanting. */
  readonly ignoreSnapshots: boolean;
  readonly onCart: (work: CommandWork) => void;
  readonly makeCarts: (session: Session) => CartBook;
  /** The session is over: fenced, displaced, or our own bug. */
  readonly onEnd: (error: unknown) => void;
}

export class Session {
  readonly #options: SessionOptions;
  readonly #committer: Committer;
  readonly #tail = new Tail();
  readonly #alarms: Alarms;
  readonly #carts: CartBook;
  #head: Head = { seq: 0, atMs: 0, factsTo: 0 };
  #claimSeq = 0;
  #residents: Residents | undefined;
  #outputs: Outputs | undefined;
  #facts: FactFeed | undefined;
  #rounds: Rounds | undefined;
  #housekeeping: Housekeeping | undefined;
  #over = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { ports, ids, metrics } = options.shared;
    this.#committer = new Committer(ports.journal, ports.clock, ids, options.partition, metrics);
    this.#alarms = new Alarms(() => this.#housekeeping?.armAlarm());
    this.#carts = options.makeCarts(this);
  }

  get headSeq(): number {
    return this.#head.seq;
  }

  get claimSeq(): number {
    return this.#claimSeq;
  }

  get residents(): Residents | undefined {
    return this.#residents;
  }

  get rounds(): Rounds | undefined {
    return this.#rounds;
  }

  get carts(): CartBook {
    return this.#carts;
  }

  /** Events that no checkpoint covers yet. */
  get behindCheckpoint(): number {
    return this.#housekeeping?.eventsBehind ?? 0;
  }

  /** Fences whoever owned the partition. */
  async claim(): Promise<void> {
    const { shared, partition } = this.#options;
    try {
      await this.#claim();
    } catch (error) {
      if (!(error instanceof ClaimTooEarlyError)) throw error;
      // Whoever handed over may have committed knowing a later membership than the one that made us ask.
      await shared.membershipRefreshed();
      if (!shared.owns(partition)) throw error;
      await this.#claim();
    }
  }

  async #claim(): Promise<void> {
    const { shared, partition } = this.#options;
    const { ports } = shared;
    const meta = shared.meta();
    this.#claimSeq = await claimPartition({
      partition,
      journal: ports.journal,
      committer: this.#committer,
      node: shared.node,
      incarnation: shared.incarnation,
      epoch: meta.epoch,
      membershipRevision: shared.membershipRevision(),
      nowMs: shared.now,
      genesisKnown: meta.genesis.includes(partition),
      genesisRecorded: () => shared.genesisRecorded(partition),
      recordGenesis: () => shared.recordGenesis(partition),
    });
  }

  /** Replays up to the claim and gets ready to serve. */
  async recover(): Promise<void> {
    const { shared, partition } = this.#options;
    const { ports, config } = shared;
    const startedMs = ports.clock.now();
    const store = new CheckpointStore(ports.snapshots, partition);
    const stored = await store.read();
    const checkpoint = this.#options.ignoreSnapshots ? undefined : stored;
    this.#carts.restore(checkpoint?.carts ?? []);
    const { head, dead, entries } = await replay({
      partition,
      journal: ports.journal,
      checkpoint,
      claimSeq: this.#claimSeq,
      epoch: shared.meta().epoch,
      tail: this.#tail,
      alarms: this.#alarms,
      onCartEntry: (entry, atMs) => this.#carts.fold(entry, atMs),
    });
    this.#head = head;
    const pages = new Pages(ports.snapshots, {
      partition,
      pageCount: checkpoint?.pageCount ?? config.limits.pageCount,
      pagesCachedMax: config.limits.pagesCachedMax,
      relied: checkpoint?.pages ?? new Map(),
      ignoreStored: this.#options.ignoreSnapshots,
    });
    this.#compose(store, checkpoint, stored, pages);
    await this.#takeOverOutputs(checkpoint, dead);
    shared.metrics.recovered(ports.clock.now() - startedMs, entries);
  }

  #compose(
    store: CheckpointStore,
    checkpoint: Checkpoint | undefined,
    stored: Checkpoint | undefined,
    pages: Pages,
  ): void {
    const { shared, partition, mailbox } = this.#options;
    const { config, ports } = shared;
    const head = this.#head;
    const alarms = this.#alarms;
    const tail = this.#tail;
    const residents = new Residents({
      clock: ports.clock,
      rules: config.rules,
      alarms,
      pages,
      tail,
      budget: shared.budget,
      onFailure: (sku, error) => {
        shared.metrics.actorFailed();
        shared.log.error({ partition, sku, error }, 'a SKU actor failed');
      },
    });
    const outputs = new Outputs({
      partition,
      clock: ports.clock,
      sinks: ports.sinks,
      rules: config.rules,
      viewFlushMs: config.limits.viewFlushMs,
      derivedRowsMax: config.limits.derivedRowsMax,
      metrics: shared.metrics,
      onDisplaced: (sink) => this.#end(new Error(`displaced as the writer of ${sink}`)),
      onTrouble: (sink, error) =>
        shared.log.warn({ partition, sink, error }, 'derived data not written; trying again'),
      // While a round is under way state runs ahead; the moment after it comes by itself.
      wantCollect: () => {
        if (this.#rounds?.atRest) this.#housekeeping?.atRest();
      },
      relieved: () => this.#rounds?.kick(),
    });
    const facts = new FactFeed({
      partition,
      log: ports.facts,
      logger: shared.log,
      clock: ports.clock,
      settings: config,
      after: head.factsTo,
      arrived: () => this.#rounds?.kick(),
    });
    this.#residents = residents;
    this.#outputs = outputs;
    this.#facts = facts;
    const checkpointer = new Checkpointer({
      head,
      pageCount: checkpoint?.pageCount ?? config.limits.pageCount,
      pagesInFlight: shared.pagesInFlight,
      pages,
      tail,
      residents,
      alarms,
      outputs,
      carts: this.#carts,
      store,
      epoch: shared.meta().epoch,
      previous: stored,
      deadFactsBuried: () => facts.buried(),
      dropFacts: (upTo) => ports.facts.forget(partition, upTo),
      betweenRounds: (work) => this.#betweenRounds(work),
    });
    const rounds = new Rounds({
      partition,
      limits: config.limits,
      clock: ports.clock,
      now: shared.now,
      standstill: shared.standstill,
      slots: shared.slots,
      mailbox,
      committer: this.#committer,
      residents,
      alarms,
      outputs,
      facts,
      carts: this.#carts,
      ids: shared.idIndex,
      head,
      header: () => ({
        incarnation: shared.incarnation,
        epoch: shared.meta().epoch,
        claim: { revision: shared.membershipRevision(), node: shared.node },
      }),
      onCommitted: (events) => this.#housekeeping?.committed(events),
      between: () => this.#housekeeping?.atRest(),
      onDeadFact: ({ fact, refusal }) => void facts.bury(fact, refusal),
      onCart: this.#options.onCart,
      onEnd: (error) => this.#end(error),
      log: shared.log,
      metrics: shared.metrics,
    });
    this.#rounds = rounds;
    this.#housekeeping = new Housekeeping({
      partition,
      clock: ports.clock,
      now: shared.now,
      limits: config.limits,
      checkpointSlots: shared.checkpointSlots,
      budget: shared.budget,
      log: shared.log,
      head,
      rounds,
      outputs,
      residents,
      alarms,
      checkpointer,
      tail,
      onSnapshotLost: (error) => this.#end(error),
      eventsBehind: tail.events,
    });
  }

  /** Starts deciding. */
  serve(): void {
    this.#housekeeping?.start();
    this.#facts?.wake();
    this.#rounds?.kick();
    this.#carts.resume();
  }

  /** Facts may have arrived. */
  wakeFacts(): void {
    this.#facts?.wake();
  }

  /**
   * Records in every sink how far it is complete. A server that died has lost what it had not
   * synced of the derived streams, acknowledged marks included; then the sink answers `displaced`,
   * and a new session writes again what is missing (invariant 10).
   */
  verifyOutputs(): void {
    const verify = async () => {
      await this.#outputs?.settled();
      await this.#betweenRounds(() => this.#outputs?.collect(this.#head.seq, true));
    };
    // It rejects only when the session is over, and its successor takes the sinks over anyway.
    verify().catch(() => {});
  }

  /** The rows of SKUs as they should stand now, from what is committed. */
  async rows(skus: readonly string[]): Promise<Record<string, Readonly<Record<string, string>>>> {
    const rows: Record<string, Readonly<Record<string, string>>> = Object.create(null);
    for (const sku of skus) {
      await this.#withResident(sku, (resident) => {
        if (this.#outputs) rows[sku] = this.#outputs.rowsOf(resident);
      });
    }
    return rows;
  }

  /** Does something with a SKU between rounds; one that had to make room meanwhile comes back for it. */
  async #withResident(sku: string, work: (resident: Resident) => void): Promise<void> {
    for (let done = false; !done; ) {
      await this.#residents?.activate(sku);
      done = await this.#betweenRounds(() => {
        const resident = this.#residents?.peek(sku);
        if (resident) work(resident);
        return resident !== undefined;
      });
    }
  }

  /** Finishes what was accepted and makes a last checkpoint: the next owner starts at once. */
  async drain(): Promise<void> {
    await this.#carts.quiesced();
    await this.#rounds?.quiesced();
    await this.#housekeeping?.checkpoint();
  }

  /** Fences the sinks, and writes what a crash of the owner before us left behind. */
  async #takeOverOutputs(
    checkpoint: Checkpoint | undefined,
    dead: readonly { seq: number; code: string; message: string }[],
  ): Promise<void> {
    const { shared, partition } = this.#options;
    const outputs = this.#outputs as Outputs;
    const complete = await outputs.takeOver(this.#claimSeq);
    await catchUpOutputs({
      partition,
      journal: shared.ports.journal,
      complete,
      checkpointSeq: checkpoint?.seq ?? 0,
      claimSeq: this.#claimSeq,
      tail: this.#tail,
      outputs,
      touch: (skus) => this.#touchLater(skus),
    });
    for (const { seq, code, message } of dead) {
      const facts = await shared.ports.facts.read(partition, seq - 1, 1);
      const fact = facts[0];
      if (fact?.seq === seq)
        await this.#facts?.bury(fact, { code: code as Refusal['code'], message });
    }
  }

  /** Rows of SKUs that may be stale: activated a few at a time, so that commands go first. */
  #touchLater(skus: ReadonlySet<string>): void {
    const step = async () => {
      for (const sku of skus) {
        if (this.#over) return;
        await this.#withResident(sku, (resident) => this.#outputs?.touch(resident));
      }
      this.#outputs?.caughtUp();
    };
    step().catch((error: unknown) => {
      if (!this.#over) this.#end(error);
    });
  }

  #betweenRounds<T>(work: () => T): Promise<T> {
    if (!this.#housekeeping) throw new Error('nothing runs between rounds before recovery');
    return this.#housekeeping.betweenRounds(work);
  }

  #end(error: unknown): void {
    if (!this.#over) this.#options.onEnd(error);
  }

  /** Stops everything and forgets it; what waits hears `refusal`. */
  dispose(refusal: Refusal): void {
    this.#over = true;
    this.#housekeeping?.stop();
    this.#rounds?.stop(refusal);
    this.#committer.abandon();
    this.#outputs?.close();
    this.#facts?.close();
    this.#carts.dispose(refusal);
    this.#residents?.clear();
  }
}
