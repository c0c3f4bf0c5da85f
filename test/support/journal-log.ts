// The journal as tests read it: every message decoded, in the order of the stream.

import { decodeJournalMessage, type JournalMessage } from '../../src/contract/journal-message.ts';
import { decodeEvents } from '../../src/domain/event-codec.ts';
import type { SkuEvent } from '../../src/domain/events.ts';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import { readAll } from '../../src/nats/read-all.ts';

export interface LoggedMessage extends JournalMessage {
  readonly partition: number;
  readonly seq: number;
  readonly storedAtMs: number;
  readonly messageId: string;
}

export interface LoggedEvent {
  readonly sku: string;
  readonly seq: number;
  readonly incarnation: string;
  readonly event: SkuEvent;
}

const decoder = new TextDecoder();

export async function readJournal({ api, names }: NatsPorts): Promise<LoggedMessage[]> {
  const messages: LoggedMessage[] = [];
  await readAll(
    api,
    {
      stream: names.streams.journal,
      subjects: [names.subjects.allJournals],
      onRestart: () => messages.splice(0),
    },
    ({ seq, subject, storedAtMs, payload, header }) => {
      messages.push({
        ...decodeJournalMessage(decoder.decode(payload)),
        partition: names.subjects.parseJournal(subject) as number,
        seq,
        storedAtMs,
        messageId: header('Nats-Msg-Id') ?? '',
      });
    },
  );
  return messages;
}

/** Every event of every SKU, in order. */
export function eventsIn(messages: readonly LoggedMessage[]): LoggedEvent[] {
  return messages.flatMap(({ seq, incarnation, atMs, groups }) =>
    groups.flatMap(({ sku, firstVersion, events }) =>
      decodeEvents(sku, firstVersion, atMs, events).map((event) => ({
        sku,
        seq,
        incarnation,
        event,
      })),
    ),
  );
}

/** Claims and genesis claims, by partition or all. */
export function claimsIn(messages: readonly LoggedMessage[], partition?: number): LoggedMessage[] {
  return messages.filter(
    (message) =>
      message.kind !== 'commit' && (partition === undefined || message.partition === partition),
  );
}

/** What is wrong with the chain of expectations (invariant 5); empty: nothing. */
export function brokenLinks(messages: readonly LoggedMessage[]): string[] {
  const last = new Map<number, number>();
  return messages.flatMap(({ partition, seq, expect }) => {
    const before = last.get(partition) ?? 0;
    last.set(partition, seq);
    return expect === before
      ? []
      : [`partition ${partition}: ${seq} follows ${expect}, not ${before}`];
  });
}
