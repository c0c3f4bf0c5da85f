/**
 * The twin of buckets whose keys are replaced by compare-and-set: snapshots, and what reconcilers
 * remember. Revisions rise with every write of the bucket. Each write is one message: what a crash
 * leaves of several is a prefix.
 */

import type { KeyValues, Snapshots, StoredSnapshot } from '../../../src/ports.ts';
import type { Link } from './link.ts';

const keyPattern = /^[A-Za-z0-9_=.-]+$/;

/** One message of the bucket's stream; without a payload it removes its key. */
interface Message {
  readonly key: string;
  readonly payload: string | undefined;
}

export class BucketState {
  readonly #values = new Map<string, StoredSnapshot>();
  /** Every message; its place, counted from 1, is its revision. */
  readonly #log: Message[] = [];

  read(key: string): StoredSnapshot | undefined {
    return this.#values.get(key);
  }

  write(key: string, payload: string, expect: number): Awaited<ReturnType<Snapshots['write']>> {
    if (!keyPattern.test(key)) throw new Error(`not a key: ${key}`);
    if ((this.#values.get(key)?.revision ?? 0) !== expect) return { kind: 'conflict' };
    return { kind: 'stored', revision: this.#append({ key, payload }) };
  }

  remove(prefix: string): void {
    for (const key of this.keys()) {
      if (key !== prefix && !key.startsWith(`${prefix}.`)) continue;
      this.#append({ key, payload: undefined });
    }
  }

  list(prefix: string): ReadonlyMap<string, StoredSnapshot> {
    return new Map([...this.#values].filter(([key]) => key.startsWith(`${prefix}.`)));
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  /**
   * An asynchronous stream's server died: of what it had acknowledged last, `count` messages are gone,
   * and their revisions will be given to others.
   */
  loseTail(count: number): void {
    const kept = this.#log.splice(0, Math.max(0, this.#log.length - count));
    this.#log.length = 0;
    this.#values.clear();
    for (const message of kept) this.#append(message);
  }

  #append(message: Message): number {
    const revision = this.#log.push(message);
    const { key, payload } = message;
    if (payload === undefined) this.#values.delete(key);
    else this.#values.set(key, { revision, payload });
    return revision;
  }
}

/** The snapshot store as one process sees it. */
export function snapshotsTwin(link: Link): Snapshots {
  const { read, write, remove } = keyValuesTwin(link, link.world.snapshots);
  return { read, write, remove };
}

/** A bucket as one process sees it. All of them have the same leader. */
export function keyValuesTwin(link: Link, bucket: BucketState): KeyValues {
  return {
    read: (key) => link.ask('snapshots', `snapshot ${key} read`, () => bucket.read(key)),
    write: (key, payload, expect) =>
      link.publishPatiently('snapshots', `snapshot ${key} over ${expect}`, () =>
        bucket.write(key, payload, expect),
      ),
    remove: (prefix) =>
      link.ask('snapshots', `snapshot ${prefix} removed`, () => bucket.remove(prefix)),
    list: (prefix) =>
      link.ask('snapshots', `snapshots ${prefix} listed`, () => bucket.list(prefix)),
  };
}
