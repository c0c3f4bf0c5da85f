/**
 * The round loop: while one commit is in flight, commands wait; then everything that waits is
 * decided together and becomes the next commit (design, *The life of a command*).
 *
 * - Invariant 2: no answer leaves before its round is durable; a round without events proves
 *   ownership by a barrier first.
 * - Invariant 11: a round's time is never earlier than the round's before it.
 * - Invariant 12: a round is bounded in commands and bytes; an answer that is held too long becomes
 *   `unavailable`, while the outcome is still being found out.
 */

import { encodeJournalMessage, type JournalHeader } from '../../contract/journal-message.ts';
import { encodeError } from '../../contract/replies.ts';
import type { Refusal } from '../../domain/outcome.ts';
import type { Clock } from '../../ports.ts';
import type { CommitSlots } from '../commit-slots.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Alarms } from './alarms.ts';
import type { Committer } from './committer.ts';
import type { Mailbox } from './mailbox.ts';
import type { Outputs } from './outputs.ts';
import { unavailable } from './refusals.ts';
import type { Resident, Residents } from './residents.ts';
import { type DeadFact, Round } from './round.ts';
import type { CommandWork, FactWork, InnerWork, PoisonFact, Work } from './work.ts';

/** How many commands one SKU decides before the round looks at its size again. */
const commandsPerSend = 64;
const alarmsPerRound = 1_000;
/** Facts are decided whatever the round's size, so that their position has no gaps. */
const factsPerRound = 64;

export interface RoundLimits {
  readonly commitCommandsMax: number;
  readonly commitBytesMax: number;
  /** How long answers are held for the journal. */
  readonly appendTimeoutMs: number;
}

/** Where the partition's journal stands. */
export interface Head {
  seq: number;
  atMs: number;
  factsTo: number;
}

/** Facts in the order of the stream, already parsed. */
export interface FactQueue {
  peek(): FactWork | PoisonFact | undefined;
  take(): void;
}

/** Cart entries that home has decided and the next round writes (invariant 8). */
export interface CartEntries {
  readonly waiting: boolean;
  /** Takes entries up to about `bytesMax`. */
  take(bytesMax: number): { readonly text: string; readonly committed: () => void }[];
}

export interface RoundsOptions {
  readonly partition: number;
  readonly limits: RoundLimits;
  readonly clock: Clock;
  readonly now: () => number;
  readonly slots: CommitSlots;
  readonly mailbox: Mailbox;
  readonly committer: Committer;
  readonly residents: Residents;
  readonly alarms: Alarms;
  readonly outputs: Outputs;
  readonly facts: FactQueue;
  readonly carts: CartEntries;
  readonly head: Head;
  readonly header: (head: Head) => Omit<JournalHeader, 'kind' | 'expect' | 'atMs' | 'factsTo'>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Called between rounds, when state is what the journal says. */
  readonly between: () => void;
  readonly onDeadFact: (dead: DeadFact) => void;
  /** The command turned out to be about a cart's line: home decides. */
  readonly onCart: (work: CommandWork) => void;
  /** The loop has ended: fenced, or our own bug. */
  readonly onEnd: (error: unknown) => void;
}

export class Rounds {
  readonly #options: RoundsOptions;
  /** Work of SKUs that are being activated, in order. */
  readonly #parked = new Map<string, Work[]>();
  #ready: Work[] = [];
  readonly #inner: InnerWork[] = [];
  #running = false;
  #stopped = false;
  #inFlight: Round | undefined;
  #idle: (() => void)[] = [];

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** Runs rounds as long as there is something to do. */
  kick(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    void this.#run();
  }

  /** Work of the runtime itself goes before the mailbox: a cart must not wait behind its callers. */
  submit(work: InnerWork): void {
    this.#inner.push(work);
    this.kick();
  }

  /** Whether no round is under way: state is what the journal says. */
  get atRest(): boolean {
    return !this.#running;
  }

  /** Resolves when nothing waits, is parked or in flight. */
  quiesced(): Promise<void> {
    if (!this.#running && !this.#hasWork() && this.#parked.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.kick();
    });
  }

  /** Ends the loop for good; everything that has not been answered hears `refusal`. */
  stop(refusal: Refusal): void {
    this.#stopped = true;
    this.#options.committer.abandon();
    this.refuseHeld(refusal);
  }

  /** Answers everything that was taken and not answered; rounds in flight go on silently. */
  refuseHeld(refusal: Refusal): void {
    this.#inFlight?.refuse(refusal, this.#refuseWork);
    for (const works of this.#parked.values()) {
      for (const work of works) this.#refuseWork(work, refusal);
    }
    this.#parked.clear();
    for (const work of this.#ready) this.#refuseWork(work, refusal);
    this.#ready = [];
    for (const work of this.#inner.splice(0)) this.#refuseWork(work, refusal);
  }

  async #run(): Promise<void> {
    const { slots } = this.#options;
    try {
      while (!this.#stopped && this.#hasWork()) {
        const wait = slots.acquire();
        if (wait) await wait;
        try {
          if (!this.#stopped) await this.#round();
        } finally {
          slots.release();
        }
        if (!this.#stopped) this.#options.between();
      }
    } catch (error) {
      this.#stopped = true;
      this.#options.onEnd(error);
    } finally {
      this.#running = false;
    }
    if (!this.#stopped) this.#options.between();
    if (this.#parked.size === 0 || this.#stopped) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #hasWork(): boolean {
    const { mailbox, alarms, now, facts, carts, outputs } = this.#options;
    if (outputs.overflowing) return false;
    if (mailbox.length > 0 || this.#ready.length > 0 || this.#inner.length > 0) return true;
    if (carts.waiting || this.#factReady(facts.peek())) return true;
    const next = alarms.nextAtMs();
    return next !== undefined && next <= now();
  }

  /** A fact whose SKU is being activated waits for that; looking again at once would never end. */
  #factReady(fact: FactWork | PoisonFact | undefined): boolean {
    if (fact === undefined) return false;
    return fact.kind === 'poison' || !this.#parked.has(fact.command.sku);
  }

  async #round(): Promise<void> {
    const { head, limits, clock } = this.#options;
    const round = new Round({
      nowMs: Math.max(head.atMs, this.#options.now()),
      afterSeq: head.seq,
    });
    this.#inFlight = round;
    const patience = clock.after(limits.appendTimeoutMs, () =>
      round.refuse(unavailable('the journal has not answered in time'), this.#refuseWork),
    );
    try {
      this.#fill(round);
      const cartEntries = this.#options.carts.take(limits.commitBytesMax - round.bytes);
      for (const entry of cartEntries) round.addCartEntry(entry.text);
      if (round.hasEvents) await this.#commit(round);
      else if (!round.empty) await this.#prove(round);
      // Facts that changed nothing leave no message: their position goes with the next commit.
      if (round.factsTo !== undefined) head.factsTo = round.factsTo;
      for (const entry of cartEntries) entry.committed();
      for (const dead of round.deadFacts) this.#options.onDeadFact(dead);
      this.#count(round);
      this.#settle(round);
      round.release(head.seq, this.#options.onCart);
    } catch (error) {
      round.refuse(unavailable('the partition is moving'), this.#refuseWork);
      throw error;
    } finally {
      patience.cancel();
      this.#inFlight = undefined;
    }
  }

  async #commit(round: Round): Promise<void> {
    const { head, committer, clock, metrics } = this.#options;
    const payload = this.#encode(round);
    const sentMs = clock.now();
    const appended = committer.append(head.seq, payload);
    round.prepareReplies();
    head.seq = await appended;
    head.atMs = round.moment.nowMs;
    metrics.commit({
      commands: round.commands,
      bytes: payload.length,
      ms: clock.now() - sentMs,
    });
    this.#publish(round);
  }

  /** A round without events: proof that the partition is still ours (invariant 2). */
  async #prove(round: Round): Promise<void> {
    const { head, committer, clock, metrics } = this.#options;
    const sentMs = clock.now();
    const proven = committer.barrier(head.seq);
    round.prepareReplies();
    await proven;
    metrics.barrier(clock.now() - sentMs);
  }

  readonly #refuseWork = (work: Work, refusal: Refusal): void => {
    if (work.kind === 'command') {
      work.slot.reply(encodeError('id' in work.command ? work.command.id : null, refusal), refusal);
    }
    if (work.kind === 'inner') work.answered({ kind: 'refused', refusal });
  };

  #encode(round: Round): string {
    const { head } = this.#options;
    const dead = round.deadFacts.map(({ fact, refusal }) => ({
      seq: fact.seq,
      code: refusal.code,
      message: refusal.message,
    }));
    return encodeJournalMessage(
      {
        ...this.#options.header(head),
        kind: 'commit',
        expect: head.seq,
        atMs: round.moment.nowMs,
        factsTo: round.factsTo ?? head.factsTo,
        ...(dead.length > 0 ? { dead } : {}),
      },
      round.groups,
      round.carts,
    );
  }

  /** Hands what is committed to the outputs. */
  #publish(round: Round): void {
    const { outputs, head } = this.#options;
    for (const { resident, events } of round.contributions) {
      resident.lastSeq = head.seq;
      resident.lastAtMs = head.atMs;
      resident.dirty = true;
      outputs.remember(resident.sku, head.seq, events);
      outputs.touch(resident);
    }
  }

  #count(round: Round): void {
    const { metrics } = this.#options;
    if (round.expired > 0) metrics.expired(round.expired, round.expiredLateMs);
    for (let facts = round.facts - round.deadFacts.length; facts > 0; facts--) {
      metrics.fact('applied');
    }
    for (let dead = round.deadFacts.length; dead > 0; dead--) metrics.fact('dead');
  }

  #settle(round: Round): void {
    for (const work of round.works()) {
      if (work.kind === 'command') this.#options.mailbox.settled(work);
    }
  }

  /** Takes what is waiting, up to the round's limits, and lets the actors decide. */
  #fill(round: Round): void {
    const { alarms, limits } = this.#options;
    const bySku = new Map<Resident, Work[]>();
    for (const sku of alarms.due(round.moment.nowMs, alarmsPerRound)) {
      const resident = this.#residentFor(sku, undefined);
      if (resident) bySku.set(resident, []);
    }
    this.#takeFacts(round, bySku);
    for (let taken = 0; taken < limits.commitCommandsMax; taken++) {
      const work = this.#next();
      if (work === undefined) break;
      const resident = this.#residentFor(work.command.sku, work);
      if (!resident) continue;
      const works = bySku.get(resident);
      if (works) works.push(work);
      else bySku.set(resident, [work]);
    }
    this.#decideAll(round, bySku);
  }

  #decideAll(round: Round, bySku: Map<Resident, Work[]>): void {
    const { limits, mailbox, alarms } = this.#options;
    const left: Work[] = [];
    for (const [resident, works] of bySku) {
      for (let from = 0; from === 0 || from < works.length; from += commandsPerSend) {
        const chunk = works.slice(from, from + commandsPerSend);
        const full = round.bytes >= limits.commitBytesMax && chunk[0]?.kind !== 'fact';
        if (full) {
          left.push(...chunk);
          if (chunk.length === 0) alarms.atLatest(resident.sku, round.moment.nowMs);
        } else if (!round.decide(resident, chunk)) {
          this.#failed(resident, bySku, new Set(round.works()));
        }
      }
    }
    mailbox.putBack(left.filter((work) => work.kind === 'command'));
    this.#inner.unshift(...left.filter((work) => work.kind === 'inner'));
  }

  /**
   * The actor threw: our bug. Its state may be half-changed, so the partition starts again from the
   * journal; nothing of this round is committed.
   */
  #failed(resident: Resident, bySku: Map<Resident, Work[]>, decided: Set<Work>): never {
    for (const works of bySku.values()) {
      for (const work of works) {
        if (decided.has(work)) continue;
        this.#refuseWork(work, unavailable(`the actor of ${resident.sku} failed and starts again`));
        if (work.kind === 'command') this.#options.mailbox.settled(work);
      }
    }
    throw new Error(`the actor of ${resident.sku} failed`, {
      cause: resident.actor.getSnapshot().error,
    });
  }

  #takeFacts(round: Round, bySku: Map<Resident, Work[]>): void {
    const { facts } = this.#options;
    for (let taken = 0; taken < factsPerRound; taken++) {
      const fact = facts.peek();
      if (fact === undefined) return;
      if (fact.kind === 'poison') {
        facts.take();
        round.addPoison(fact);
        continue;
      }
      if (this.#parked.has(fact.command.sku)) return;
      const resident = this.#residentFor(fact.command.sku, undefined);
      // Facts are applied in order: those behind one whose SKU is being activated wait.
      if (!resident) return;
      facts.take();
      const works = bySku.get(resident);
      if (works) works.push(fact);
      else bySku.set(resident, [fact]);
      round.factApplied(fact.fact.seq);
    }
  }

  #next(): Work | undefined {
    return this.#ready.shift() ?? this.#inner.shift() ?? this.#options.mailbox.take();
  }

  /** The SKU's resident; if it has to be loaded, the work is parked until it is. */
  #residentFor(sku: string, work: Work | undefined): Resident | undefined {
    const parked = this.#parked.get(sku);
    if (parked) {
      if (work) parked.push(work);
      return undefined;
    }
    const resident = this.#options.residents.activate(sku);
    if (!(resident instanceof Promise)) return resident;
    this.#parked.set(sku, work ? [work] : []);
    resident.then(
      () => this.#unpark(sku),
      (error: unknown) => {
        if (this.#stopped) return;
        this.#stopped = true;
        this.#options.onEnd(error);
      },
    );
    return undefined;
  }

  #unpark(sku: string): void {
    const parked = this.#parked.get(sku) ?? [];
    this.#parked.delete(sku);
    for (const work of parked) this.#ready.push(work);
    // Without work it was an alarm or a fact that asked for the SKU: a round will look again.
    if (parked.length === 0) this.#options.alarms.atLatest(sku, this.#options.head.atMs);
    this.kick();
  }
}
