/**
 * The journal's twin: one stream whose sequences all partitions and barriers share.
 *
 * 1. A message is stored only where the expectation holds at that moment.
 * 2. Within the duplicate window a known message id stores nothing: three replicas acknowledge it
 *    without storing it, which proves nothing; a single server checks the expectation first.
 * 3. A barrier takes a sequence and leaves the partition's last message as it is.
 * 4. On three replicas nothing else is taken for a partition while an append is being agreed on
 *    (10164). That is over before its sender hears of it.
 */

import {
  type AppendOutcome,
  type Journal,
  type JournalAppend,
  type JournalEntry,
  PortError,
} from '../../../src/ports.ts';
import type { Link } from './link.ts';
import type { World } from './world.ts';

/** Entries handed over at a time. */
const readBatch = 50;

export class JournalState {
  readonly #world: World;
  readonly #partitions: JournalEntry[][];
  readonly #ids = new Map<string, { seq: number; atMs: number }>();
  /** The exact moment of each sequence, for checkers. */
  readonly storedAt = new Map<number, number>();
  /** Appends and barriers of owners that had been displaced. */
  refusals = 0;
  /** When the last append of each partition was taken. */
  readonly #takenMs = new Map<number, number>();
  readonly #watchers: ((entry: JournalEntry) => void)[] = [];
  #seq = 0;

  constructor(world: World) {
    this.#world = world;
    this.#partitions = Array.from({ length: world.options.partitions }, () => []);
  }

  /** The partition's messages; the world's own view, for checkers. */
  entries(partition: number): readonly JournalEntry[] {
    return this.#partitions[partition] ?? [];
  }

  /** Calls back with every entry as it is stored: for whoever takes part without a connection. */
  onStored(watch: (entry: JournalEntry) => void): void {
    this.#watchers.push(watch);
  }

  /** The stream's last sequence. */
  get seq(): number {
    return this.#seq;
  }

  last(partition: number): JournalEntry | undefined {
    return this.#partitions[partition]?.at(-1);
  }

  apply(request: Omit<JournalAppend, 'payload'> & { readonly payload?: string }): AppendOutcome {
    const { partition, expect, messageId, payload } = request;
    const { timeline, options, serverNowMs } = this.#world;
    const entries = this.#partitions[partition];
    if (!entries) throw new Error(`the journal has no partition ${partition}`);
    const agreedMs = (this.#takenMs.get(partition) ?? 0) + 2 * options.latencyMs.least;
    if (options.replicas === 3 && timeline.nowMs < agreedMs) {
      return { kind: 'busy', reason: 'another with this expectation is in flight (10164)' };
    }
    const expected = (entries.at(-1)?.seq ?? 0) === expect;
    const known = this.#known(messageId);
    if (known !== undefined && (expected || options.replicas === 3)) {
      timeline.mark(`journal ${partition}: duplicate of ${known}`);
      return { kind: 'unknown', reason: `duplicate of ${known}` };
    }
    if (!expected) {
      this.refusals += 1;
      timeline.mark(`journal ${partition}: refused, ${expect} is not last`);
      return { kind: 'refused' };
    }
    this.#seq += 1;
    this.#takenMs.set(partition, timeline.nowMs);
    this.storedAt.set(this.#seq, timeline.nowMs);
    this.#ids.set(messageId, { seq: this.#seq, atMs: serverNowMs });
    if (payload !== undefined) {
      const entry = { seq: this.#seq, messageId, storedAtMs: serverNowMs, payload };
      entries.push(entry);
      for (const watch of this.#watchers) watch(entry);
    }
    timeline.mark(
      `journal ${partition}: ${payload === undefined ? 'barrier' : payload} at ${this.#seq}`,
    );
    return { kind: 'appended', seq: this.#seq };
  }

  get numbers(): readonly number[] {
    return [...this.#partitions.keys()];
  }

  /** Empties a partition, as somebody with the wrong command at hand would. */
  purge(partition: number): void {
    this.#partitions[partition] = [];
  }

  #known(messageId: string): number | undefined {
    const known = this.#ids.get(messageId);
    if (!known) return undefined;
    if (this.#world.serverNowMs - known.atMs < this.#world.options.duplicateWindowMs)
      return known.seq;
    this.#ids.delete(messageId);
    return undefined;
  }
}

/** The journal as one process sees it. */
export function journalTwin(link: Link): Journal {
  const { world } = link;
  const append = async (
    request: Omit<JournalAppend, 'payload'> & { readonly payload?: string },
  ): Promise<AppendOutcome> => {
    const what = request.payload === undefined ? 'barrier' : 'append';
    try {
      return await link.publish('journal', `${what} ${request.partition}`, () => {
        if (world.options.replicas === 3 && world.faults.strikes('append-busy')) {
          return { kind: 'busy', reason: 'another with this expectation is in flight (10164)' };
        }
        return world.journal.apply(request);
      });
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      // Nobody listening: certainly not stored. Everything else may have been.
      const reason = `${error.code}: ${error.message}`;
      return { kind: error.code === 'no_responders' ? 'busy' : 'unknown', reason };
    }
  };
  return {
    append,
    barrier: append,
    last: (partition) =>
      link.ask('journal', `last ${partition}`, () => world.journal.last(partition)),
    read: (partition, range, each) =>
      read(link, [partition], range, (message) => each(message.entry)),
    readAll: (range, each) =>
      read(link, link.world.journal.numbers, range, (message) =>
        each(message.partition, message.entry),
      ),
  };
}

interface Message {
  readonly partition: number;
  readonly entry: JournalEntry;
}

async function read(
  link: Link,
  partitions: readonly number[],
  { from, to }: { readonly from: number; readonly to: number },
  each: (message: Message) => void,
): Promise<void> {
  const { faults, journal } = link.world;
  const what = partitions.length === 1 ? partitions[0] : 'all';
  for (let next = from; ; ) {
    const batch = await link.ask('journal', `read ${what} from ${next}`, () =>
      partitions
        .flatMap((partition) => journal.entries(partition).map((entry) => ({ partition, entry })))
        .filter(({ entry }) => entry.seq >= next && entry.seq <= to)
        .sort((a, b) => a.entry.seq - b.entry.seq)
        .slice(0, readBatch),
    );
    const cut = faults.strikes('read-cut') ? link.world.random.between(0, batch.length) : undefined;
    for (const message of batch.slice(0, cut)) each(message);
    if (cut !== undefined) throw new PortError('timeout', 'the journal went silent while reading');
    const last = batch.at(-1)?.entry;
    if (last?.seq === to) return;
    if (last === undefined) {
      // The real thing waits here for a message that never comes.
      throw new PortError('timeout', `partition ${what} has no message at ${to}`);
    }
    next = last.seq + 1;
  }
}
