/**
 * What the cluster remembers of a source, in the bucket `inv_reconcile`: whichever node reconciles
 * next knows which snapshots have been compared, and which runs there were.
 */

import type { SourceMemory } from '../domain/reconciliation/admission.ts';
import { type KeyValues, PortError } from '../ports.ts';
import type { RunReport } from './report.ts';

const seenMax = 200;
const runsKept = 200;
const attemptsMax = 5;

interface Stored {
  /** Ids of the snapshots that were compared, oldest first. */
  readonly seen: readonly string[];
  readonly lastAsOfToMs?: number;
  readonly lastLines?: number;
  readonly runs: readonly string[];
}

const nothing: Stored = { seen: [], runs: [] };

export class SourceMemories {
  readonly #values: KeyValues;

  constructor(values: KeyValues) {
    this.#values = values;
  }

  /** What admission needs, and the id of the last snapshot that anybody compared. */
  async read(source: string): Promise<SourceMemory & { readonly lastId: string | undefined }> {
    const { seen, lastAsOfToMs, lastLines } = await this.#stored(source);
    return {
      seenIds: new Set(seen),
      lastId: seen.at(-1),
      ...(lastAsOfToMs === undefined ? {} : { lastAsOfToMs }),
      ...(lastLines === undefined ? {} : { lastLines }),
    };
  }

  /** Stores a run's report, as `latest` too, and forgets the oldest. Rejects with a `PortError`. */
  async record(report: RunReport, compared: boolean): Promise<void> {
    const payload = JSON.stringify(report);
    const key = `run.${report.run}`;
    for (const name of [key, 'latest', `latest.${report.source}`]) {
      await this.#change(name, () => payload);
    }
    let forgotten: readonly string[] = [];
    await this.#change(`source.${report.source}`, (stored) => {
      const before: Stored = stored === undefined ? nothing : JSON.parse(stored);
      const runs = [...before.runs, key];
      forgotten = runs.splice(0, Math.max(0, runs.length - runsKept));
      return JSON.stringify({ ...(compared ? withSnapshot(before, report) : before), runs });
    });
    for (const old of forgotten) await this.#values.remove(old);
  }

  async #stored(source: string): Promise<Stored> {
    const found = await this.#values.read(`source.${source}`);
    return found === undefined ? nothing : JSON.parse(found.payload);
  }

  /** Somebody else may write at the same time: a displaced reconciler that ends its run. */
  async #change(key: string, change: (before: string | undefined) => string): Promise<void> {
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const stored = await this.#values.read(key);
      const payload = change(stored?.payload);
      const written = await this.#values.write(key, payload, stored?.revision ?? 0);
      if (written.kind === 'stored') return;
    }
    throw new PortError('unavailable', `${key} keeps changing`);
  }
}

/** A snapshot has been compared: it is not compared again, and nothing older is. */
function withSnapshot(before: Stored, { snapshot, lines }: RunReport): Stored {
  if (snapshot === undefined || lines === undefined) return before;
  return {
    ...before,
    seen: [...before.seen, snapshot.snapshotId].slice(-seenMax),
    lastAsOfToMs: snapshot.asOfToMs,
    ...(snapshot.complete ? { lastLines: lines.received } : {}),
  };
}
