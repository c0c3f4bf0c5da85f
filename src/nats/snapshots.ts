// Ports `Snapshots` and `KeyValues` on a KV bucket, so that people can look at it with any KV client. We read through the stream's
// leader only (invariant 6) and write by compare-and-set on the key's last sequence, which is its revision.

import { Gate } from '../concurrency.ts';
import { keyValueSubject, type Names } from '../contract/subjects.ts';
import { type KeyValues, PortError, type Snapshots, type StoredSnapshot } from '../ports.ts';
import { bucketStream } from './adapter-names.ts';
import { header, headerBlock } from './headers.ts';
import { type JetStreamApi, unavailable } from './jetstream-api.ts';
import { patiently } from './patience.ts';
import { publishAcked } from './publish-acked.ts';
import { readAll } from './read-all.ts';

/**
 * A value may be a megabyte, and the server cuts off whoever has 64 MB waiting (`max_pending`): a node whose callers
 * wake thousands of SKUs at once must not ask for all of their pages at once.
 */
const readsInFlightMax = 32;

const decoder = new TextDecoder();
const keyPattern = /^[A-Za-z0-9_=.-]+$/;

/** Makes the port; the bucket exists already (provision.ts). */
export function createSnapshots(
  api: JetStreamApi,
  names: Names,
  options: { readonly timeoutMs?: number | undefined } = {},
): Snapshots {
  return createKeyValues(api, names.buckets.snapshots, options);
}

/** Makes the port for any of our buckets; it exists already (provision.ts). */
export function createKeyValues(
  api: JetStreamApi,
  bucket: string,
  options: { readonly timeoutMs?: number | undefined } = {},
): KeyValues {
  const stream = bucketStream(bucket);
  const timeoutMs = options.timeoutMs ?? 10_000;
  const reads = new Gate(readsInFlightMax);

  return {
    async read(key) {
      const last = { last_by_subj: subjectOf(bucket, key) };
      const message = await reads.run(() => api.message(stream, last));
      if (message === undefined || message.header(header.keyValueOperation) !== undefined) {
        return undefined;
      }
      return { revision: message.seq, payload: decoder.decode(message.payload) };
    },

    async write(key, payload, expect) {
      const headers = headerBlock({ [header.expectedSequence]: expect });
      const subject = subjectOf(bucket, key);
      const result = await patiently(() =>
        publishAcked(api.mux, stream, subject, payload, headers, timeoutMs),
      );
      switch (result.kind) {
        case 'stored':
          return { kind: 'stored', revision: result.seq };
        case 'wrong_last':
          return { kind: 'conflict' };
        case 'duplicate':
          throw new Error('the server calls a snapshot a duplicate, which has no message id');
        case 'rejected':
          throw new PortError('unavailable', result.reason);
        case 'unknown':
          throw new PortError('timeout', `whether ${key} was written is unknown: ${result.reason}`);
      }
    },

    async list(prefix) {
      const found = new Map<string, StoredSnapshot>();
      const head = keyValueSubject(bucket, '').length;
      const subjects = [`${subjectOf(bucket, prefix)}.>`];
      await readAll(api, { stream, subjects, deliver: 'newest' }, (message) => {
        const key = message.subject.slice(head);
        const isGone = message.header(header.keyValueOperation) !== undefined;
        if (isGone) found.delete(key);
        else found.set(key, { revision: message.seq, payload: decoder.decode(message.payload) });
      });
      return found;
    },

    async remove(prefix) {
      const subject = subjectOf(bucket, prefix);
      try {
        // A manifest before its pieces: what is left after a crash in between is never a broken whole.
        await api.call(`STREAM.PURGE.${stream}`, { filter: subject });
        await api.call(`STREAM.PURGE.${stream}`, { filter: `${subject}.>` });
      } catch (error) {
        throw unavailable(error);
      }
    },
  };
}

function subjectOf(bucket: string, key: string): string {
  if (!keyPattern.test(key) || /^\.|\.\.|\.$/.test(key)) throw new RangeError(`not a key: ${key}`);
  return keyValueSubject(bucket, key);
}
