/**
 * What the ids that this node has accepted of late were used for: which SKU, or which cart. A SKU's
 * own memory of ids is exact and durable (invariant 7), but an id that comes back for another SKU
 * reaches an actor that has never heard of it. This index refuses it all the same.
 *
 * 1. It is only ever a reason to refuse; what it does not know is decided without it. It begins empty
 *    with the process, knows nothing of other nodes, and holds `idsIndexedMax` ids at most.
 * 2. An id stays for at least `idempotencyWindowMs`, unless more come than it holds: two generations,
 *    the older dropped when the newer is full or that old.
 * 3. Ids are told apart by 64 bits, uses by 31. Numbers in typed arrays: the garbage collector does
 *    not feel them.
 */

import { idLanes, textFingerprint } from '../domain/fingerprint.ts';

/** What an id was used for. */
export type IdUse = number;

const cartBit = 0x8000_0000;

export function useOfSku(sku: string): IdUse {
  return (textFingerprint(sku) & 0x7fff_ffff) >>> 0;
}

export function useOfCart(reservation: string): IdUse {
  return ((textFingerprint(reservation) & 0x7fff_ffff) | cartBit) >>> 0;
}

export function isCartUse(use: IdUse): boolean {
  return use >= cartBit;
}

const wordsPerEntry = 3;
const firstCapacity = 1_024;
const lanes = new Uint32Array(2);

export interface IdIndexOptions {
  readonly idsIndexedMax: number;
  readonly idempotencyWindowMs: number;
  readonly now: () => number;
}

export class IdIndex {
  readonly #options: IdIndexOptions;
  #young = new Generation();
  #old = new Generation();
  #youngSinceMs: number;

  constructor(options: IdIndexOptions) {
    this.#options = options;
    this.#youngSinceMs = options.now();
  }

  /** What the id was used for; undefined: not that we know. */
  find(channel: string, id: string): IdUse | undefined {
    idLanes(channel, id, lanes);
    return this.#young.find() ?? this.#old.find();
  }

  /** Remembers an accepted id. Its first use stays. */
  add(channel: string, id: string, use: IdUse): void {
    idLanes(channel, id, lanes);
    const { idsIndexedMax, idempotencyWindowMs, now } = this.#options;
    const isFull = this.#young.size >= idsIndexedMax / 2;
    if (isFull || now() - this.#youngSinceMs > idempotencyWindowMs) {
      this.#old = this.#young;
      this.#young = new Generation();
      this.#youngSinceMs = now();
    }
    this.#young.add(use);
  }
}

/** Open addressing with linear probing, at most half full. The key is in `lanes`. */
class Generation {
  size = 0;
  #capacity = firstCapacity;
  #words = new Uint32Array(firstCapacity * wordsPerEntry);

  find(): IdUse | undefined {
    const at = this.#slotOf(lanes[0] as number, lanes[1] as number);
    return this.#isFree(at) ? undefined : this.#words[at + 2];
  }

  add(use: IdUse): void {
    const a = lanes[0] as number;
    const b = lanes[1] as number;
    const at = this.#slotOf(a, b);
    if (!this.#isFree(at)) return;
    this.#put(at, a, b, use);
    this.size += 1;
    if (2 * this.size > this.#capacity) this.#grow();
  }

  #slotOf(a: number, b: number): number {
    const words = this.#words;
    for (let index = a & (this.#capacity - 1); ; index = (index + 1) & (this.#capacity - 1)) {
      const at = index * wordsPerEntry;
      if (this.#isFree(at) || (words[at] === a && words[at + 1] === b)) return at;
    }
  }

  #isFree(at: number): boolean {
    return this.#words[at] === 0 && this.#words[at + 1] === 0;
  }

  #put(at: number, a: number, b: number, use: IdUse): void {
    this.#words[at] = a;
    this.#words[at + 1] = b;
    this.#words[at + 2] = use;
  }

  #grow(): void {
    const before = this.#words;
    this.#capacity *= 2;
    this.#words = new Uint32Array(this.#capacity * wordsPerEntry);
    for (let at = 0; at < before.length; at += wordsPerEntry) {
      const a = before[at] as number;
      const b = before[at + 1] as number;
      if (a !== 0 || b !== 0) this.#put(this.#slotOf(a, b), a, b, before[at + 2] as number);
    }
  }
}
