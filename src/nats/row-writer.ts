// Writes single rows of a bucket from outside its owner: for rebuilding, and for repairing what a comparison found.
//
// 1. By compare-and-set on the row as it was read, so that an owner's newer row is never overwritten (invariant 10).
//    The owner itself does not notice: its writes rest on its mark, or on the row's revision, which it reads again.

import { mapLimited } from '../concurrency.ts';
import { keyValueSubject } from '../contract/subjects.ts';
import { PortError } from '../ports.ts';
import { bucketStream } from './adapter-names.ts';
import { header, headerBlock } from './headers.ts';
import type { JetStreamApi } from './jetstream-api.ts';
import { patiently } from './patience.ts';
import { publishAcked } from './publish-acked.ts';
import { readAll } from './read-all.ts';

/** A row as it stands in its bucket; no payload: deleted. */
export interface StoredRow {
  readonly revision: number;
  readonly payload: string | undefined;
}

/** What a row should be, from what it is; undefined: leave it. No payload: delete it. */
export type WantedRow = (
  stored: StoredRow | undefined,
) => { readonly payload: string | undefined } | undefined;

const timeoutMs = 5_000;
const attemptsMax = 5;
const writesInFlight = 256;
const decoder = new TextDecoder();

/** Every key of a bucket with its row. */
export async function storedRows(
  api: JetStreamApi,
  bucket: string,
): Promise<Map<string, StoredRow>> {
  const rows = new Map<string, StoredRow>();
  const head = keyValueSubject(bucket, '').length;
  const subjects = [keyValueSubject(bucket, '>')];
  await readAll(api, { stream: bucketStream(bucket), subjects, deliver: 'newest' }, (message) => {
    const isGone = message.header(header.keyValueOperation) !== undefined;
    rows.set(message.subject.slice(head), {
      revision: message.seq,
      payload: isGone ? undefined : decoder.decode(message.payload),
    });
  });
  return rows;
}

export interface RowsToWrite {
  readonly bucket: string;
  readonly stored: ReadonlyMap<string, StoredRow>;
  readonly wanted: ReadonlyMap<string, WantedRow>;
  readonly progress: (done: number) => void;
}

/** Brings rows to what they should be; returns how many were written. Rejects with `PortError`. */
export async function writeRows(api: JetStreamApi, rows: RowsToWrite): Promise<number> {
  const { bucket, stored, wanted, progress } = rows;
  let written = 0;
  let done = 0;
  await mapLimited([...wanted], writesInFlight, async ([key, want]) => {
    if (await writeRow(api, bucket, key, stored.get(key), want)) written += 1;
    progress(++done);
  });
  return written;
}

async function writeRow(
  api: JetStreamApi,
  bucket: string,
  key: string,
  first: StoredRow | undefined,
  want: WantedRow,
): Promise<boolean> {
  const stream = bucketStream(bucket);
  const subject = keyValueSubject(bucket, key);
  let stored = first;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const wanted = want(stored);
    if (wanted === undefined) return false;
    const headers = headerBlock({
      [header.expectedSequence]: stored?.revision ?? 0,
      [header.keyValueOperation]: wanted.payload === undefined ? 'DEL' : undefined,
    });
    const result = await patiently(() =>
      publishAcked(api.mux, stream, subject, wanted.payload ?? '', headers, timeoutMs),
    );
    if (result.kind === 'stored') return true;
    // Somebody else wrote, or we did and have not heard of it: look again.
    const message = await api.message(stream, { last_by_subj: subject });
    stored = message && {
      revision: message.seq,
      payload:
        message.header(header.keyValueOperation) === undefined
          ? decoder.decode(message.payload)
          : undefined,
    };
  }
  throw new PortError('unavailable', `${bucket}: ${key} could not be written`);
}
