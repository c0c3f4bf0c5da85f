// The bucket that remembers which files have been imported, and how far (src/cli/import). It is made when the first
// file is: a deployment that imports nothing has none.

import { keyValueSubject, type Names } from '../contract/subjects.ts';
import { PortError } from '../ports.ts';
import { bucketStream } from './adapter-names.ts';
import { header, headerBlock } from './headers.ts';
import { ApiError, apiError, type JetStreamApi, unavailable } from './jetstream-api.ts';
import { patiently } from './patience.ts';
import { publishAcked } from './publish-acked.ts';
import { replicasOf } from './sinks.ts';

/** Values under keys, parsed; compare-and-set by revision, 0 for a new key. */
export interface Records<T> {
  read(key: string): Promise<{ readonly record: T; readonly revision: number } | undefined>;
  /** Undefined: the revision is another by now. */
  write(key: string, record: T, expect: number): Promise<number | undefined>;
}

const timeoutMs = 5_000;

/** Rejects with `PortError`. */
export async function createImportRecords<T>(api: JetStreamApi, names: Names): Promise<Records<T>> {
  const bucket = names.buckets.imports;
  const stream = bucketStream(bucket);
  await ensureBucket(api, names, bucket, stream);
  return {
    async read(key) {
      const message = await api.message(stream, { last_by_subj: keyValueSubject(bucket, key) });
      if (message === undefined || message.header(header.keyValueOperation) !== undefined) {
        return undefined;
      }
      const record = JSON.parse(new TextDecoder().decode(message.payload)) as T;
      return { record, revision: message.seq };
    },

    async write(key, record, expect) {
      const headers = headerBlock({ [header.expectedSequence]: expect });
      const subject = keyValueSubject(bucket, key);
      const payload = JSON.stringify(record);
      const result = await patiently(() =>
        publishAcked(api.mux, stream, subject, payload, headers, timeoutMs),
      );
      if (result.kind === 'stored') return result.seq;
      if (result.kind === 'wrong_last') return undefined;
      const reason = 'reason' in result ? result.reason : 'a duplicate without message id';
      throw new PortError('unavailable', `remembering the import: ${reason}`);
    },
  };
}

async function ensureBucket(
  api: JetStreamApi,
  names: Names,
  bucket: string,
  stream: string,
): Promise<void> {
  if ((await api.info(stream)) !== undefined) return;
  try {
    await api.call(`STREAM.CREATE.${stream}`, {
      name: stream,
      description: 'lastunit: files that have been imported',
      subjects: [keyValueSubject(bucket, '>')],
      max_msgs_per_subject: 1,
      storage: 'file',
      discard: 'new',
      allow_rollup_hdrs: true,
      deny_delete: true,
      allow_direct: true,
      num_replicas: await replicasOf(api, names.streams.journal),
    });
  } catch (error) {
    if (error instanceof ApiError && error.apiCode === apiError.nameInUse) return;
    throw unavailable(error);
  }
}
