/**
 * Everything that a SKU remembers under (channel, id): holds, open and ended, and the ids of other
 * accepted commands (invariant 7). One namespace, so one lookup tells a new id from a repetition and
 * from a conflict. Open addressing over packed records; each record is also in one of three lists,
 * oldest first: open holds by when they took their units, ended holds by when they ended, commands
 * by when they were accepted. Forgetting is taking from the front of a list.
 */

import { NumberField, RecordKind } from './record-layout.ts';
import { RecordStore } from './record-store.ts';

interface List {
  first: number;
  last: number;
  length: number;
}

const indexSizeMin = 8;
const noIndex = new Int32Array(0);

export class Records {
  readonly store: RecordStore;
  /** Slot + 1 by hash; 0 is empty. Always at least half empty. */
  private index = noIndex;
  private count = 0;
  private latestId = '';
  private latestChannel = -1;
  private latestHash = 0;
  private earlierId = '';
  private earlierChannel = -1;
  private earlierHash = 0;
  private readonly openHolds: List = emptyList();
  private readonly endedHolds: List = emptyList();
  private readonly commands: List = emptyList();

  constructor(store = new RecordStore()) {
    this.store = store;
  }

  get size(): number {
    return this.count;
  }
  /** Holds that count as reserved. */
  get openCount(): number {
    return this.openHolds.length;
  }
  /** What only memory keeps: ended holds and ids of commands. */
  get rememberedCount(): number {
    return this.endedHolds.length + this.commands.length;
  }

  /** The slot of a record, or -1. `channel` is the channel's index in the state. */
  find(channel: number, id: string): number {
    if (this.count === 0 || channel < 0) return -1;
    const { index, store } = this;
    const mask = index.length - 1;
    const hash = this.hashOf(channel, id);
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = (index[at] as number) - 1;
      if (slot < 0) return -1;
      if (store.hash(slot) === hash && store.channel(slot) === channel && store.hasId(slot, id)) {
        return slot;
      }
    }
  }

  /** A new record at the end of its kind's list. The key must not be there yet. */
  add(channel: number, id: string, kind: number): number {
    if ((this.count + 1) * 2 > this.index.length) this.rehash();
    const { store } = this;
    const slot = store.allocate();
    const hash = this.hashOf(channel, id);
    store.setHash(slot, hash);
    store.setChannel(slot, channel);
    store.setId(slot, id);
    store.setKind(slot, kind);
    this.count += 1;
    this.enter(slot, hash);
    this.append(slot, this.listOf(kind));
    return slot;
  }

  remove(slot: number): void {
    this.unlink(slot, this.listOf(this.store.kind(slot)));
    this.leave(slot);
    this.count -= 1;
    this.store.free(slot);
  }

  /** Changes what a record is; in another list it becomes the newest. */
  become(slot: number, kind: number): void {
    if (this.listOf(this.store.kind(slot)) === this.listOf(kind)) this.store.setKind(slot, kind);
    else this.becomeNewest(slot, kind);
  }

  /** The same, and the newest of its list whether it was there before or not. */
  becomeNewest(slot: number, kind: number): void {
    this.unlink(slot, this.listOf(this.store.kind(slot)));
    this.store.setKind(slot, kind);
    this.append(slot, this.listOf(kind));
  }

  oldestEnded(): number {
    return this.endedHolds.first;
  }
  oldestCommand(): number {
    return this.commands.first;
  }
  youngestOpen(): number {
    return this.openHolds.last;
  }

  /** When the oldest of what is remembered may be forgotten; Infinity: nothing is remembered. */
  oldestRememberedMs(commandsMs: number, endedHoldsMs: number): number {
    const { store } = this;
    const command = this.commands.first;
    const ended = this.endedHolds.first;
    return Math.min(
      command < 0
        ? Number.POSITIVE_INFINITY
        : store.number(command, NumberField.createdAtMs) + commandsMs,
      ended < 0
        ? Number.POSITIVE_INFINITY
        : store.number(ended, NumberField.endedAtMs) + endedHoldsMs,
    );
  }

  /** Every slot: open holds, ended holds, commands; each oldest first. */
  *slots(): Generator<number> {
    for (const list of [this.openHolds, this.endedHolds, this.commands]) {
      for (let slot = list.first; slot >= 0; slot = this.store.next(slot)) yield slot;
    }
  }

  /** The same records, apart from later changes; only for going through them, not for looking up. */
  copy(): Records {
    const copy = new Records(this.store.copy());
    copy.count = this.count;
    Object.assign(copy.openHolds, this.openHolds);
    Object.assign(copy.endedHolds, this.endedHolds);
    Object.assign(copy.commands, this.commands);
    return copy;
  }

  /** An id is looked up and then added: its hash is kept, for the latest two. */
  private hashOf(channel: number, id: string): number {
    if (id === this.latestId && channel === this.latestChannel) return this.latestHash;
    if (id === this.earlierId && channel === this.earlierChannel) return this.earlierHash;
    const hash = hashOf(channel, id);
    this.earlierId = this.latestId;
    this.earlierChannel = this.latestChannel;
    this.earlierHash = this.latestHash;
    this.latestId = id;
    this.latestChannel = channel;
    this.latestHash = hash;
    return hash;
  }

  private listOf(kind: number): List {
    if (kind <= RecordKind.prepared) return this.openHolds;
    return kind === RecordKind.command ? this.commands : this.endedHolds;
  }

  private append(slot: number, list: List): void {
    const { store } = this;
    store.setPrevious(slot, list.last);
    store.setNext(slot, -1);
    if (list.last >= 0) store.setNext(list.last, slot);
    else list.first = slot;
    list.last = slot;
    list.length += 1;
  }

  private unlink(slot: number, list: List): void {
    const { store } = this;
    const previous = store.previous(slot);
    const next = store.next(slot);
    if (previous >= 0) store.setNext(previous, next);
    else list.first = next;
    if (next >= 0) store.setPrevious(next, previous);
    else list.last = previous;
    list.length -= 1;
  }

  private enter(slot: number, hash: number): void {
    const { index } = this;
    const mask = index.length - 1;
    let at = hash & mask;
    while (index[at] !== 0) at = (at + 1) & mask;
    index[at] = slot + 1;
  }

  /** Deletion by shifting back (Knuth, 6.4 R), so that no tombstones are left. */
  private leave(slot: number): void {
    const { index, store } = this;
    const mask = index.length - 1;
    let gap = store.hash(slot) & mask;
    while (index[gap] !== slot + 1) gap = (gap + 1) & mask;
    for (let at = (gap + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const home = store.hash((index[at] as number) - 1) & mask;
      if (((at - home) & mask) >= ((at - gap) & mask)) {
        index[gap] = index[at] as number;
        gap = at;
      }
    }
    index[gap] = 0;
  }

  /** In the order of the slots: records are read as they lie, only the new index is jumped about. */
  private rehash(): void {
    const { store } = this;
    this.index = new Int32Array(Math.max(indexSizeMin, this.index.length * 2));
    for (let slot = 0; slot < store.end; slot += 1) {
      if (store.kind(slot) !== RecordKind.free) this.enter(slot, store.hash(slot));
    }
  }
}

function emptyList(): List {
  return { first: -1, last: -1, length: 0 };
}

function hashOf(channel: number, id: string): number {
  let hash = 0x811c9dc5 ^ channel;
  for (let at = 0; at < id.length; at += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  }
  // FNV's low bits are weak for ids that count upwards, and the low bits choose the place.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) | 0;
}
