// How late each expiry was: the time at which its commit was stored, minus when the hold ended.

import { decodeJournalMessage } from '../../../src/contract/journal-message.ts';
import { decodeEvents } from '../../../src/domain/event-codec.ts';
import { eventCodes } from '../../../src/domain/event-tuples.ts';
import { readAll } from '../../../src/nats/read-all.ts';
import type { Deployment } from './deployment.ts';

const decoder = new TextDecoder();

/** In milliseconds, in the order of the journal. */
export async function expiriesIn({ api, names }: Deployment): Promise<number[]> {
  const latenesses: number[] = [];
  const what = { stream: names.streams.journal, subjects: [names.subjects.allJournals] };
  await readAll(api, what, ({ payload, storedAtMs }) => {
    const { groups, atMs } = decodeJournalMessage(decoder.decode(payload));
    for (const { sku, firstVersion, events } of groups) {
      const expired = events.filter(([code]) => code === eventCodes['reservation.expired']);
      for (const event of decodeEvents(sku, firstVersion, atMs, expired)) {
        if (event.type === 'reservation.expired') latenesses.push(storedAtMs - event.expiresAtMs);
      }
    }
  });
  return latenesses;
}
