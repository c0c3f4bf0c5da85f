// The dead letters: facts that could not be applied, with the reason (`INV_DEAD`). Listing them, and sending them
// again once the reason is gone.
//
// 1. A letter is removed only after its fact has been stored again; a repetition in between is swallowed by the
//    message id, which names the letter.

import { deadCodeHeader, deadMessageHeader } from '../contract/codes.ts';
import type { Names } from '../contract/subjects.ts';
import { PortError } from '../ports.ts';
import { header, headerBlock } from './headers.ts';
import { type JetStreamApi, unavailable } from './jetstream-api.ts';
import { patiently } from './patience.ts';
import { publishAcked } from './publish-acked.ts';
import { readAll } from './read-all.ts';

export interface DeadLetter {
  /** Its number among the dead letters. */
  readonly seq: number;
  readonly source: string;
  readonly code: string;
  readonly message: string;
  /** Where the fact was published; undefined: not told, so it cannot be sent again. */
  readonly subject: string | undefined;
  readonly buriedAtMs: number;
  /** As published; whatever it was. */
  readonly payload: string;
}

const decoder = new TextDecoder();
const timeoutMs = 5_000;

/** All of them, oldest first. */
export async function deadLetters(api: JetStreamApi, names: Names): Promise<DeadLetter[]> {
  const letters = new Map<number, DeadLetter>();
  const what = { stream: names.streams.dead, subjects: [names.subjects.allDead] };
  await readAll(api, what, (message) => {
    letters.set(message.seq, {
      seq: message.seq,
      source: message.subject.slice(message.subject.lastIndexOf('.') + 1),
      code: message.header(deadCodeHeader) ?? '',
      message: message.header(deadMessageHeader) ?? '',
      subject: message.header('Lastunit-Subject'),
      buriedAtMs: message.storedAtMs,
      payload: decoder.decode(message.payload),
    });
  });
  return [...letters.values()];
}

/** Publishes the fact again and removes the letter. Rejects with `PortError`. */
export async function retryLetter(
  api: JetStreamApi,
  names: Names,
  letter: DeadLetter,
): Promise<void> {
  const { seq, subject, payload } = letter;
  if (subject === undefined) throw new PortError('misconfigured', `letter ${seq} has no subject`);
  const headers = headerBlock({ [header.messageId]: `retry.${seq}` });
  const result = await patiently(() =>
    publishAcked(api.mux, names.streams.facts, subject, payload, headers, timeoutMs),
  );
  if (result.kind !== 'stored' && result.kind !== 'duplicate') {
    const reason = 'reason' in result ? result.reason : 'refused for an expectation never made';
    throw new PortError('unavailable', `sending letter ${seq} again: ${reason}`);
  }
  await dropLetter(api, names, seq);
}

/** Removes a letter for good. Rejects with `PortError`. */
export async function dropLetter(api: JetStreamApi, names: Names, seq: number): Promise<void> {
  try {
    await api.call(`STREAM.MSG.DELETE.${names.streams.dead}`, { seq, no_erase: true });
  } catch (error) {
    throw unavailable(error);
  }
}
