// Reads everything that a stream holds now under some subjects: all messages, or each subject's newest. For
// displays, comparisons and rebuilding; what decisions rest on is read through `JetStreamApi.message`.
//
// 1. Resolves when what was there at the beginning has been handed over; what comes meanwhile may be among it. What was
//    there is asked of the stream's leader: a consumer may live on a replica that lags behind, and ends early.
// 2. A consumer that falls silent, or a reconnect, starts the reading again from its beginning: with `onRestart` the
//    caller throws away what it has. It goes on for `patienceMs`, which a cluster needs after a server's death until
//    it places consumers elsewhere, and then rejects with `PortError`.

import { setTimeout as sleep } from 'node:timers/promises';
import { createInbox, type Msg, nuid } from '@nats-io/transport-node';
import { PortError } from '../ports.ts';
import { ApiError, apiError, type JetStreamApi, unavailable } from './jetstream-api.ts';
import { inboxPrefixOf } from './mux.ts';
import { answerControl, positionOf } from './ordered-read.ts';

export interface ReadAll {
  readonly stream: string;
  /** Subjects to read, wildcards allowed; empty: all of the stream. */
  readonly subjects?: readonly string[];
  /** Default: `all`. */
  readonly deliver?: 'all' | 'newest';
  /** First sequence to read, with `all`. Default: the stream's first. */
  readonly from?: number;
  readonly onRestart?: () => void;
}

/** A message as it is handed over; valid only during the call. */
export interface ReadMessage {
  readonly seq: number;
  readonly subject: string;
  readonly storedAtMs: number;
  readonly payload: Uint8Array;
  header(name: string): string | undefined;
}

const patienceMs = 30_000;
const pauseMs = 250;
const stallMs = 5_000;
const nanosecondsPerSecond = 1_000_000_000;

/** Returns how many messages were handed over; 0 also when there is no such stream. */
export async function readAll(
  api: JetStreamApi,
  what: ReadAll,
  each: (message: ReadMessage) => void,
): Promise<number> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await readOnce(api, what, each);
    } catch (error) {
      if (isStreamMissing(error)) return 0;
      const trouble = unavailable(error);
      if (!(trouble instanceof PortError) || trouble.code === 'misconfigured') throw trouble;
      if (performance.now() > deadline) throw trouble;
      await sleep(pauseMs);
      what.onRestart?.();
    }
  }
}

async function readOnce(
  api: JetStreamApi,
  what: ReadAll,
  each: (message: ReadMessage) => void,
): Promise<number> {
  const { connection } = api.mux;
  const inbox = createInbox(inboxPrefixOf(connection));
  const name = `all-${nuid.next()}`;
  const until = await lastSequence(api, what);
  if (until === 0) return 0;
  let count = 0;
  let heardAt = performance.now();
  let finish: (error?: unknown) => void = () => {};
  const finished = new Promise<void>((resolve, reject) => {
    finish = (error) => (error === undefined ? resolve() : reject(error));
  });
  // Rejected before anybody waits for it, when creating the consumer fails.
  finished.catch(() => {});

  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error !== null) return finish(error);
      // Headers are read last: of most messages nobody wants them, and decoding them takes longest.
      const position = positionOf(message.reply ?? '');
      if (position === undefined) {
        if (message.headers?.code === 100) answerControl(connection, message);
        return;
      }
      heardAt = performance.now();
      if (position.consumerSeq !== ++count) {
        return finish(new PortError('timeout', `messages of ${what.stream} were lost on the way`));
      }
      try {
        each(handedOver(message, position));
      } catch (thrown) {
        return finish(thrown);
      }
      if (position.pending === 0 && position.seq >= until) finish();
    },
  });
  const timer = setInterval(() => {
    if (performance.now() - heardAt < stallMs) return;
    finish(new PortError('timeout', `reading ${what.stream} stood still for ${stallMs} ms`));
  }, stallMs / 5);
  const status = api.mux.onStatus(() => finish(new PortError('disconnected', 'connection lost')));
  try {
    await api.call(`CONSUMER.CREATE.${what.stream}.${name}`, {
      stream_name: what.stream,
      config: consumerConfig(what, name, inbox),
    });
    await finished;
    return count;
  } finally {
    clearInterval(timer);
    status.unsubscribe();
    if (!connection.isClosed()) subscription.unsubscribe();
    // The server forgets it by itself after a while; this only spares it the work.
    api.call(`CONSUMER.DELETE.${what.stream}.${name}`).catch(() => {});
  }
}

function isStreamMissing(error: unknown): boolean {
  const cause = error instanceof PortError ? error.cause : error;
  return cause instanceof ApiError && cause.apiCode === apiError.streamNotFound;
}

/** Sequence of the newest message that there is to read, as the stream's leader knows it; 0: none. */
async function lastSequence(api: JetStreamApi, { stream, subjects, from = 0 }: ReadAll) {
  const filters = subjects === undefined || subjects.length === 0 ? ['>'] : subjects;
  const newest = await Promise.all(
    filters.map((last_by_subj) => api.message(stream, { last_by_subj })),
  );
  const last = Math.max(...newest.map((message) => message?.seq ?? 0));
  return last < from ? 0 : last;
}

function consumerConfig(what: ReadAll, name: string, inbox: string): object {
  const { subjects = [], from } = what;
  const start =
    what.deliver === 'newest'
      ? { deliver_policy: 'last_per_subject' }
      : from === undefined
        ? { deliver_policy: 'all' }
        : { deliver_policy: 'by_start_sequence', opt_start_seq: Math.max(1, from) };
  // `last_per_subject` needs a filter.
  const filter = subjects.length === 0 && what.deliver === 'newest' ? ['>'] : subjects;
  return {
    name,
    deliver_subject: inbox,
    ...(filter.length === 0 ? {} : { filter_subjects: filter }),
    ...start,
    ack_policy: 'none',
    max_deliver: 1,
    replay_policy: 'instant',
    flow_control: true,
    idle_heartbeat: nanosecondsPerSecond,
    inactive_threshold: 10 * nanosecondsPerSecond,
    mem_storage: true,
    num_replicas: 1,
  };
}

function handedOver(message: Msg, at: { seq: number; storedAtMs: number }): ReadMessage {
  return {
    seq: at.seq,
    subject: message.subject,
    storedAtMs: at.storedAtMs,
    payload: message.data,
    header: (name) => {
      const value = message.headers?.get(name);
      return value === undefined || value === '' ? undefined : value;
    },
  };
}
