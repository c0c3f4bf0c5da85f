/**
 * The journal's tail: the events after the last snapshot of SKUs that are not in memory. Nobody has
 * activated them yet, or they had to make room. They stay in the journal's compact form until their
 * SKU is needed; a checkpoint folds the rest.
 */

type Tuples = readonly (readonly unknown[])[];

/** The events of one SKU in one journal message, still encoded. */
export interface TailGroup {
  readonly seq: number;
  /** The message's expectation: the `afterSeq` of its round. */
  readonly afterSeq: number;
  readonly atMs: number;
  readonly firstVersion: number;
  /** As read from the journal, or the text that was written to it. */
  readonly tuples: Tuples | string;
}

export function tuplesOf({ tuples }: TailGroup): Tuples {
  return typeof tuples === 'string' ? (JSON.parse(`[${tuples}]`) as Tuples) : tuples;
}

export class Tail {
  readonly #groups = new Map<string, TailGroup[]>();

  get skus(): number {
    return this.#groups.size;
  }

  get events(): number {
    let events = 0;
    for (const groups of this.#groups.values()) {
      for (const group of groups) events += tuplesOf(group).length;
    }
    return events;
  }

  add(sku: string, group: TailGroup): void {
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
    this.#groups.delete(sku);
  }

  keys(): IterableIterator<string> {
    return this.#groups.keys();
  }
}
