// Port `RowBucket`: the rows of a read model seen from outside its owners, for finding and repairing what is wrong.

import type { Names } from '../contract/subjects.ts';
import { keyValueSubject } from '../contract/subjects.ts';
import { PortError, type RowBucket, type StandingRow } from '../ports.ts';
import { bucketStream, markSubject } from './adapter-names.ts';
import { header, headerBlock } from './headers.ts';
import type { JetStreamApi, StoredMessage } from './jetstream-api.ts';
import { patiently } from './patience.ts';
import { publishAcked } from './publish-acked.ts';
import { readAll } from './read-all.ts';

const timeoutMs = 5_000;
const decoder = new TextDecoder();

/** One port per read model: `stock`, and `view.<channel>` for every channel that has a view. */
export function createRowBuckets(
  api: JetStreamApi,
  names: Names,
  viewChannels: readonly string[],
): RowBucket[] {
  return [
    createRowBucket(api, names, 'stock', names.buckets.stock),
    ...viewChannels.map((channel) =>
      createRowBucket(api, names, `view.${channel}`, names.buckets.view(channel)),
    ),
  ];
}

function createRowBucket(api: JetStreamApi, names: Names, name: string, bucket: string): RowBucket {
  const stream = bucketStream(bucket);
  const head = keyValueSubject(bucket, '').length;
  const rowOf = (
    message: Pick<StoredMessage, 'seq' | 'subject' | 'payload' | 'header'>,
  ): StandingRow => {
    const isGone = message.header(header.keyValueOperation) !== undefined;
    return {
      key: message.subject.slice(head),
      revision: message.seq,
      payload: isGone ? undefined : decoder.decode(message.payload),
    };
  };

  return {
    name,

    async scan(after, each) {
      const subjects = [keyValueSubject(bucket, '>')];
      await readAll(api, { stream, subjects, from: after + 1 }, (message) => each(rowOf(message)));
    },

    async extent() {
      const { state } = (await api.info(stream, markSubject(names, name, '*'))) ?? {};
      if (state === undefined) return { rows: 0, lastRevision: 0 };
      // The owners' marks lie in the same stream.
      const marks = Object.keys(state.subjects ?? {}).length;
      return { rows: state.messages - marks, lastRevision: state.last_seq };
    },

    async read(key) {
      const subject = keyValueSubject(bucket, key);
      const message = await api.message(stream, { last_by_subj: subject });
      return message === undefined ? undefined : rowOf(message);
    },

    async replace(key, payload, expect) {
      const headers = headerBlock({
        [header.expectedSequence]: expect,
        [header.keyValueOperation]: payload === undefined ? 'DEL' : undefined,
      });
      const subject = keyValueSubject(bucket, key);
      const result = await patiently(() =>
        publishAcked(api.mux, stream, subject, payload ?? '', headers, timeoutMs),
      );
      if (result.kind === 'stored') return 'replaced';
      if (result.kind === 'wrong_last') return 'changed';
      throw new PortError('unavailable', `${bucket}: ${key} could not be written`);
    },
  };
}
