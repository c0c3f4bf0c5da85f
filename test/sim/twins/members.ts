/**
 * The twin of the membership bucket: a key with a TTL per node, and `meta`.
 *
 * 1. A key ends 2–250 ms after its TTL; never while the servers are away, and then all at once.
 * 2. Every change, an end included, takes a revision. Hints about changes may get lost.
 */

import {
  type JournalMeta,
  type Members,
  type Membership,
  type NodeRecord,
  PortError,
} from '../../../src/ports.ts';
import type { Link } from './link.ts';
import type { World } from './world.ts';

interface Living {
  readonly record: NodeRecord;
  readonly revision: number;
  readonly writtenAtMs: number;
}

export class MemberState {
  readonly #world: World;
  readonly #living = new Map<string, Living>();
  readonly #watchers = new Set<{ readonly link: Link; readonly changed: () => void }>();
  #meta: JournalMeta | undefined;
  #revision = 0;

  constructor(world: World) {
    this.#world = world;
  }

  meta(wanted: JournalMeta): JournalMeta {
    this.#meta ??= wanted;
    return this.#meta;
  }

  recordGenesis(partition: number): void {
    const meta = this.#meta;
    if (!meta) throw new Error('genesis before meta');
    if (meta.genesis.includes(partition)) return;
    this.#meta = { ...meta, genesis: [...meta.genesis, partition].sort((a, b) => a - b) };
  }

  /** Revision of a node's key; 0: it has none. */
  revisionOf(name: string): number {
    return this.#living.get(name)?.revision ?? 0;
  }

  /** `seen` is the key's revision as the caller has read it: what arrives late changes nothing. */
  renew(record: NodeRecord, seen: number): Awaited<ReturnType<Members['renew']>> {
    const living = this.#living.get(record.name);
    if (living && living.record.incarnation !== record.incarnation) return { kind: 'taken' };
    if ((living?.revision ?? 0) !== seen) throw new PortError('unavailable', 'the key has changed');
    const writtenAtMs = this.#world.timeline.nowMs;
    const written = { record, writtenAtMs, revision: this.#revision + 1 };
    this.#living.set(record.name, written);
    this.#expireLater(record.name, written);
    this.#changed();
    return { kind: 'renewed', serverNowMs: this.#world.serverNowMs };
  }

  leave(record: NodeRecord): void {
    if (this.#living.get(record.name)?.record.incarnation !== record.incarnation) return;
    this.#living.delete(record.name);
    this.#changed();
  }

  read(): Membership {
    return {
      revision: this.#revision,
      nodes: [...this.#living.values()].map((living) => living.record),
    };
  }

  watch(link: Link, changed: () => void): { unsubscribe(): void } {
    const watcher = { link, changed };
    this.#watchers.add(watcher);
    return { unsubscribe: () => this.#watchers.delete(watcher) };
  }

  /** Ends every key now, as after a leader's loss that outlasted the TTL. */
  expireAll(): void {
    if (this.#living.size === 0) return;
    this.#world.faults.count('members-expired');
    this.#world.timeline.mark('all members expired');
    this.#living.clear();
    this.#changed();
  }

  #expireLater(name: string, written: Living): void {
    const { timeline, random, options } = this.#world;
    const check = () => {
      if (this.#living.get(name) !== written) return;
      const servingAtMs = this.#world.servingAtMs('members');
      if (servingAtMs > timeline.nowMs) {
        timeline.after(servingAtMs - timeline.nowMs + random.between(2, 250), '', check);
        return;
      }
      this.#living.delete(name);
      timeline.mark(`member ${name} expired`);
      this.#changed();
    };
    timeline.after(options.memberTtlMs + random.between(2, 250), '', check);
  }

  #changed(): void {
    this.#revision += 1;
    for (const { link, changed } of this.#watchers) {
      if (this.#world.faults.strikes('hint-lost')) continue;
      link.toProcess('members changed', changed);
    }
  }
}

/** The membership as one process sees it. */
export function membersTwin(link: Link): Members {
  const { members } = link.world;
  const doubtful = new Set<string>();
  return {
    meta: (wanted) => link.ask('members', 'meta', () => members.meta(wanted)),
    recordGenesis: (partition) =>
      link.ask('members', `genesis of ${partition}`, () => members.recordGenesis(partition)),
    async renew(record) {
      const { name } = record;
      // After trouble nobody knows which revision is to be replaced.
      if (doubtful.has(name)) await link.ask('members', `key of ${name}`, () => {});
      const seen = members.revisionOf(name);
      doubtful.add(name);
      const renewed = await link.publishPatiently('members', 'renew', () =>
        members.renew(record, seen),
      );
      doubtful.delete(name);
      return renewed;
    },
    leave: (record) => link.ask('members', 'leave', () => members.leave(record)),
    read: () => link.ask('members', 'members', () => members.read()),
    onChange: (changed) => members.watch(link, changed),
  };
}
