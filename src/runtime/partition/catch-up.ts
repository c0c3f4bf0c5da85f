/**
 * What a crash left behind (invariant 10): events that are in the journal and not yet in the
 * history, and SKUs whose rows may be older than their state. Found from where each sink was
 * complete when the partition was taken over.
 */

import { decodeJournalMessage } from '../../contract/journal-message.ts';
import { decodeEvents } from '../../domain/event-codec.ts';
import type { Journal } from '../../ports.ts';
import type { Outputs } from './outputs.ts';
import { type Tail, type TailGroup, tuplesOf } from './tail.ts';

export interface CatchUpOptions {
  readonly partition: number;
  readonly journal: Journal;
  /** For each sink, the journal sequence up to which it is complete. */
  readonly complete: ReadonlyMap<string, number>;
  readonly checkpointSeq: number;
  readonly claimSeq: number;
  readonly tail: Tail;
  readonly outputs: Outputs;
  /** These SKUs' rows are to be written again. */
  readonly touch: (skus: ReadonlySet<string>) => void;
}

export async function catchUpOutputs(options: CatchUpOptions): Promise<void> {
  const { complete, checkpointSeq, tail, outputs } = options;
  const historyTo = complete.get('events');
  const viewsTo = Math.min(
    Number.POSITIVE_INFINITY,
    ...[...complete].filter(([name]) => name !== 'events').map(([, seq]) => seq),
  );
  const stale = new Set<string>();
  const missing: { sku: string; group: TailGroup }[] = [];
  const look = (sku: string, group: TailGroup) => {
    if (group.seq > viewsTo) stale.add(sku);
    if (historyTo !== undefined && group.seq > historyTo) missing.push({ sku, group });
  };
  const from = Math.min(viewsTo, historyTo ?? Number.POSITIVE_INFINITY);
  if (from < checkpointSeq) await readGroups(options, from + 1, look);
  for (const sku of tail.keys()) {
    for (const group of tail.groups(sku)) if (group.seq > checkpointSeq) look(sku, group);
  }
  missing.sort((a, b) => a.group.seq - b.group.seq);
  for (const { sku, group } of missing) {
    outputs.remember(
      sku,
      group.seq,
      decodeEvents(sku, group.firstVersion, group.atMs, tuplesOf(group)),
    );
  }
  if (stale.size === 0) return;
  outputs.behind(viewsTo);
  options.touch(stale);
}

/** Events up to the checkpoint are not in the tail: read them from the journal. */
async function readGroups(
  { partition, journal, checkpointSeq }: CatchUpOptions,
  from: number,
  each: (sku: string, group: TailGroup) => void,
): Promise<void> {
  await journal.read(partition, { from, to: checkpointSeq }, (entry) => {
    const message = decodeJournalMessage(entry.payload);
    for (const group of message.groups) {
      each(group.sku, {
        seq: entry.seq,
        afterSeq: message.expect,
        atMs: message.atMs,
        firstVersion: group.firstVersion,
        tuples: group.events,
      });
    }
  });
}
