/**
 * How many of a kind a node has under way across its partitions. Commits: fewer, larger ones beat many
 * small ones under load, as a partition's next round grows while it waits for its slot. Checkpoints:
 * all partitions at once would keep the servers from everything else. Closed while the node must not
 * commit anything.
 */
export class Slots {
  #free: number;
  #closed = false;
  readonly #waiting: (() => void)[] = [];

  constructor(slots: number) {
    this.#free = slots;
  }

  /** Resolves when a slot is ours; first come, first served. */
  acquire(): Promise<void> | undefined {
    if (this.#free > 0 && !this.#closed) {
      this.#free -= 1;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  release(): void {
    this.#free += 1;
    this.#serve();
  }

  /** Nobody gets a slot before `open`; what is in flight goes on. */
  close(): void {
    this.#closed = true;
  }

  open(): void {
    this.#closed = false;
    this.#serve();
  }

  #serve(): void {
    while (!this.#closed && this.#free > 0) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#free -= 1;
      next();
    }
  }
}
