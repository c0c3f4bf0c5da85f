// Requests as a plain NATS client sends them, with everything that came of them.

import { connect, type NatsConnection } from '@nats-io/transport-node';

export interface Reply {
  readonly ok: boolean;
  readonly id?: string | null;
  readonly error?: { readonly code: string; readonly retry: boolean };
  readonly [field: string]: unknown;
}

/** One request and its reply, if there was one. */
export interface Call {
  readonly subject: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly sentMs: number;
  answeredMs?: number;
  reply?: Reply;
  failure?: string;
}

export interface Caller {
  readonly connection: NatsConnection;
  readonly calls: Call[];
  /** One attempt; never rejects. */
  call(
    subject: string,
    payload: Readonly<Record<string, unknown>>,
    timeoutMs?: number,
  ): Promise<Call>;
  /** The same request again and again until the answer is no passing trouble. */
  insist(subject: string, payload: Readonly<Record<string, unknown>>): Promise<Reply>;
  close(): Promise<void>;
}

const attemptTimeoutMs = 3_000;
const insistMs = 60_000;
const insistAttemptMs = 1_000;
const pauseMs = 20;

export async function openCaller(url: string | readonly string[]): Promise<Caller> {
  const connection = await connect({
    servers: typeof url === 'string' ? url : [...url],
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    pingInterval: 2_000,
    inboxPrefix: '_INBOX.caller',
  });
  const calls: Call[] = [];
  const caller: Caller = {
    connection,
    calls,
    async call(subject, payload, timeoutMs = attemptTimeoutMs) {
      const call: Call = { subject, payload, sentMs: Date.now() };
      calls.push(call);
      try {
        const reply = await connection.request(subject, JSON.stringify(payload), {
          timeout: timeoutMs,
        });
        call.reply = reply.json<Reply>();
      } catch (error) {
        call.failure = (error as Error).message;
      }
      call.answeredMs = Date.now();
      return call;
    },
    async insist(subject, payload) {
      const untilMs = Date.now() + insistMs;
      for (;;) {
        const { reply, failure } = await caller.call(subject, payload, insistAttemptMs);
        if (reply && reply.error?.retry !== true) return reply;
        if (Date.now() > untilMs) {
          throw new Error(
            `${subject} ${JSON.stringify(payload)}: ${failure ?? JSON.stringify(reply)}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    },
    close: () => connection.close(),
  };
  return caller;
}

/** Sends a request every few milliseconds, whatever becomes of the ones before, until it is stopped. */
export interface Traffic {
  readonly calls: readonly Call[];
  /** Resolves when the last one has its answer. */
  stop(): Promise<readonly Call[]>;
}

export function steadyTraffic(
  caller: Caller,
  everyMs: number,
  make: (index: number) => { subject: string; payload: Readonly<Record<string, unknown>> },
): Traffic {
  const calls: Call[] = [];
  const waiting = new Set<Promise<unknown>>();
  let index = 0;
  const timer = setInterval(() => {
    const { subject, payload } = make(index++);
    const call = caller.call(subject, payload, 10_000).then((done) => {
      calls.push(done);
      waiting.delete(call);
    });
    waiting.add(call);
  }, everyMs);
  return {
    calls,
    async stop() {
      clearInterval(timer);
      await Promise.all(waiting);
      return calls;
    },
  };
}

/** How long each call took, sorted. */
export function waits(calls: readonly Call[]): number[] {
  return calls
    .map(({ sentMs, answeredMs = Number.POSITIVE_INFINITY }) => answeredMs - sentMs)
    .sort((a, b) => a - b);
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}
