// Port `Journal` on the stream of commits. The stream decides about every append; here its answers are only
// sorted into what they prove.
//
// - Invariant 1: every append and barrier carries the last sequence that we know of the partition's subject.
// - Invariant 2: a barrier is an empty message on a subject of its own with `Nats-Rollup: sub`, so that one is
//   kept, whose expectation is about the journal's subject.
// - Invariant 3: `appended` needs a sequence of our own; a `duplicate` answer is `unknown`. `refused` may also be
//   an earlier attempt of ours: the caller looks at `last`.

import type { Names } from '../contract/subjects.ts';
import type { AppendOutcome, Journal, JournalEntry } from '../ports.ts';
import { header, headerBlock } from './headers.ts';
import type { JetStreamApi } from './jetstream-api.ts';
import { type DeliveredMessage, readInOrder } from './ordered-read.ts';
import { type PublishResult, publishAcked } from './publish-acked.ts';

export interface JournalOptions {
  /** After this an append's outcome is unknown. Default: 5000. */
  readonly appendTimeoutMs?: number | undefined;
  /** How long a read may stand still before it starts a new consumer. Default: 2000. */
  readonly readStallMs?: number | undefined;
  /** How long a read may stand still before it gives up. Default: 30000. */
  readonly readGiveUpMs?: number | undefined;
}

const decoder = new TextDecoder();

/** Makes the port; the stream exists already (provision.ts). */
export function createJournal(
  api: JetStreamApi,
  names: Names,
  options: JournalOptions = {},
): Journal {
  const { subjects } = names;
  const stream = names.streams.journal;
  const appendTimeoutMs = options.appendTimeoutMs ?? 5_000;
  const limits = {
    stream,
    stallMs: options.readStallMs ?? 2_000,
    giveUpMs: options.readGiveUpMs ?? 30_000,
  };

  return {
    async append({ partition, expect, messageId, payload }) {
      const headers = headerBlock({
        [header.messageId]: messageId,
        [header.expectedSequence]: expect,
      });
      const subject = subjects.journal(partition);
      return outcomeOf(
        await publishAcked(api.mux, stream, subject, payload, headers, appendTimeoutMs),
      );
    },

    async barrier({ partition, expect, messageId }) {
      const headers = headerBlock({
        [header.messageId]: messageId,
        [header.rollup]: 'sub',
        [header.expectedSequence]: expect,
        [header.expectedSubject]: subjects.journal(partition),
      });
      const subject = subjects.barrier(partition);
      return outcomeOf(await publishAcked(api.mux, stream, subject, '', headers, appendTimeoutMs));
    },

    async last(partition) {
      const message = await api.message(stream, { last_by_subj: subjects.journal(partition) });
      if (message === undefined) return undefined;
      return {
        seq: message.seq,
        messageId: message.header(header.messageId) ?? '',
        storedAtMs: message.storedAtMs,
        payload: decoder.decode(message.payload),
      };
    },

    read: (partition, range, each) =>
      readInOrder(api, { ...limits, ...range, subject: subjects.journal(partition) }, (message) =>
        each(entryOf(message)),
      ),

    readAll: (range, each) =>
      readInOrder(api, { ...limits, ...range, subject: subjects.allJournals }, (message) => {
        const partition = subjects.parseJournal(message.subject);
        if (partition !== undefined) each(partition, entryOf(message));
      }),
  };
}

function outcomeOf(result: PublishResult): AppendOutcome {
  switch (result.kind) {
    case 'stored':
      return { kind: 'appended', seq: result.seq };
    case 'wrong_last':
      return { kind: 'refused' };
    case 'rejected':
      return { kind: 'busy', reason: result.reason };
    case 'duplicate':
      return { kind: 'unknown', reason: `the server has seen this message id, at ${result.seq}` };
    case 'unknown':
      return result;
  }
}

function entryOf(message: DeliveredMessage): JournalEntry {
  return {
    seq: message.seq,
    messageId: message.header(header.messageId) ?? '',
    storedAtMs: message.storedAtMs,
    payload: message.text(),
  };
}
