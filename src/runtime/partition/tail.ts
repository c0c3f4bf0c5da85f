/**
 * The journal's tail: the events after the checkpoint of SKUs that nobody has activated yet. They
 * stay in the journal's compact form until their SKU is needed; a checkpoint folds the rest.
 */

/** The events of one SKU in one journal message, still encoded. */
export interface TailGroup {
  readonly seq: number;
  /** The message's expectation: the `afterSeq` of its round. */
  readonly afterSeq: number;
  readonly atMs: number;
  readonly firstVersion: number;
  readonly tuples: readonly (readonly unknown[])[];
}

export class Tail {
  readonly #groups = new Map<string, TailGroup[]>();
  #events = 0;

  get skus(): number {
    return this.#groups.size;
  }

  get events(): number {
    return this.#events;
  }

  add(sku: string, group: TailGroup): void {
    this.#events += group.tuples.length;
    const groups = this.#groups.get(sku);
    if (groups) groups.push(group);
    else this.#groups.set(sku, [group]);
  }

  has(sku: string): boolean {
    return this.#groups.has(sku);
  }

  groups(sku: string): readonly TailGroup[] {
    return this.#groups.get(sku) ?? [];
  }

  /** The SKU has been activated or snapshotted: its events live elsewhere now. */
  drop(sku: string): void {
    const groups = this.#groups.get(sku);
    if (!groups) return;
    for (const group of groups) this.#events -= group.tuples.length;
    this.#groups.delete(sku);
  }

  keys(): IterableIterator<string> {
    return this.#groups.keys();
  }
}
