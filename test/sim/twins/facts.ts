/**
 * The twin of `INV_FACTS` and `INV_DEAD`. The server appends the partition from the SKU's token, as
 * its subject transform does; sequences are shared by all partitions. A batch may come from a replica
 * that lags behind: then it is shorter; what seems to be empty is asked of the leader.
 */

import type { FactLog, StoredFact } from '../../../src/ports.ts';
import { partitionOf } from '../model/names.ts';
import type { Link } from './link.ts';
import type { World } from './world.ts';

export interface PublishedFact {
  readonly source: string;
  readonly verb: string;
  readonly skuKey: string;
  readonly messageId: string;
  readonly payload: string;
}

export interface DeadFact {
  readonly fact: StoredFact;
  readonly code: string;
  readonly message: string;
}

const encoder = new TextEncoder();

export class FactState {
  readonly #world: World;
  readonly #facts: (StoredFact & { readonly partition: number; readonly messageId: string })[] = [];
  readonly #dead = new Map<number, DeadFact>();
  /** Up to where each partition's facts have been dropped. */
  readonly #forgotten = new Map<number, number>();
  readonly #watchers = new Set<{ readonly link: Link; readonly arrived: () => void }>();

  constructor(world: World) {
    this.#world = world;
  }

  get all(): readonly (StoredFact & { readonly partition: number })[] {
    return this.#facts;
  }

  get dead(): readonly DeadFact[] {
    return [...this.#dead.values()];
  }

  /** Answers the sequence: the promise that it will be applied. */
  publish(published: PublishedFact): number {
    const { messageId, source, verb, skuKey, payload } = published;
    const nowMs = this.#world.serverNowMs;
    const known = this.#facts.find(
      (fact) =>
        fact.messageId === messageId &&
        nowMs - fact.storedAtMs < this.#world.options.duplicateWindowMs,
    );
    if (known) return known.seq;
    const seq = this.#facts.length + 1;
    this.#facts.push({
      seq,
      source,
      verb,
      skuKey,
      messageId,
      payload: encoder.encode(payload),
      storedAtMs: nowMs,
      partition: partitionOf(skuKey, this.#world.options.partitions),
    });
    this.#world.timeline.mark(`fact ${seq}: ${messageId}`);
    for (const { link, arrived } of this.#watchers) {
      if (this.#world.faults.strikes('hint-lost')) continue;
      link.toProcess('facts arrived', arrived);
    }
    return seq;
  }

  read(partition: number, after: number, limit: number): readonly StoredFact[] {
    const from = Math.max(after, this.#forgotten.get(partition) ?? 0);
    const facts = this.#facts
      .filter((fact) => fact.partition === partition && fact.seq > from)
      .slice(0, limit);
    const { options, faults, random } = this.#world;
    if (options.replicas === 1 || facts.length === 0 || !faults.strikes('replica-stale')) {
      return facts;
    }
    return facts.slice(0, Math.max(1, random.between(0, facts.length - 1)));
  }

  forget(partition: number, upTo: number): void {
    this.#forgotten.set(partition, Math.max(upTo, this.#forgotten.get(partition) ?? 0));
  }

  bury(fact: StoredFact, error: { code: string; message: string }): void {
    if (!this.#dead.has(fact.seq)) this.#dead.set(fact.seq, { fact, ...error });
  }

  watch(link: Link, arrived: () => void): { unsubscribe(): void } {
    const watcher = { link, arrived };
    this.#watchers.add(watcher);
    return { unsubscribe: () => this.#watchers.delete(watcher) };
  }
}

/** The facts as one node sees them. */
export function factsTwin(link: Link): FactLog {
  const { facts } = link.world;
  return {
    read: (partition, after, limit) =>
      link.ask('facts', `facts ${partition} after ${after}`, () =>
        facts.read(partition, after, limit),
      ),
    onArrival: (arrived) => facts.watch(link, arrived),
    bury: (fact, error) =>
      link.publishPatiently('facts', `fact ${fact.seq} buried`, () => facts.bury(fact, error)),
    forget: (partition, upTo) =>
      link.ask('facts', `facts ${partition} up to ${upTo} dropped`, () =>
        facts.forget(partition, upTo),
      ),
  };
}
