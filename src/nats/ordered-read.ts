// Reads the messages of one subject, or of all that fit a wildcard, from one sequence of a stream to another, each
// once and in order, through a push consumer of our own making.
//
// The client's ordered consumers have been silent for over 90 seconds after a cluster node's death, so:
// 1. Progress means messages. Without any for `stallMs`, with a gap, or after a reconnect the consumer is thrown
//    away and another starts behind the last message that was handed over.
// 2. The server holds back what is beyond a window of 2 MB, and widens it up to 32 MB whenever it is answered. Only one
//    read of a connection at a time answers (`ReadFlow`): many wide windows together are more than what the server
//    lets wait for one connection (`max_pending`, 64 MB) before it cuts that off.
// 3. Without any for `giveUpMs` the read rejects. Nothing is handed over after it has ended.
// 4. A message later than `to` before `to` itself means that `to` is gone: `unavailable`.

import {
  createInbox,
  type Msg,
  type NatsConnection,
  nuid,
  type Subscription,
} from '@nats-io/transport-node';
import { Gate } from '../concurrency.ts';
import { PortError } from '../ports.ts';
import type { JetStreamApi } from './jetstream-api.ts';
import { inboxPrefixOf } from './mux.ts';

export interface ReadRange {
  readonly stream: string;
  /** Wildcards are allowed. */
  readonly subject: string;
  readonly from: number;
  /** Sequence of an existing message of such a subject. */
  readonly to: number;
  readonly stallMs: number;
  readonly giveUpMs: number;
}

/** So many reads of a connection are under way at a time, each with a window of at least 2 MB. */
const readsAtOnceMax = 8;

/** What the reads over one connection share: how much of them may be on its way together. */
class ReadFlow {
  /** Reads that are under way. */
  readonly reads = new Gate(readsAtOnceMax);
  /** The one of them whose window may grow. */
  readonly wide = new Gate(1);
}

const flows = new WeakMap<NatsConnection, ReadFlow>();

function flowOf(connection: NatsConnection): ReadFlow {
  const flow = flows.get(connection) ?? new ReadFlow();
  flows.set(connection, flow);
  return flow;
}

/** A message as the consumer delivers it; valid only during the call. */
export interface DeliveredMessage {
  readonly subject: string;
  readonly seq: number;
  readonly storedAtMs: number;
  text(): string;
  header(name: string): string | undefined;
}

const nanosecondsPerSecond = 1_000_000_000;
const decoder = new TextDecoder();

/** Resolves once the message at `to` has been handed over. Rejects with `PortError`, or what `each` throws. */
export function readInOrder(
  api: JetStreamApi,
  range: ReadRange,
  each: (message: DeliveredMessage) => void,
): Promise<void> {
  if (range.from > range.to) return Promise.resolve();
  const read = () =>
    new Promise<void>((resolve, reject) => {
      const settle = (error: unknown) => (error === undefined ? resolve() : reject(error));
      new OrderedRead(api, range, each, settle);
    });
  return flowOf(api.mux.connection).reads.run(read);
}

class OrderedRead {
  readonly #api: JetStreamApi;
  readonly #range: ReadRange;
  readonly #each: (message: DeliveredMessage) => void;
  readonly #settle: (error?: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #status: { unsubscribe(): void };
  #next: number;
  #progressAt = performance.now();
  #startedAt = performance.now();
  #attempt: Attempt | undefined;
  /** `waits`: the server has asked, and is answered when it is our turn to have a wide window. */
  #window: 'narrow' | 'waits' | 'wide' = 'narrow';
  #leaveWide = () => {};
  #ended = false;

  constructor(
    api: JetStreamApi,
    range: ReadRange,
    each: (message: DeliveredMessage) => void,
    settle: (error?: unknown) => void,
  ) {
    this.#api = api;
    this.#range = range;
    this.#each = each;
    this.#settle = settle;
    this.#next = range.from;
    this.#timer = setInterval(() => this.#checkProgress(), Math.max(50, range.stallMs / 4));
    this.#status = api.mux.onStatus((status) => {
      if (status === 'connected') this.#restart();
    });
    this.#restart();
  }

  #restart(): void {
    this.#attempt?.stop();
    this.#startedAt = performance.now();
    const attempt: Attempt = startAttempt(
      this.#api,
      this.#range,
      this.#next,
      (message) => this.#receive(attempt, message),
      () => this.#asked(attempt),
      (error) => {
        // Only the stall timer starts again: a consumer that cannot be made now is not made sooner by haste.
        if (!this.#ended && attempt === this.#attempt) attempt.lastError = error;
      },
    );
    this.#attempt = attempt;
  }

  /** The server wants to hear that we follow, before it sends more. */
  #asked(attempt: Attempt): void {
    if (this.#ended || attempt !== this.#attempt) return;
    if (this.#window === 'wide') attempt.answer();
    if (this.#window !== 'narrow') return;
    this.#window = 'waits';
    void flowOf(this.#api.mux.connection).wide.run(async () => {
      if (this.#ended) return;
      this.#window = 'wide';
      this.#progressAt = performance.now();
      this.#attempt?.answer();
      await new Promise<void>((resolve) => {
        this.#leaveWide = resolve;
      });
    });
  }

  #receive(attempt: Attempt, message: Msg): void {
    if (this.#ended || attempt !== this.#attempt) return;
    const position = positionOf(message.reply ?? '');
    if (position === undefined) return;
    if (position.consumerSeq !== attempt.delivered + 1) {
      this.#restart();
      return;
    }
    attempt.delivered += 1;
    this.#progressAt = performance.now();
    if (position.seq > this.#range.to) {
      const { stream, to } = this.#range;
      this.#end(new PortError('unavailable', `message ${to} of ${stream} is gone`));
      return;
    }
    try {
      this.#each(delivered(message, position));
    } catch (error) {
      this.#end(error);
      return;
    }
    this.#next = position.seq + 1;
    if (position.seq === this.#range.to) this.#end();
  }

  #checkProgress(): void {
    const now = performance.now();
    // Whoever has the wide window either gets on or gives up.
    if (this.#window === 'waits') this.#progressAt = now;
    const { giveUpMs, stallMs, subject, to } = this.#range;
    if (now - this.#progressAt > giveUpMs) {
      const cause = this.#attempt?.lastError;
      const message = `reading ${subject} stopped before ${this.#next} (of ${to}) for ${giveUpMs} ms`;
      this.#end(new PortError('timeout', message, cause === undefined ? {} : { cause }));
    } else if (now - Math.max(this.#progressAt, this.#startedAt) > stallMs) {
      this.#restart();
    }
  }

  #end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#status.unsubscribe();
    this.#attempt?.stop();
    this.#leaveWide();
    this.#settle(error);
  }
}

/** One consumer, from its creation until it is thrown away. */
interface Attempt {
  /** Messages received, which is also the last consumer sequence. */
  delivered: number;
  lastError: unknown;
  /** Answers what the server has asked last. */
  answer(): void;
  stop(): void;
}

function startAttempt(
  api: JetStreamApi,
  range: ReadRange,
  from: number,
  receive: (message: Msg) => void,
  asked: () => void,
  failed: (error: unknown) => void,
): Attempt {
  const { connection } = api.mux;
  const { stream, subject } = range;
  const name = `read-${nuid.next()}`;
  const inbox = createInbox(inboxPrefixOf(connection));
  let question: string | undefined;
  const subscription: Subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error !== null) return;
      if (message.reply?.startsWith('$JS.ACK.')) return receive(message);
      question = questionIn(message) ?? question;
      if (question !== undefined) asked();
    },
  });
  const created = api.call(`CONSUMER.CREATE.${stream}.${name}`, {
    stream_name: stream,
    config: {
      name,
      deliver_subject: inbox,
      filter_subjects: [subject],
      deliver_policy: 'by_start_sequence',
      opt_start_seq: from,
      ack_policy: 'none',
      max_deliver: 1,
      replay_policy: 'instant',
      flow_control: true,
      idle_heartbeat: nanosecondsPerSecond,
      inactive_threshold: 10 * nanosecondsPerSecond,
      mem_storage: true,
      num_replicas: 1,
    },
  });
  created.catch(failed);
  return {
    delivered: 0,
    lastError: undefined,
    answer() {
      if (question !== undefined && !connection.isClosed()) connection.publish(question);
      question = undefined;
    },
    stop() {
      if (!connection.isClosed()) subscription.unsubscribe();
      // The server forgets it by itself after a while; this only spares it the work.
      const remove = () => api.call(`CONSUMER.DELETE.${stream}.${name}`);
      created.then(remove).catch(() => {});
    },
  };
}

/** Flow control asks for an answer; a stalled consumer says in its heartbeat where it waits for one. */
function questionIn(message: Msg): string | undefined {
  return message.reply || message.headers?.get('Nats-Consumer-Stalled') || undefined;
}

/** Answers the server's flow control, if that is what the message is. */
export function answerControl(connection: NatsConnection, message: Msg): void {
  const question = questionIn(message);
  if (question !== undefined && !connection.isClosed()) connection.publish(question);
}

/** Where a delivered message stands. */
export interface Position {
  readonly seq: number;
  readonly consumerSeq: number;
  readonly storedAtMs: number;
  /** Messages that the consumer has still to deliver after this one. */
  readonly pending: number;
}

/**
 * `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time, ns>.<pending>`, in newer
 * servers optionally with `<domain>.<account hash>` before and a random token behind.
 */
export function positionOf(reply: string): Position | undefined {
  const tokens = reply.split('.');
  const at = tokens.length > 9 ? 7 : 5;
  const [seq, consumerSeq, time, pending] = tokens.slice(at, at + 4);
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || time === undefined) return undefined;
  return {
    seq: Number(seq),
    consumerSeq: Number(consumerSeq),
    storedAtMs: Number(time.slice(0, -6)),
    pending: Number(pending),
  };
}

function delivered(message: Msg, position: Position): DeliveredMessage {
  return {
    subject: message.subject,
    seq: position.seq,
    storedAtMs: position.storedAtMs,
    text: () => decoder.decode(message.data),
    header: (name) => {
      const value = message.headers?.get(name);
      return value === undefined || value === '' ? undefined : value;
    },
  };
}
