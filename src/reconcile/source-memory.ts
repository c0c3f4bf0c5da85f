/**
 * What the cluster remembers of a source, in the bucket `inv_reconcile`: whichever node reconciles
 * next knows which snapshots have been compared, and which runs there were.
 */

import type { SourceMemory } from '../domain/reconciliation/admission.ts';
import type { KeyValues } from '../ports.ts';
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

export class SourceMemories {
  readonly #values: KeyValues;

  constructor(values: KeyValues) {
    this.#values = values;
  }

  /** What admission needs, and the id of the last snapshot that anybody compared. */
  async read(source: string): Promise<SourceMemory & { readonly lastId: string | undefined }> {
    const { stored } = await this.#stored(source);
    const { seen, lastAsOfToMs, lastLines } = stored;
    return {
      seenIds: new Set(seen),
      lastId: seen.at(-1),
      ...(lastAsOfToMs === undefined ? {} : { lastAsOfToMs }),
      ...(lastLines === undefined ? {} : { lastLines }),
    };
  }

  /** Stores a run's report, as `latest` too, and forgets the oldest. */
  async record(report: RunReport, compared: boolean): Promise<void> {
    const payload = JSON.stringify(report);
    const key = `run.${report.run}`;
    await this.#put(key, payload);
    await this.#put('latest', payload);
    await this.#put(`latest.${report.source}`, payload);
    const { stored, revision } = await this.#stored(report.source);
    const runs = [...stored.runs, key];
    const forgotten = runs.splice(0, Math.max(0, runs.length - runsKept));
    const { snapshot, lines } = report;
    const isNew = compared && snapshot !== undefined && lines !== undefined;
    const next: Stored = isNew
      ? {
          seen: [...stored.seen, snapshot.snapshotId].slice(-seenMax),
          lastAsOfToMs: snapshot.asOfToMs,
          ...(snapshot.complete
            ? { lastLines: lines.received }
            : { ...(stored.lastLines === undefined ? {} : { lastLines: stored.lastLines }) }),
          runs,
        }
      : { ...stored, runs };
    await this.#values.write(`source.${report.source}`, JSON.stringify(next), revision);
    for (const old of forgotten) await this.#values.remove(old);
  }

  async #stored(source: string): Promise<{ stored: Stored; revision: number }> {
    const found = await this.#values.read(`source.${source}`);
    if (found === undefined) return { stored: { seen: [], runs: [] }, revision: 0 };
    return { stored: JSON.parse(found.payload), revision: found.revision };
  }

  async #put(key: string, payload: string): Promise<void> {
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const revision = (await this.#values.read(key))?.revision ?? 0;
      if ((await this.#values.write(key, payload, revision)).kind === 'stored') return;
    }
  }
}
