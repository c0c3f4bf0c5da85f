/**
 * Facts of one partition on their way into rounds: read in the order of `INV_FACTS`, parsed, and
 * queued until a round applies them. Their position is committed with their events (invariant 9).
 */

import type { ParseSettings } from '../../contract/parse-command.ts';
import { parseFact } from '../../contract/parse-fact.ts';
import type { Refusal } from '../../domain/outcome.ts';
import type { Clock, FactLog, StoredFact, Timer } from '../../ports.ts';
import type { Logger } from '../log.ts';
import type { FactQueue } from './intake.ts';
import type { FactWork, PoisonFact } from './work.ts';

const batch = 256;
const retryMs = 500;
/** A hint that got lost costs a fact at most this, also when none comes after it. */
const lookEveryMs = 5_000;

export interface FactFeedOptions {
  readonly partition: number;
  readonly log: FactLog;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly settings: ParseSettings;
  /** Last position that the journal knows. */
  readonly after: number;
  readonly arrived: () => void;
}

export class FactFeed implements FactQueue {
  readonly #options: FactFeedOptions;
  #queue: (FactWork | PoisonFact)[] = [];
  #readTo: number;
  #reading = false;
  #again = false;
  #closed = false;
  #look: Timer | undefined;
  readonly #burials = new Set<Promise<void>>();

  constructor(options: FactFeedOptions) {
    this.#options = options;
    this.#readTo = options.after;
  }

  peek(): FactWork | PoisonFact | undefined {
    return this.#queue[0];
  }

  take(): void {
    this.#queue.shift();
    if (this.#queue.length === 0) this.wake();
  }

  /** Facts may have arrived: reads on if there is room. */
  wake(): void {
    this.#lookLater();
    if (this.#reading) {
      this.#again = true;
      return;
    }
    if (this.#closed || this.#queue.length > 0) return;
    this.#reading = true;
    void this.#read().finally(() => {
      this.#reading = false;
      if (this.#queue.length > 0) this.#options.arrived();
      else if (this.#again) {
        this.#again = false;
        this.wake();
      }
    });
  }

  /** Puts a refused fact among the dead letters; tries until it is there. */
  bury(fact: StoredFact, refusal: Pick<Refusal, 'code' | 'message'>): Promise<void> {
    const burial = this.#bury(fact, refusal).finally(() => this.#burials.delete(burial));
    this.#burials.add(burial);
    return burial;
  }

  /**
   * Resolves when everything that has been refused so far is among the dead letters: a checkpoint
   * must not cover a refusal that nobody would find in the journal's tail any more.
   * @throws when this owner's session ends first
   */
  async buried(): Promise<void> {
    await Promise.all(this.#burials);
    if (this.#closed) throw new Error('the partition is no longer served here');
  }

  async #bury(fact: StoredFact, refusal: Pick<Refusal, 'code' | 'message'>): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#options.log.bury(fact, refusal);
        return;
      } catch (error) {
        this.#options.logger.warn({ error, seq: fact.seq }, 'dead letter not stored; trying again');
        await new Promise<void>((resolve) => this.#options.clock.after(retryMs, resolve));
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#look?.cancel();
  }

  #lookLater(): void {
    this.#look?.cancel();
    if (this.#closed) return;
    this.#look = this.#options.clock.after(lookEveryMs, () => this.wake());
  }

  async #read(): Promise<void> {
    const { log, partition, logger, clock } = this.#options;
    let facts: readonly StoredFact[];
    try {
      facts = await log.read(partition, this.#readTo, batch);
    } catch (error) {
      logger.warn({ error, partition }, 'facts cannot be read just now; trying again');
      clock.after(retryMs, () => this.wake());
      return;
    }
    if (this.#closed) return;
    for (const fact of facts) {
      const parsed = parseFact(fact, fact.payload, this.#options.settings);
      this.#queue.push(
        parsed.ok
          ? { kind: 'fact', fact, command: parsed.command, receivedAtMs: clock.now() }
          : { kind: 'poison', fact, refusal: parsed.refusal },
      );
      this.#readTo = fact.seq;
    }
  }
}
