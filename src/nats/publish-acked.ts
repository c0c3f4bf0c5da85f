// Publishing into a stream with an acknowledgement, and what an answer, or none, proves about the message.
//
// 1. `stored` only with a sequence, from the stream that was meant, and not as a duplicate (invariant 3).
// 2. `rejected` only where the server says that it certainly has not stored it; what is not on the list below
//    is `unknown`, which costs a look at the stream and nothing else.

import { PortError } from '../ports.ts';
import type { HeaderBlock } from './headers.ts';
import { type ApiErrorBody, apiError } from './jetstream-api.ts';
import type { Mux } from './mux.ts';

export type PublishResult =
  | { readonly kind: 'stored'; readonly seq: number }
  /** The stream has seen this message id; which content it kept is not known. */
  | { readonly kind: 'duplicate'; readonly seq: number }
  /** The expectation was wrong: somebody else wrote, or an earlier attempt of ours. */
  | { readonly kind: 'wrong_last' }
  /** Certainly not stored, and repeating may help. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** It may or may not be stored. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** Refusals that come before anything is stored, and pass by themselves. */
const certainlyNotStored: ReadonlySet<number> = new Set([
  10002, // resources exceeded for account
  10008, // system temporarily unavailable
  10009, // not the leader
  10023, // insufficient resources
  10028, // memory resources exceeded
  10039, // JetStream not enabled for account
  10047, // storage resources exceeded
  10076, // JetStream not enabled: also while a cluster elects a leader
  10118, // stream offline
  apiError.sameExpectationInFlight,
]);

/** Refusals that no repetition will change. */
const neverStored: ReadonlySet<number> = new Set([
  10054, // message larger than the stream's maximum
  10097, // headers too large
  10109, // stream sealed
]);

/** Publishes and waits. Rejects only where repeating is pointless: `PortError` `misconfigured`. */
export async function publishAcked(
  mux: Mux,
  stream: string,
  subject: string,
  payload: string | Uint8Array,
  headers: HeaderBlock | undefined,
  timeoutMs: number,
): Promise<PublishResult> {
  let text: string;
  try {
    text = (await mux.request(subject, payload, { headers, timeoutMs })).text();
  } catch (error) {
    return unanswered(error);
  }
  return resultOf(text, stream);
}

function unanswered(error: unknown): PublishResult {
  if (!(error instanceof PortError) || error.code === 'misconfigured') throw error;
  // No interest in the subject: no stream, or none with a leader.
  if (error.code === 'no_responders') return { kind: 'rejected', reason: error.message };
  return { kind: 'unknown', reason: error.message };
}

interface PublishAnswer {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: ApiErrorBody;
}

function resultOf(text: string, stream: string): PublishResult {
  let answer: PublishAnswer;
  try {
    answer = JSON.parse(text);
  } catch {
    return { kind: 'unknown', reason: `not an acknowledgement: ${text.slice(0, 100)}` };
  }
  if (answer.error !== undefined) return refusalOf(answer.error);
  const { seq } = answer;
  if (answer.stream !== stream || typeof seq !== 'number' || seq < 1) {
    return {
      kind: 'unknown',
      reason: `not an acknowledgement of ${stream}: ${text.slice(0, 100)}`,
    };
  }
  return answer.duplicate === true ? { kind: 'duplicate', seq } : { kind: 'stored', seq };
}

function refusalOf(error: ApiErrorBody): PublishResult {
  const code = error.err_code ?? 0;
  const reason = `${error.description ?? 'refused'} (${code || error.code})`;
  if (code === apiError.wrongLastSequence) return { kind: 'wrong_last' };
  if (neverStored.has(code)) throw new PortError('misconfigured', reason);
  const isFull = /maximum (?:messages|bytes)/.test(error.description ?? '');
  if (certainlyNotStored.has(code) || isFull || error.code === 429) {
    return { kind: 'rejected', reason };
  }
  return { kind: 'unknown', reason };
}
