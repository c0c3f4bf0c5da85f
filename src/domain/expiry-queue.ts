/**
 * Which open hold ends next: a binary heap of (time, slot). Entries are not taken out when a hold
 * ends or is renewed; who reads the earliest asks whether it still holds. When more than half of the
 * entries are stale the owner rebuilds the queue.
 */

// One for all: most SKUs have no hold at all.
const noTimes = new Float64Array(0);
const noSlots = new Int32Array(0);

export class ExpiryQueue {
  private times = noTimes;
  private slots = noSlots;
  private count = 0;

  get size(): number {
    return this.count;
  }

  push(timeMs: number, slot: number): void {
    if (this.count === this.times.length) this.grow();
    const { times, slots } = this;
    let at = this.count;
    this.count += 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const parentTime = times[parent] as number;
      if (parentTime <= timeMs) break;
      times[at] = parentTime;
      slots[at] = slots[parent] as number;
      at = parent;
    }
    times[at] = timeMs;
    slots[at] = slot;
  }

  /** Time of the earliest entry; Infinity when there is none. */
  earliestMs(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : (this.times[0] as number);
  }

  /** Slot of the earliest entry; -1 when there is none. */
  earliestSlot(): number {
    return this.count === 0 ? -1 : (this.slots[0] as number);
  }

  /** Takes out the earliest entry. */
  drop(): void {
    if (this.count === 0) return;
    this.count -= 1;
    const { times, slots, count } = this;
    const time = times[count] as number;
    const slot = slots[count] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && (times[child + 1] as number) < (times[child] as number)) child += 1;
      if ((times[child] as number) >= time) break;
      times[at] = times[child] as number;
      slots[at] = slots[child] as number;
      at = child;
    }
    times[at] = time;
    slots[at] = slot;
  }

  /** Keeps only the entries that still hold. */
  sweep(holds: (timeMs: number, slot: number) => boolean): void {
    const { times, slots, count } = this;
    this.count = 0;
    // Entries are pushed into places that have been read already, so one array is enough.
    for (let at = 0; at < count; at += 1) {
      const time = times[at] as number;
      const slot = slots[at] as number;
      if (holds(time, slot)) this.push(time, slot);
    }
  }

  private grow(): void {
    const size = Math.max(4, this.times.length * 2);
    const times = new Float64Array(size);
    const slots = new Int32Array(size);
    times.set(this.times);
    slots.set(this.slots);
    this.times = times;
    this.slots = slots;
  }
}
