// Remembers the last known revision of keys, bounded: two generations, of which the older is dropped when the
// younger is full. Forgetting costs a read, nothing else.

export class RevisionCache {
  readonly #generationMax: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  /** At most `entriesMax` keys are remembered, at least the newest half of that. */
  constructor(entriesMax: number) {
    this.#generationMax = Math.max(1, Math.ceil(entriesMax / 2));
  }

  get(key: string): number | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, revision: number): void {
    this.#young.set(key, revision);
    if (this.#young.size < this.#generationMax) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
