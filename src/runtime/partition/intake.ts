/**
 * What goes into a round, and in which order: expiries that are due, facts, then commands as they
 * came, grouped by SKU. Work of SKUs that are not in memory is parked until they are, so that one
 * cold SKU holds up nobody else.
 *
 * - Invariant 9: facts are taken in the order of their stream, without gaps.
 * - Invariant 12: a round is bounded in commands and bytes; what does not fit stays in front.
 */

import type { Refusal } from '../../domain/outcome.ts';
import type { Alarms } from './alarms.ts';
import type { Mailbox } from './mailbox.ts';
import { overloaded, unavailable } from './refusals.ts';
import type { Resident, Residents } from './residents.ts';
import type { Round } from './round.ts';
import type { FactWork, InnerWork, PoisonFact, Work } from './work.ts';

/** How many commands one SKU decides before the round looks at its size again. */
const commandsPerSend = 64;
const alarmsPerRound = 1_000;
/** Facts are decided whatever the round's size, so that their position has no gaps. */
const factsPerRound = 64;

/** Facts in the order of the stream, already parsed. */
export interface FactQueue {
  peek(): FactWork | PoisonFact | undefined;
  take(): void;
}

export interface IntakeOptions {
  readonly limits: {
    readonly commitCommandsMax: number;
    readonly commitBytesMax: number;
    /** Steps of carts that wait here. */
    readonly forwardsInFlightMax: number;
    /** After this nobody waits for a step of a cart any more. */
    readonly forwardTimeoutMs: number;
    readonly overloadedRetryMs: number;
  };
  readonly now: () => number;
  readonly mailbox: Mailbox;
  readonly residents: Residents;
  readonly alarms: Alarms;
  readonly facts: FactQueue;
  /** Gives a work its refusal. */
  readonly refuse: (work: Work, refusal: Refusal) => void;
  /** Something that was parked can go into a round. */
  readonly ready: () => void;
  /** A SKU cannot be activated: the partition cannot go on. */
  readonly onTrouble: (error: unknown) => void;
}

export class Intake {
  readonly #options: IntakeOptions;
  /** Work of SKUs that are being activated, in order. */
  readonly #parked = new Map<string, Work[]>();
  #ready: Work[] = [];
  readonly #inner: InnerWork[] = [];
  #innerLast = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /**
   * Work of the runtime itself: a cart must not wait behind its callers, nor callers behind carts, so
   * the two take turns. It is bounded.
   */
  submit(work: InnerWork): void {
    const { limits, refuse } = this.#options;
    if (this.#inner.length >= limits.forwardsInFlightMax) {
      refuse(work, unavailable('too many steps of carts are waiting'));
    } else this.#inner.push(work);
  }

  /** Whether a round would find something to do now. */
  get waiting(): boolean {
    const { mailbox, alarms, now, facts } = this.#options;
    if (mailbox.length > 0 || this.#ready.length > 0 || this.#inner.length > 0) return true;
    if (this.#factReady(facts.peek())) return true;
    const next = alarms.nextAtMs();
    return next !== undefined && next <= now();
  }

  /** Whether work waits for its SKU to be activated. */
  get parked(): boolean {
    return this.#parked.size > 0;
  }

  /** Answers everything that was taken and is in no round. */
  refuseAll(refusal: Refusal): void {
    const { refuse } = this.#options;
    for (const works of this.#parked.values()) for (const work of works) refuse(work, refusal);
    this.#parked.clear();
    for (const work of this.#ready) refuse(work, refusal);
    this.#ready = [];
    for (const work of this.#inner.splice(0)) refuse(work, refusal);
  }

  /** Takes what is waiting, up to the round's limits, and lets the actors decide. */
  fill(round: Round): void {
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
        this.#options.refuse(
          work,
          unavailable(`the actor of ${resident.sku} failed and starts again`),
        );
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
    const ready = this.#ready.shift();
    if (ready) return ready;
    const { mailbox } = this.#options;
    const inner = this.#innerLast && mailbox.length > 0 ? undefined : this.#nextInner();
    this.#innerLast = inner !== undefined;
    return inner ?? mailbox.take();
  }

  /** A step that was given up on has been asked again: doing it as well would only feed the queue. */
  #nextInner(): InnerWork | undefined {
    const { limits, now, refuse } = this.#options;
    const sinceMs = now() - limits.forwardTimeoutMs;
    for (let inner = this.#inner.shift(); inner !== undefined; inner = this.#inner.shift()) {
      if (inner.receivedAtMs >= sinceMs) return inner;
      refuse(inner, unavailable('this step of a cart came too late'));
    }
    return undefined;
  }

  /** The SKU's resident; if it has to be loaded, the work is parked until it is. */
  #residentFor(sku: string, work: Work | undefined): Resident | undefined {
    const parked = this.#parked.get(sku);
    if (parked) {
      if (work) parked.push(work);
      return undefined;
    }
    if (work && work.kind !== 'fact' && this.#options.residents.lacksRoomFor(sku)) {
      this.#refuseForRoom(work);
      return undefined;
    }
    const resident = this.#options.residents.activate(sku);
    if (!(resident instanceof Promise)) return resident;
    this.#parked.set(sku, work ? [work] : []);
    resident.then(() => this.#unpark(sku), this.#options.onTrouble);
    return undefined;
  }

  /** Facts and expiries are not refused: they have happened, and come at a bounded rate. */
  #refuseForRoom(work: Work): void {
    const { limits, refuse, mailbox } = this.#options;
    const why = 'more SKUs are in use than fit into this node’s memory (residentsMax)';
    refuse(work, overloaded(why, limits.overloadedRetryMs));
    if (work.kind === 'command') mailbox.settled(work);
  }

  #unpark(sku: string): void {
    const parked = this.#parked.get(sku) ?? [];
    this.#parked.delete(sku);
    for (const work of parked) this.#ready.push(work);
    // Without work it was an alarm or a fact that asked for the SKU: a round will look again.
    if (parked.length === 0) this.#options.alarms.atLatest(sku, this.#options.now());
    this.#options.ready();
  }

  /** A fact whose SKU is being activated waits for that; looking again at once would never end. */
  #factReady(fact: FactWork | PoisonFact | undefined): boolean {
    if (fact === undefined) return false;
    return fact.kind === 'poison' || !this.#parked.has(fact.command.sku);
  }
}
