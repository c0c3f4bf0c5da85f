/**
 * The partition's mailbox: commands waiting for a round, in order. It is bounded, and one channel
 * cannot fill it (invariant 12): beyond its share a channel's commands are `overloaded` at once,
 * while other channels still get in.
 */

import type { CommandWork } from './work.ts';

export interface MailboxLimits {
  readonly mailboxCommandsMax: number;
  /** Share of the mailbox that one channel may take, 0 … 1. */
  readonly channelShareMax: number;
}

export class Mailbox {
  readonly #commandsMax: number;
  readonly #perChannelMax: number;
  #waiting: CommandWork[] = [];
  /** First of `#waiting` that has not been taken. */
  #next = 0;
  readonly #perChannel = new Map<string, number>();

  constructor(limits: MailboxLimits) {
    this.#commandsMax = limits.mailboxCommandsMax;
    this.#perChannelMax = Math.max(
      1,
      Math.floor(limits.mailboxCommandsMax * limits.channelShareMax),
    );
  }

  /** Commands waiting here, and parked ones that were taken and have not been decided. */
  get length(): number {
    return this.#waiting.length - this.#next;
  }

  /** Takes the command in, or says that there is no room for its channel. */
  offer(work: CommandWork): boolean {
    const channel = work.command.channel;
    const held = this.#perChannel.get(channel) ?? 0;
    if (this.length >= this.#commandsMax || held >= this.#perChannelMax) return false;
    this.#perChannel.set(channel, held + 1);
    this.#waiting.push(work);
    return true;
  }

  /** The next command in order; it still counts against its channel until `settled`. */
  take(): CommandWork | undefined {
    if (this.#next >= this.#waiting.length) return undefined;
    const work = this.#waiting[this.#next];
    this.#next += 1;
    if (this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
    }
    return work;
  }

  /** Puts commands that a round could not take back to the front, in order. */
  putBack(works: readonly CommandWork[]): void {
    if (works.length === 0) return;
    this.#waiting = [...works, ...this.#waiting.slice(this.#next)];
    this.#next = 0;
  }

  /** The command has been answered: its channel has room again. */
  settled(work: CommandWork): void {
    const channel = work.command.channel;
    this.#perChannel.set(channel, Math.max(0, (this.#perChannel.get(channel) ?? 0) - 1));
  }

  /** Empties the mailbox; who waited must be answered by the caller. */
  clear(): readonly CommandWork[] {
    const waiting = this.#waiting.slice(this.#next);
    this.#waiting = [];
    this.#next = 0;
    this.#perChannel.clear();
    return waiting;
  }

  /** Removes what has waited since before `cutoffMs`, oldest first. */
  takeOlderThan(cutoffMs: number): readonly CommandWork[] {
    const late: CommandWork[] = [];
    while (this.length > 0 && (this.#waiting[this.#next] as CommandWork).receivedAtMs < cutoffMs) {
      late.push(this.take() as CommandWork);
    }
    return late;
  }
}
