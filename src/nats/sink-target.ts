// Where a sink's messages go, and what its payloads mean when two of them are compared.
//
// Rows (`inv_stock`, `inv_view_*`): one message per key, the newest wins; a row says by `asOfSeq` how new it is.
// History (`INV_EVENTS`): every message is kept; `events[].version` says what a message contains.

import { keyValueSubject, type Names } from '../contract/subjects.ts';
import type { DerivedEntry } from '../ports.ts';
import { bucketStream, markSubject } from './adapter-names.ts';

export interface SinkTarget {
  /** `stock`, `view.<channel>`, `events`. */
  readonly name: string;
  readonly kind: 'rows' | 'history';
  readonly stream: string;
  /** What the stream listens to, marks included. */
  readonly streamSubjects: readonly string[];
  subjectOf(key: string): string;
  /** Where the partition's mark lies. */
  markOf(partition: number): string;
}

/** The sinks of a deployment: stock, one view per channel, events. */
export function sinkTargets(names: Names, viewChannels: readonly string[]): SinkTarget[] {
  return [
    rowsTarget(names, 'stock', names.buckets.stock),
    ...viewChannels.map((channel) =>
      rowsTarget(names, `view.${channel}`, names.buckets.view(channel)),
    ),
    {
      name: 'events',
      kind: 'history',
      stream: names.streams.events,
      streamSubjects: [names.subjects.allEvents, markSubject(names, 'events', '*')],
      subjectOf: (key) => names.subjects.event(key),
      markOf: (partition) => markSubject(names, 'events', partition),
    },
  ];
}

function rowsTarget(names: Names, name: string, bucket: string): SinkTarget {
  return {
    name,
    kind: 'rows',
    stream: bucketStream(bucket),
    // The mark lies outside the bucket's own subjects: nobody who lists the keys sees it.
    streamSubjects: [keyValueSubject(bucket, '>'), markSubject(names, name, '*')],
    subjectOf: (key) => keyValueSubject(bucket, key),
    markOf: (partition) => markSubject(names, name, partition),
  };
}

/**
 * What is left to write of one key's entries when `stored` is its last message. The message id names the whole
 * of an entry: a part of it goes without, or the server would take it for the whole and drop it.
 */
export function remainders(
  kind: SinkTarget['kind'],
  entries: readonly DerivedEntry[],
  stored: string | undefined,
): readonly DerivedEntry[] {
  if (stored === undefined || stored === '') return entries;
  const left = kind === 'rows' ? newerRow : newerHistory;
  return entries.flatMap((entry) => {
    const payload = left(entry.payload, stored);
    if (payload === undefined) return [];
    return [payload === entry.payload ? entry : { key: entry.key, payload }];
  });
}

interface Row {
  readonly asOfSeq?: number;
  readonly epoch?: string;
}

/** Equal ages: ours is written, since a row also depends on configuration. */
function newerRow(payload: string, stored: string): string | undefined {
  const theirs = parsed<Row>(stored);
  const ours = parsed<Row>(payload);
  // A row of another journal epoch is from before a restore (invariant 13): its sequences mean nothing here.
  if (theirs?.epoch !== ours?.epoch) return payload;
  return (theirs?.asOfSeq ?? 0) > (ours?.asOfSeq ?? 0) ? undefined : payload;
}

interface History {
  readonly events?: readonly { readonly version?: number }[];
}

/** Leaves out the events that are stored: a repetition may be cut into messages differently. */
function newerHistory(payload: string, stored: string): string | undefined {
  const storedTo = parsed<History>(stored)?.events?.at(-1)?.version ?? 0;
  const ours = parsed<History>(payload);
  const events = ours?.events;
  if (events === undefined) return payload;
  const left = events.filter((event) => (event.version ?? 0) > storedTo);
  if (left.length === events.length) return payload;
  return left.length === 0 ? undefined : JSON.stringify({ ...ours, events: left });
}

/** Not JSON: somebody else's message, which counts as nothing. */
function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
