// Has all rows of the read models written again: without their marks, the owners know of nothing that is complete,
// and bring every row up to date when they take their partitions over. Rows stay visible meanwhile.
//
// Only while no node runs: an owner's writes rest on its marks.

import type { Names } from '../contract/subjects.ts';
import { markSubject } from './adapter-names.ts';
import { type JetStreamApi, unavailable } from './jetstream-api.ts';
import { sinkTargets } from './sink-target.ts';

/** Rejects with `PortError`. */
export async function forgetRowMarks(
  api: JetStreamApi,
  names: Names,
  viewChannels: readonly string[],
): Promise<void> {
  const targets = sinkTargets(names, viewChannels);
  for (const { kind, name, stream } of targets) {
    if (kind !== 'rows') continue;
    try {
      await api.call(`STREAM.PURGE.${stream}`, { filter: markSubject(names, name, '*') });
    } catch (error) {
      throw unavailable(error);
    }
  }
}
