/**
 * Appends a round to the journal and finds out what became of it. Nothing is guessed:
 *
 * - Invariant 1: every append expects the last sequence that we saw.
 * - Invariant 3: refused by somebody else's message → fenced. Unknown outcome → look at the last
 *   message: ours → it is done; unchanged → the same bytes again with the same id; somebody
 *   else's → fenced.
 * - Invariant 4: a message id is this process's incarnation and a counter, never reused.
 */

import type { AppendOutcome, Clock, Journal } from '../../ports.ts';
import type { Metrics } from '../metrics.ts';

/** The journal has a message that is not ours after the one we expected. */
export class FencedError extends Error {
  readonly kind = 'fenced';
}

const retryMs = { first: 5, most: 500 };

/** Counts the process's journal messages; one per node, shared by its partitions. */
export class MessageIds {
  readonly #incarnation: string;
  #counter = 0;

  constructor(incarnation: string) {
    this.#incarnation = incarnation;
  }

  next(): string {
    this.#counter += 1;
    return `${this.#incarnation}.${this.#counter}`;
  }
}

export class Committer {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #ids: MessageIds;
  readonly #partition: number;
  readonly #metrics: Metrics;
  #abandoned = false;

  constructor(
    journal: Journal,
    clock: Clock,
    ids: MessageIds,
    partition: number,
    metrics: Metrics,
  ) {
    this.#journal = journal;
    this.#clock = clock;
    this.#ids = ids;
    this.#partition = partition;
    this.#metrics = metrics;
  }

  /** Gives up whatever is being tried: its promise rejects with `FencedError`. */
  abandon(): void {
    this.#abandoned = true;
  }

  /**
   * Resolves with the sequence at which the message is durable. Tries until the outcome is known.
   * @throws {FencedError} somebody else's message came first
   */
  async append(expect: number, payload: string): Promise<number> {
    const request = {
      partition: this.#partition,
      expect,
      messageId: this.#ids.next(),
      payload,
    };
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#journal.append(request);
      if (outcome.kind === 'appended' && outcome.seq > expect) return outcome.seq;
      if (outcome.kind !== 'appended') this.#metrics.appendTrouble(outcome.kind);
      if (outcome.kind !== 'busy') {
        const last = await this.#last();
        if (last?.messageId === request.messageId) return last.seq;
        this.#mustStillBe(expect, last?.seq ?? 0, outcome);
      }
      await this.#pause(attempt);
    }
  }

  /**
   * Resolves when it is certain that, after this call began, `expect` was still the last sequence
   * of the partition (invariant 2).
   * @throws {FencedError} it is not
   */
  async barrier(expect: number): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#journal.barrier({
        partition: this.#partition,
        expect,
        messageId: this.#ids.next(),
      });
      if (outcome.kind === 'appended') return;
      if (outcome.kind === 'refused') {
        this.#mustStillBe(expect, (await this.#last())?.seq ?? 0, outcome);
      }
      await this.#pause(attempt);
    }
  }

  #mustStillBe(expect: number, last: number, outcome: AppendOutcome): void {
    if (last === expect) return;
    throw new FencedError(
      `partition ${this.#partition}: expected ${expect} as the journal's last sequence and found ${last} (${outcome.kind})`,
    );
  }

  async #last() {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#journal.last(this.#partition);
      } catch (error) {
        // The journal cannot be asked just now. The outcome stays unknown until it can.
        await this.#pause(attempt, error);
      }
    }
  }

  async #pause(attempt: number, cause?: unknown): Promise<void> {
    if (this.#abandoned) {
      throw new FencedError(`partition ${this.#partition}: given up`, { cause });
    }
    const ms = Math.min(retryMs.most, retryMs.first * 2 ** Math.min(attempt, 10));
    await new Promise<void>((resolve) => this.#clock.after(ms, resolve));
    if (this.#abandoned) throw new FencedError(`partition ${this.#partition}: given up`);
  }
}
