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
import type { SkuEvent } from '../../domain/events.ts';
import type { Refusal } from '../../domain/outcome.ts';
import type { Clock } from '../../ports.ts';
import type { IdIndex } from '../id-index.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Slots } from '../slots.ts';
import type { Alarms } from './alarms.ts';
import type { Committer } from './committer.ts';
import { type FactQueue, Intake } from './intake.ts';
import type { Mailbox } from './mailbox.ts';
import type { Outputs } from './outputs.ts';
import { unavailable } from './refusals.ts';
import type { Residents } from './residents.ts';
import { type DeadFact, Round } from './round.ts';
import type { CommandWork, InnerWork, Work } from './work.ts';

export interface RoundLimits {
  readonly commitCommandsMax: number;
  readonly commitBytesMax: number;
  readonly forwardsInFlightMax: number;
  readonly forwardTimeoutMs: number;
  readonly overloadedRetryMs: number;
  /** How long answers are held for the journal. */
  readonly appendTimeoutMs: number;
}

/** Where the partition's journal stands. */
export interface Head {
  seq: number;
  atMs: number;
  factsTo: number;
}

/** An entry that home has decided; without text it only wants proof that home is still here. */
export interface CartWrite {
  readonly text: string | undefined;
  readonly committed: (atMs: number) => void;
}

/** Cart entries that the next round writes (invariant 8). */
export interface CartEntries {
  readonly waiting: boolean;
  /** Takes entries up to about `bytesMax`. */
  take(bytesMax: number): CartWrite[];
}

export interface RoundsOptions {
  readonly partition: number;
  readonly limits: RoundLimits;
  readonly clock: Clock;
  readonly now: () => number;
  /** Notices a standstill: it refuses what is held. */
  readonly standstill: () => boolean;
  readonly slots: Slots;
  readonly mailbox: Mailbox;
  readonly committer: Committer;
  readonly residents: Residents;
  readonly alarms: Alarms;
  readonly outputs: Outputs;
  readonly facts: FactQueue;
  readonly carts: CartEntries;
  readonly head: Head;
  /** Of the node. */
  readonly ids: IdIndex;
  readonly header: (head: Head) => Omit<JournalHeader, 'kind' | 'expect' | 'atMs' | 'factsTo'>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** A round is durable; how many events and cart entries it had. */
  readonly onCommitted: (events: number) => void;
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
  readonly #intake: Intake;
  #running = false;
  #stopped = false;
  /** A round has failed: actors know what the journal does not, and nothing may be read from them any more. */
  #isAhead = false;
  #inFlight: Round | undefined;
  #idle: (() => void)[] = [];

  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#intake = new Intake({
      ...options,
      refuse: this.#refuseWork,
      ready: () => this.kick(),
      onTrouble: (error) => this.#end(error),
    });
  }

  /**
   * Runs rounds as long as there is something to do. Not in the middle of what the caller does: a
   * frame is accepted command by command, and its first must not become a commit of its own.
   */
  kick(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    queueMicrotask(() => void this.#run());
  }

  /** Work of the runtime itself. */
  submit(work: InnerWork): void {
    this.#intake.submit(work);
    this.kick();
  }

  /**
   * Whether no round is under way: state is what the journal says. Also while the next round waits for
   * its slot, which under load is most of the time.
   */
  get atRest(): boolean {
    return this.#inFlight === undefined && !this.#isAhead;
  }

  /** Whether nothing is under way, nor about to be. */
  get idle(): boolean {
    return !this.#running;
  }

  /** Resolves when nothing waits, is parked or in flight. */
  quiesced(): Promise<void> {
    if (!this.#running && !this.#hasWork() && !this.#intake.parked) return Promise.resolve();
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
    this.#intake.refuseAll(refusal);
  }

  async #run(): Promise<void> {
    const { slots } = this.#options;
    try {
      while (!this.#stopped && this.#hasWork()) {
        // A clock that has just jumped must not decide: noticing it closes the slots.
        this.#options.standstill();
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
      this.#end(error);
    } finally {
      this.#running = false;
    }
    if (!this.#stopped) this.#options.between();
    if (!this.#intake.parked || this.#stopped) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #end(error: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#options.onEnd(error);
  }

  #hasWork(): boolean {
    const { carts, outputs } = this.#options;
    return !outputs.overflowing && (carts.waiting || this.#intake.waiting);
  }

  async #round(): Promise<void> {
    const { head, limits, clock } = this.#options;
    const round = new Round(
      {
        nowMs: Math.max(head.atMs, this.#options.now()),
        afterSeq: head.seq,
      },
      this.#options.ids,
    );
    this.#inFlight = round;
    const patience = clock.after(limits.appendTimeoutMs, () => this.#lost(round));
    try {
      this.#intake.fill(round);
      const cartEntries = this.#options.carts.take(limits.commitBytesMax - round.bytes);
      for (const { text } of cartEntries) if (text !== undefined) round.addCartEntry(text);
      if (round.hasEvents) await this.#commit(round);
      else if (!round.empty || cartEntries.length > 0) await this.#prove(round);
      // An acknowledgement may have waited for a frozen process: its answers are from the past.
      this.#options.standstill();
      // Facts that changed nothing leave no message: their position goes with the next commit.
      if (round.factsTo !== undefined) head.factsTo = round.factsTo;
      for (const entry of cartEntries) entry.committed(round.moment.nowMs);
      for (const dead of round.deadFacts) this.#options.onDeadFact(dead);
      this.#count(round);
      this.#settle(round);
      round.release(head.seq, this.#options.onCart);
    } catch (error) {
      this.#isAhead = true;
      round.refuse(unavailable('the partition is moving'), this.#refuseWork);
      throw error;
    } finally {
      patience.cancel();
      this.#inFlight = undefined;
    }
  }

  /** Whoever waits for this round has waited long enough; its outcome is still being found out. */
  #lost(round: Round): void {
    const { partition, limits, log } = this.#options;
    log.warn(
      { partition, waitedMs: limits.appendTimeoutMs },
      'the journal does not answer: commands are unavailable until it does. Look at the NATS servers: is a disk full, a leader gone?',
    );
    round.refuse(unavailable('the journal has not answered in time'), this.#refuseWork);
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
    const { outputs, head, residents } = this.#options;
    let count = round.carts.length;
    const moment = { seq: head.seq, afterSeq: round.moment.afterSeq, atMs: head.atMs };
    for (const { resident, events, text } of round.contributions) {
      count += events.length;
      const firstVersion = (events[0] as SkuEvent).version;
      residents.committed(resident, { ...moment, firstVersion }, text);
      outputs.remember(resident.sku, head.seq, events);
      outputs.touch(resident);
    }
    this.#options.onCommitted(count);
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
}
