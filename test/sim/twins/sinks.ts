/**
 * The twin of derived streams and buckets: rows by key, or every message in order, and for each
 * partition a mark that says who writes and how far it is complete.
 *
 * 1. A write of an owner that has been displaced changes nothing.
 * 2. A write that its owner has given up on changes nothing once a later one has arrived.
 * 3. Entries arrive before the mark: a write that breaks off leaves a prefix and the old mark.
 */

import { type DerivedEntry, PortError, type Sink, type StandingRow } from '../../../src/ports.ts';
import type { Link } from './link.ts';

interface Mark {
  claimSeq: number;
  /** Number of the owner's last write that arrived. */
  write: number;
  completeTo: number;
}

interface Stored {
  readonly marks: Map<number, Mark>;
  readonly rows: Map<string, StandingRow>;
  readonly messages: Map<string, DerivedEntry[]>;
}

const empty = (): Stored => ({ marks: new Map(), rows: new Map(), messages: new Map() });

export class SinkState {
  readonly name: string;
  #stored: Stored = empty();
  /** Of the stream's last message, marks included. */
  #revision = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** The key's newest payload; undefined: it was never written, or is deleted. */
  row(key: string): string | undefined {
    return this.#stored.rows.get(key)?.payload;
  }

  get lastRevision(): number {
    return this.#revision;
  }

  /** Every key, deleted ones included, in the order of writing. */
  get rows(): readonly StandingRow[] {
    return [...this.#stored.rows.values()].sort((a, b) => a.revision - b.revision);
  }

  /** Every message of a key, in order; duplicates by message id are stored once. */
  messages(key: string): readonly DerivedEntry[] {
    return this.#stored.messages.get(key) ?? [];
  }

  takeOver(partition: number, claimSeq: number): Awaited<ReturnType<Sink['takeOver']>> {
    const mark = this.#stored.marks.get(partition);
    if (mark && mark.claimSeq > claimSeq) return { kind: 'displaced' };
    const completeTo = mark?.completeTo ?? 0;
    this.#revision += 1;
    this.#stored.marks.set(partition, { claimSeq, write: 0, completeTo });
    return { kind: 'taken', completeTo };
  }

  /** `upTo` undefined: the write broke off before its mark. */
  write(
    owner: { partition: number; claimSeq: number; write: number },
    entries: readonly DerivedEntry[],
    upTo: number | undefined,
  ): 'written' | 'displaced' {
    const mark = this.#stored.marks.get(owner.partition);
    if (mark?.claimSeq !== owner.claimSeq || owner.write < mark.write) return 'displaced';
    mark.write = owner.write;
    for (const entry of entries) this.#store(entry);
    this.#revision += 1;
    if (upTo !== undefined) mark.completeTo = Math.max(mark.completeTo, upTo);
    return 'written';
  }

  /** An asynchronous stream's server died: it cannot be trusted any more and starts empty. */
  loseTail(): void {
    this.#stored = empty();
  }

  /** Replaces a row from outside its owner, who does not notice; no payload: deletes it. */
  replace(key: string, payload: string | undefined, expect: number): 'replaced' | 'changed' {
    if ((this.#stored.rows.get(key)?.revision ?? 0) !== expect) return 'changed';
    this.#putRow(key, payload);
    return 'replaced';
  }

  #putRow(key: string, payload: string | undefined): void {
    this.#revision += 1;
    this.#stored.rows.set(key, { key, revision: this.#revision, payload });
  }

  #store(entry: DerivedEntry): void {
    this.#putRow(entry.key, entry.payload);
    const messages = this.#stored.messages.get(entry.key) ?? [];
    const known =
      entry.messageId !== undefined && messages.some((m) => m.messageId === entry.messageId);
    if (!known) messages.push(entry);
    this.#stored.messages.set(entry.key, messages);
  }
}

/** A sink as one process sees it. */
export function sinkTwin(link: Link, state: SinkState): Sink {
  const { faults, random } = link.world;
  const owned = new Map<number, { claimSeq: number; writes: number }>();
  return {
    name: state.name,
    async takeOver(partition, claimSeq) {
      owned.set(partition, { claimSeq, writes: 0 });
      return link.ask('sinks', `${state.name} ${partition} taken over`, () =>
        state.takeOver(partition, claimSeq),
      );
    },
    async write(partition, entries, upTo) {
      const mine = owned.get(partition);
      if (!mine) throw new Error(`${state.name}: partition ${partition} has not been taken over`);
      mine.writes += 1;
      const owner = { partition, claimSeq: mine.claimSeq, write: mine.writes };
      return link.publishPatiently('sinks', `${state.name} ${partition} written to ${upTo}`, () => {
        if (!faults.strikes('sink-torn')) return state.write(owner, entries, upTo);
        state.write(owner, entries.slice(0, random.between(0, entries.length)), undefined);
        throw new PortError('unavailable', 'broke off');
      });
    },
  };
}
