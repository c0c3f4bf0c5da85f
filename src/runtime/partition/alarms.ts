/**
 * The partition's alarm clock: which SKU has a hold that may end, and when. It covers SKUs that are
 * not resident too (the checkpoint carries it), so that holds expire even if nobody calls. One
 * binary heap with lazy deletion; no timer object per hold or SKU (see the README of `runtime`).
 *
 * An alarm only rings. The SKU's actor decides what has expired (invariant 11); an alarm that rings
 * too early does no harm, so after recovery a lower bound is enough.
 */

import type { Alarm } from '../../../actors/sku.ts';

interface Entry {
  readonly atMs: number;
  readonly sku: string;
}

export class Alarms implements Alarm {
  readonly #armed = new Map<string, number>();
  /** Rung and not yet set again: their SKUs are being looked at. */
  readonly #ringing = new Map<string, number>();
  #heap: Entry[] = [];
  readonly #changed: () => void;

  /** `changed` is called when the earliest alarm may have moved forward. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get size(): number {
    return this.#armed.size;
  }

  set(sku: string, atMs: number | undefined): void {
    this.#ringing.delete(sku);
    if (atMs === undefined) {
      this.#armed.delete(sku);
      return;
    }
    if (this.#armed.get(sku) === atMs) return;
    this.#armed.set(sku, atMs);
    const earliest = this.#heap[0]?.atMs;
    this.#push({ atMs, sku });
    if (earliest === undefined || atMs < earliest) this.#changed();
  }

  /** Makes sure that the alarm rings at `atMs` or before. */
  atLatest(sku: string, atMs: number): void {
    const armed = this.#armed.get(sku);
    if (armed === undefined || atMs < armed) this.set(sku, atMs);
  }

  /** When the next one rings; undefined: none is set. */
  nextAtMs(): number | undefined {
    this.#dropStale();
    return this.#heap[0]?.atMs;
  }

  /** Takes up to `limit` SKUs whose alarm is due; each is silent until it is set again. */
  due(nowMs: number, limit: number): string[] {
    const due: string[] = [];
    while (due.length < limit) {
      this.#dropStale();
      const head = this.#heap[0];
      if (head === undefined || head.atMs > nowMs) break;
      this.#pop();
      this.#armed.delete(head.sku);
      this.#ringing.set(head.sku, head.atMs);
      due.push(head.sku);
    }
    return due;
  }

  /** Every SKU with its time, for the checkpoint; those that ring just now are still owed. */
  entries(): (readonly [string, number])[] {
    return [...this.#ringing, ...this.#armed];
  }

  #dropStale(): void {
    for (let head = this.#heap[0]; head !== undefined; head = this.#heap[0]) {
      if (this.#armed.get(head.sku) === head.atMs) return;
      this.#pop();
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    // Stale entries of a hot SKU must not pile up: rebuild when they are the great majority.
    if (heap.length > 1_000 && heap.length > 4 * this.#armed.size) this.#rebuild();
    let index = this.#heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((this.#heap[parent] as Entry).atMs <= entry.atMs) break;
      this.#heap[index] = this.#heap[parent] as Entry;
      index = parent;
    }
    this.#heap[index] = entry;
  }

  #rebuild(): void {
    // A sorted array is a heap.
    this.#heap = [...this.#armed]
      .map(([sku, atMs]) => ({ atMs, sku }))
      .sort((a, b) => a.atMs - b.atMs);
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && (heap[right] as Entry).atMs < (heap[child] as Entry).atMs) {
        child = right;
      }
      if ((heap[child] as Entry).atMs >= last.atMs) break;
      heap[index] = heap[child] as Entry;
      index = child;
    }
    heap[index] = last;
  }
}
