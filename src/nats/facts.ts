// Port `FactLog` on the stream of facts. The stream itself appends the partition to the stored subject, so a
// partition's facts are a filter, read in batches (invariant 9: the reader remembers the position, not we).
//
// 1. A batch may come from a replica that lags. Replicas apply the same log in the same order, so it is then
//    shorter, never wrong. An empty one is checked with the leader: else a fact could wait for the next one.
// 2. `onArrival` is told after the fact is stored: the stream republishes it.
// 3. A buried fact has one message id, made of its sequence: repeating a burial after a crash does nothing.

import type { Names } from '../contract/subjects.ts';
import { type FactLog, PortError, type StoredFact } from '../ports.ts';
import { factsRepublish } from './adapter-names.ts';
import { guarded } from './guarded.ts';
import { header, headerBlock } from './headers.ts';
import type { JetStreamApi } from './jetstream-api.ts';
import { patiently } from './patience.ts';
import { publishAcked } from './publish-acked.ts';
import type { Reply } from './reply.ts';

const batchMax = 1_000;
const errorTextMax = 1_000;

export interface FactLogOptions {
  readonly timeoutMs?: number | undefined;
}

/** Makes the port; the streams exist already (provision.ts). */
export function createFactLog(
  api: JetStreamApi,
  names: Names,
  options: FactLogOptions = {},
): FactLog {
  const { subjects, streams } = names;
  const timeoutMs = options.timeoutMs ?? 5_000;

  function factOf(
    subject: string,
    seq: number,
    storedAtMs: number,
    payload: Uint8Array,
  ): StoredFact {
    const address = subjects.parseFact(subject);
    if (address === undefined) throw new Error(`not a fact's subject: ${subject}`);
    const { source, verb, skuKey } = address;
    return { seq, source, verb, skuKey, payload, storedAtMs };
  }

  function factOfReply(reply: Reply): StoredFact {
    return factOf(
      reply.header('Nats-Subject') ?? '',
      Number(reply.header('Nats-Sequence')),
      Date.parse(reply.header('Nats-Time-Stamp') ?? ''),
      reply.payload,
    );
  }

  async function readBatch(filter: string, after: number, limit: number): Promise<StoredFact[]> {
    const facts: StoredFact[] = [];
    const query = JSON.stringify({
      seq: after + 1,
      next_by_subj: filter,
      batch: Math.min(limit, batchMax),
    });
    const subject = api.subject(`DIRECT.GET.${streams.facts}`);
    await api.mux.collect(subject, query, { timeoutMs }, (reply) => {
      if (reply.status === 0) {
        facts.push(factOfReply(reply));
        return 'more';
      }
      // 204: the end of the batch. 404: nothing there.
      if (reply.status === 204 || reply.status === 404) return 'done';
      throw new PortError('unavailable', `facts: ${reply.status} ${reply.statusText}`);
    });
    return facts;
  }

  return {
    async read(partition, after, limit) {
      const filter = subjects.factsOfPartition(partition);
      const facts = await readBatch(filter, after, limit);
      if (facts.length > 0) return facts;
      const next = await api.message(streams.facts, { seq: after + 1, next_by_subj: filter });
      if (next === undefined) return [];
      return [factOf(next.subject, next.seq, next.storedAtMs, next.payload)];
    },

    onArrival(arrived) {
      const { connection } = api.mux;
      const subscription = connection.subscribe(factsRepublish(names).dest, {
        callback: (error) => {
          if (error === null) guarded(arrived);
        },
      });
      return {
        unsubscribe: () => {
          if (!connection.isClosed()) subscription.unsubscribe();
        },
      };
    },

    async bury(fact, error) {
      const headers = headerBlock({
        [header.messageId]: `dead.${fact.seq}`,
        'Lastunit-Error-Code': oneLine(error.code),
        'Lastunit-Error': oneLine(error.message),
        'Lastunit-Subject': subjects.fact(fact.source, fact.verb, fact.skuKey),
        'Lastunit-Sequence': fact.seq,
      });
      const subject = subjects.dead(fact.source);
      const result = await patiently(() =>
        publishAcked(api.mux, streams.dead, subject, fact.payload, headers, timeoutMs),
      );
      if (result.kind === 'stored' || result.kind === 'duplicate') return;
      if (result.kind === 'wrong_last') throw new Error('refused for an expectation never made');
      const code = result.kind === 'rejected' ? 'unavailable' : 'timeout';
      throw new PortError(code, `burying fact ${fact.seq}: ${result.reason}`);
    },

    async forget(partition, upTo) {
      const filter = subjects.factsOfPartition(partition);
      await api.call(`STREAM.PURGE.${streams.facts}`, { filter, seq: upTo + 1 });
    },
  };
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, errorTextMax);
}
