/**
 * Which open hold ends next: a binary heap of (time, slot). Entries are not taken out when a hold
 * ends or is renewed; who reads the earliest asks whether it still holds. When more than half of the
 * entries are stale the owner rebuilds the queue.
 */

// One for all: most SKUs have no hold at all.
const noEntries = new Float64Array(0);

export class ExpiryQueue {
  /** Time and slot of each entry, side by side. */
  private entries = noEntries;
  private count = 0;

  get size(): number {
    return this.count;
  }

  push(timeMs: number, slot: number): void {
    if (this.count * 2 === this.entries.length) this.grow();
    const { entries } = this;
    let at = this.count;
    this.count += 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const parentMs = entries[parent * 2] as number;
      if (parentMs <= timeMs) break;
      entries[at * 2] = parentMs;
      entries[at * 2 + 1] = entries[parent * 2 + 1] as number;
      at = parent;
    }
    entries[at * 2] = timeMs;
    entries[at * 2 + 1] = slot;
  }

  /** Time of the earliest entry; Infinity when there is none. */
  earliestMs(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : (this.entries[0] as number);
  }

  /** Slot of the earliest entry; -1 when there is none. */
  earliestSlot(): number {
    return this.count === 0 ? -1 : (this.entries[1] as number);
  }

  /** Takes out the earliest entry. */
  drop(): void {
    if (this.count === 0) return;
    this.count -= 1;
    const { entries, count } = this;
    const timeMs = entries[count * 2] as number;
    const slot = entries[count * 2 + 1] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && this.timeMs(child + 1) < this.timeMs(child)) child += 1;
      if (this.timeMs(child) >= timeMs) break;
      entries[at * 2] = entries[child * 2] as number;
      entries[at * 2 + 1] = entries[child * 2 + 1] as number;
      at = child;
    }
    entries[at * 2] = timeMs;
    entries[at * 2 + 1] = slot;
  }

  /** Keeps only the entries that still hold. */
  sweep(holds: (timeMs: number, slot: number) => boolean): void {
    const { entries, count } = this;
    this.count = 0;
    // Entries are pushed into places that have been read already, so one array is enough.
    for (let at = 0; at < count; at += 1) {
      const timeMs = entries[at * 2] as number;
      const slot = entries[at * 2 + 1] as number;
      if (holds(timeMs, slot)) this.push(timeMs, slot);
    }
  }

  private timeMs(entry: number): number {
    return this.entries[entry * 2] as number;
  }

  private grow(): void {
    const entries = new Float64Array(Math.max(8, this.entries.length * 2));
    entries.set(this.entries);
    this.entries = entries;
  }
}
