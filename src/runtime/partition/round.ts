/**
 * One round: everything that a partition decides together. It collects the decisions of the SKU
 * actors while state runs ahead, becomes one journal message, and holds every answer until that
 * message, or a barrier, is durable (invariant 2).
 */

import type { DecisionSink } from '../../../actors/sku.ts';
import { encodeEventGroup } from '../../contract/journal-message.ts';
import { encodeReply, writeReply } from '../../contract/replies.ts';
import { encodeEventsText } from '../../domain/event-codec.ts';
import type { SkuEvent } from '../../domain/events.ts';
import type { Moment } from '../../domain/moment.ts';
import type { Answer, Refusal } from '../../domain/outcome.ts';
import { TextWriter } from '../../domain/text-writer.ts';
import type { StoredFact } from '../../ports.ts';
import { type IdIndex, isCartUse } from '../id-index.ts';
import type { Resident } from './residents.ts';
import type { CommandWork, PoisonFact, Work } from './work.ts';

const replies = new TextWriter();
/** Replies are made into strings by so many bytes at a time. */
const replyChunkBytes = 32_768;

/** What one SKU contributed to the round. */
interface Contribution {
  readonly resident: Resident;
  readonly events: SkuEvent[];
  /** The events as the journal has them. */
  readonly text: string;
}

/** A fact that goes to the dead letters; the journal says so before anybody acts on it. */
export interface DeadFact {
  readonly fact: StoredFact;
  readonly refusal: Refusal;
}

interface Held {
  readonly work: Work;
  readonly answer: Answer;
}

export class Round {
  readonly moment: Moment;
  readonly #ids: IdIndex;
  readonly #contributions: Contribution[] = [];
  readonly #groups: string[] = [];
  readonly #carts: string[] = [];
  readonly #held: Held[] = [];
  readonly #dead: DeadFact[] = [];
  #texts: (string | undefined)[] | undefined;
  #bytes = 0;
  #answered = false;
  #factsTo: number | undefined;
  #facts = 0;
  #expired = 0;
  #expiredLateMs = 0;

  constructor(moment: Moment, ids: IdIndex) {
    this.moment = moment;
    this.#ids = ids;
  }

  /** Bytes of the journal message so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get hasEvents(): boolean {
    return this.#groups.length > 0 || this.#carts.length > 0 || this.#dead.length > 0;
  }

  get empty(): boolean {
    return !this.hasEvents && this.#held.length === 0;
  }

  get groups(): readonly string[] {
    return this.#groups;
  }

  get carts(): readonly string[] {
    return this.#carts;
  }

  get factsTo(): number | undefined {
    return this.#factsTo;
  }

  get contributions(): readonly Contribution[] {
    return this.#contributions;
  }

  /** Commands and facts that the round decided. */
  get commands(): number {
    return this.#held.length;
  }

  /** Facts of this round, refused ones included. */
  get facts(): number {
    return this.#facts;
  }

  /** Holds that expired, and by how much the latest of them was late. */
  get expired(): number {
    return this.#expired;
  }

  get expiredLateMs(): number {
    return this.#expiredLateMs;
  }

  factApplied(seq: number): void {
    this.#factsTo = seq;
    this.#facts += 1;
  }

  /**
   * Sends one SKU its work as one event and takes what it decides. Answers false when the actor
   * failed: nothing of it is in the round then.
   */
  decide(resident: Resident, received: readonly Work[]): boolean {
    const works = this.#withoutConflicts(resident, received);
    if (works.length === 0 && received.length > 0) return true;
    const events: SkuEvent[] = [];
    const answers: Answer[] = [];
    const sink: DecisionSink = {
      expired: (expired) => {
        for (const event of expired) {
          events.push(event);
          if (event.type !== 'reservation.expired') continue;
          this.#expired += 1;
          this.#expiredLateMs = Math.max(this.#expiredLateMs, event.atMs - event.expiresAtMs);
        }
      },
      decided: (_index, decided, answer) => {
        for (const event of decided) events.push(event);
        answers.push(answer);
      },
    };
    resident.actor.send({
      type: 'commands.received',
      commands: works.map((work) => work.command),
      moment: this.moment,
      sink,
    });
    if (resident.failed) return false;
    for (let index = 0; index < works.length; index++) {
      const work = works[index] as Work;
      const answer = answers[index] as Answer;
      this.#held.push({ work, answer });
      if (work.kind === 'command' && answer.kind === 'accepted') this.#used(resident, work);
      if (work.kind === 'fact' && answer.kind === 'refused') {
        this.#dead.push({ fact: work.fact, refusal: answer.refusal });
      }
    }
    if (events.length > 0) this.#add(resident, events);
    return true;
  }

  /** Holds a refusal for every command whose id has been used for another SKU, and answers the others. */
  #withoutConflicts(resident: Resident, works: readonly Work[]): readonly Work[] {
    if (!works.some((work) => this.#conflicts(resident, work))) return works;
    return works.filter((work) => {
      if (!this.#conflicts(resident, work)) return true;
      const id = (work.command as { readonly id: string }).id;
      const message = `${id} was used for something else`;
      const refusal: Refusal = { code: 'id_conflict', message, sku: resident.sku };
      this.#held.push({ work, answer: { kind: 'refused', refusal } });
      return false;
    });
  }

  #conflicts(resident: Resident, { kind, command }: Work): boolean {
    if (kind !== 'command' || command.verb === 'get') return false;
    const use = this.#ids.find(command.channel, command.id);
    if (use === undefined || use === resident.use) return false;
    // What is done to a line of a cart is its home's to answer.
    return !(isCartUse(use) && 'reservation' in command);
  }

  #used(resident: Resident, { command }: CommandWork): void {
    if (command.verb !== 'get') this.#ids.add(command.channel, command.id, resident.use);
  }

  addPoison({ fact, refusal }: PoisonFact): void {
    this.#dead.push({ fact, refusal });
    this.factApplied(fact.seq);
  }

  addCartEntry(text: string): void {
    this.#carts.push(text);
    this.#bytes += text.length;
  }

  #add(resident: Resident, events: SkuEvent[]): void {
    const first = (events[0] as SkuEvent).version;
    const text = encodeEventsText(events);
    const group = encodeEventGroup(resident.sku, first, text);
    this.#groups.push(group);
    this.#bytes += group.length;
    this.#contributions.push({ resident, events, text });
  }

  /**
   * Builds the replies while the journal is writing. A strong read waits for its sequence and is
   * built at release.
   */
  prepareReplies(): void {
    const texts = new Array<string | undefined>(this.#held.length);
    for (let from = 0; from < this.#held.length; ) from = this.#prepareFrom(from, texts);
    this.#texts = texts;
  }

  /**
   * Writes replies until there is a chunk of them and cuts it: a cut shares the chunk's memory, and
   * a chunk is small enough not to be a large object of its own.
   */
  #prepareFrom(start: number, texts: (string | undefined)[]): number {
    const ends: number[] = [];
    let next = start;
    replies.clear();
    for (; next < this.#held.length && replies.bytes < replyChunkBytes; next++) {
      const { work, answer } = this.#held[next] as Held;
      const isReady = work.kind === 'command' && answer.kind !== 'read' && answer.kind !== 'cart';
      if (isReady) writeReply(replies, work.command, answer);
      ends.push(isReady ? replies.characters : -1);
    }
    const chunk = replies.take();
    let from = 0;
    for (const [index, end] of ends.entries()) {
      if (end < 0) continue;
      texts[start + index] = chunk.substring(from, end);
      from = end;
    }
    return next;
  }

  /** The round is durable and `headSeq` the partition's last sequence: all answers go out. */
  release(headSeq: number, onCart: (work: CommandWork) => void): void {
    if (this.#answered) return;
    this.#answered = true;
    for (let index = 0; index < this.#held.length; index++) {
      const { work, answer } = this.#held[index] as Held;
      if (work.kind === 'inner') work.answered(answer);
      if (work.kind !== 'command') continue;
      if (answer.kind === 'cart') {
        onCart(work);
        continue;
      }
      const text = this.#texts?.[index] ?? encodeReply(work.command, answer, headSeq);
      work.slot.reply(text, answer.kind === 'refused' ? answer.refusal : undefined);
    }
  }

  /** Whether it happened is not known, or it did not: everybody who waits hears the same refusal. */
  refuse(refusal: Refusal, reply: (work: Work, refusal: Refusal) => void): void {
    if (this.#answered) return;
    this.#answered = true;
    for (const { work } of this.#held) reply(work, refusal);
  }

  /** The works whose places in the mailbox are free once the round is over. */
  *works(): IterableIterator<Work> {
    for (const { work } of this.#held) yield work;
  }

  /** Facts that were refused for good in this round. */
  get deadFacts(): readonly DeadFact[] {
    return this.#dead;
  }
}
