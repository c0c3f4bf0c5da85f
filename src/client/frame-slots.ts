/**
 * How many frames may be without reply at a time, of all partitions together. Lanes that found no
 * slot get one in the order in which they asked.
 */

/** Who waits for a slot. */
export interface SlotWaiter {
  /** A slot may be free now. */
  flush(): void;
}

export class FrameSlots {
  #free: number;
  readonly #waiting = new Set<SlotWaiter>();

  constructor(framesInFlightMax: number) {
    this.#free = framesInFlightMax;
  }

  /** Takes a slot, or notes that `waiter` wants one. */
  take(waiter: SlotWaiter): boolean {
    if (this.#free === 0) {
      this.#waiting.add(waiter);
      return false;
    }
    this.#free -= 1;
    return true;
  }

  /** Gives a slot back, to the first who waits. */
  give(): void {
    this.#free += 1;
    for (const waiter of this.#waiting) {
      if (this.#free === 0) return;
      this.#waiting.delete(waiter);
      waiter.flush();
    }
  }
}
