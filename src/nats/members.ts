// Port `Members` on the KV bucket of nodes: a key per living node that expires by itself, and the journal's `meta`.
//
// 1. Every write is a compare-and-set: a node never overwrites another incarnation's living key.
// 2. Reads come from the stream's leader. Changes come as republished messages, expiries included; watches have
//    been silent after the death of the cluster node that served them. They are hints only.
// 3. The stream keeps one message per key: with more, an expiring value would uncover the older one.

import { keyValueSubject, type Names } from '../contract/subjects.ts';
import { type JournalMeta, type Members, type NodeRecord, PortError } from '../ports.ts';
import { bucketStream, nodesRepublish } from './adapter-names.ts';
import { guarded } from './guarded.ts';
import { header, headerBlock } from './headers.ts';
import type { JetStreamApi, StoredMessage } from './jetstream-api.ts';
import { readMembership } from './membership-read.ts';
import { patiently } from './patience.ts';
import { publishAcked } from './publish-acked.ts';

const attemptsMax = 8;
const decoder = new TextDecoder();
const nodeNamePattern = /^[A-Za-z0-9_-]{1,64}$/;

/** How long the tombstone of a node that left stays: long enough to be republished, no longer. */
const leaveMarkerTtl = '5s';

export interface MembersOptions {
  /** How long a key lives without renewal; whole seconds, at least 1. */
  readonly ttlSeconds: number;
  /** Default: 5000. */
  readonly timeoutMs?: number | undefined;
}

/** Makes the port; the bucket exists already (provision.ts). */
export function createMembers(api: JetStreamApi, names: Names, options: MembersOptions): Members {
  const bucket = names.buckets.nodes;
  const stream = bucketStream(bucket);
  const timeoutMs = options.timeoutMs ?? 5_000;
  const ttl = `${Math.max(1, Math.ceil(options.ttlSeconds))}s`;
  const metaSubject = keyValueSubject(bucket, 'meta');
  /** Sequence of our own key, by node name; only a guess, the server checks it. */
  const own = new Map<string, number>();

  /** Resolves with the new sequence, or undefined if the expectation was wrong. */
  async function replace(
    subject: string,
    payload: string,
    expect: number,
    more: Readonly<Record<string, string>>,
  ): Promise<number | undefined> {
    const headers = headerBlock({ [header.expectedSequence]: expect, ...more });
    const result = await patiently(() =>
      publishAcked(api.mux, stream, subject, payload, headers, timeoutMs),
    );
    if (result.kind === 'stored') return result.seq;
    if (result.kind === 'wrong_last') return undefined;
    const reason = result.kind === 'duplicate' ? 'called a duplicate' : result.reason;
    throw new PortError(result.kind === 'rejected' ? 'unavailable' : 'timeout', reason);
  }

  async function writeOwn(record: NodeRecord): Promise<number | 'taken'> {
    const subject = nodeSubject(bucket, record.name);
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      let expect = own.get(record.name);
      if (expect === undefined) {
        const current = await api.message(stream, { last_by_subj: subject });
        if (isOfAnother(current, record)) return 'taken';
        expect = current?.seq ?? 0;
      }
      own.delete(record.name);
      const seq = await replace(subject, JSON.stringify(record), expect, { [header.ttl]: ttl });
      if (seq !== undefined) {
        own.set(record.name, seq);
        return seq;
      }
    }
    throw new PortError('unavailable', `the key of node ${record.name} keeps changing`);
  }

  async function readMeta(): Promise<{ seq: number; meta: JournalMeta } | undefined> {
    const message = await api.message(stream, { last_by_subj: metaSubject });
    if (message === undefined || !isAlive(message)) return undefined;
    return { seq: message.seq, meta: JSON.parse(decoder.decode(message.payload)) };
  }

  return {
    async meta(wanted) {
      for (let attempt = 1; attempt <= attemptsMax; attempt++) {
        const current = await readMeta();
        if (current !== undefined) return current.meta;
        if ((await replace(metaSubject, JSON.stringify(wanted), 0, {})) !== undefined)
          return wanted;
      }
      throw new PortError('unavailable', 'the meta key has been deleted; restore it');
    },

    async recordGenesis(partition) {
      for (let attempt = 1; attempt <= attemptsMax; attempt++) {
        const current = await readMeta();
        if (current === undefined) throw new PortError('unavailable', 'there is no meta key');
        const { seq, meta } = current;
        if (meta.genesis.includes(partition)) return;
        const genesis = [...meta.genesis, partition].sort((a, b) => a - b);
        const payload = JSON.stringify({ ...meta, genesis });
        if ((await replace(metaSubject, payload, seq, {})) !== undefined) return;
      }
      throw new PortError('unavailable', 'the meta key keeps changing');
    },

    async renew(record) {
      const seq = await writeOwn(record);
      if (seq === 'taken') return { kind: 'taken' };
      const stored = await api.message(stream, { seq });
      if (stored === undefined) throw new PortError('unavailable', `renewal ${seq} is gone again`);
      return { kind: 'renewed', serverNowMs: stored.storedAtMs };
    },

    async leave(record) {
      const subject = nodeSubject(bucket, record.name);
      for (let attempt = 1; attempt <= attemptsMax; attempt++) {
        const current = await api.message(stream, { last_by_subj: subject });
        own.delete(record.name);
        if (current === undefined || !isAlive(current) || isOfAnother(current, record)) return;
        const marker = {
          [header.keyValueOperation]: 'PURGE',
          [header.rollup]: 'sub',
          [header.ttl]: leaveMarkerTtl,
        };
        if ((await replace(subject, '', current.seq, marker)) !== undefined) return;
      }
      throw new PortError('unavailable', `the key of node ${record.name} keeps changing`);
    },

    read: () => readMembership(api, stream, keyValueSubject(bucket, 'node.*'), isAlive),

    onChange(changed) {
      const subject = nodesRepublish(names).dest;
      const subscription = api.mux.connection.subscribe(subject, {
        callback: (error) => {
          if (error === null) guarded(changed);
        },
      });
      return {
        unsubscribe: () => {
          if (!api.mux.connection.isClosed()) subscription.unsubscribe();
        },
      };
    },
  };
}

function nodeSubject(bucket: string, name: string): string {
  if (!nodeNamePattern.test(name)) throw new RangeError(`not a node name: ${name}`);
  return keyValueSubject(bucket, `node.${name}`);
}

/** Whether a message is a value: neither a deletion nor what the server leaves when a key expires. */
function isAlive(message: StoredMessage): boolean {
  return (
    message.header(header.keyValueOperation) === undefined &&
    message.header(header.markerReason) === undefined
  );
}

function isOfAnother(message: StoredMessage | undefined, record: NodeRecord): boolean {
  if (message === undefined || !isAlive(message)) return false;
  const current: NodeRecord = JSON.parse(decoder.decode(message.payload));
  return current.incarnation !== record.incarnation;
}
