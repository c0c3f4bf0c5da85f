/**
 * The snapshot store's twin: values under keys with revisions that rise with every write of the
 * store. Each write is one message: what a crash leaves of several is a prefix.
 */

import type { Snapshots, StoredSnapshot } from '../../../src/ports.ts';
import type { Link } from './link.ts';

const keyPattern = /^[A-Za-z0-9_=.-]+$/;

export class SnapshotState {
  readonly #values = new Map<string, StoredSnapshot>();
  #revision = 0;

  read(key: string): StoredSnapshot | undefined {
    return this.#values.get(key);
  }

  write(key: string, payload: string, expect: number): Awaited<ReturnType<Snapshots['write']>> {
    if (!keyPattern.test(key)) throw new Error(`not a key: ${key}`);
    if ((this.#values.get(key)?.revision ?? 0) !== expect) return { kind: 'conflict' };
    this.#revision += 1;
    this.#values.set(key, { revision: this.#revision, payload });
    return { kind: 'stored', revision: this.#revision };
  }

  remove(prefix: string): void {
    for (const key of this.keys()) {
      if (key !== prefix && !key.startsWith(`${prefix}.`)) continue;
      // A removal leaves a marker, which takes a revision.
      this.#revision += 1;
      this.#values.delete(key);
    }
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  /** Forgets everything: snapshots are an optimisation. */
  clear(): void {
    this.#values.clear();
  }
}

/** The snapshot store as one process sees it. */
export function snapshotsTwin(link: Link): Snapshots {
  const { snapshots } = link.world;
  return {
    read: (key) => link.call('snapshots', `snapshot ${key} read`, () => snapshots.read(key)),
    write: (key, payload, expect) =>
      link.call('snapshots', `snapshot ${key} over ${expect}`, () =>
        snapshots.write(key, payload, expect),
      ),
    remove: (prefix) =>
      link.call('snapshots', `snapshot ${prefix} removed`, () => snapshots.remove(prefix)),
  };
}
