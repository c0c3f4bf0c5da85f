// Requests and replies over one wildcard inbox: the client's own `request` costs 26–50 µs, this 5.
//
// 1. Every request ends: with its reply, or with a `PortError` at its time limit, at a disconnect, at a refusal
//    by the server's permissions, or when nobody listens. While disconnected it ends at once, nothing is sent.
// 2. One timer for all. A tick that comes late because the process stood still rejects nothing yet: replies
//    that are waiting in the socket go first. The next tick does, late or not.
// 3. Nothing thrown in a callback reaches the client's reader, which would stop reading for good.

import {
  createInbox,
  type Msg,
  type NatsConnection,
  PermissionViolationError,
} from '@nats-io/transport-node';
import { PortError, type Subscription } from '../ports.ts';
import { type BulkMessage, publishBulk } from './bulk-publish.ts';
import { toPortError } from './errors.ts';
import { guarded } from './guarded.ts';
import { asClientHeaders, type HeaderBlock } from './headers.ts';
import { Reply } from './reply.ts';

/** How often time limits are looked at: the precision of `timeoutMs`. */
const sweepIntervalMs = 50;

export interface RequestOptions {
  readonly headers?: HeaderBlock | undefined;
  /** Default: 5000. */
  readonly timeoutMs?: number | undefined;
}

export type ConnectionStatus = 'connected' | 'disconnected';

export interface Mux {
  readonly connection: NatsConnection;
  readonly status: ConnectionStatus;
  /** Sends a request and resolves with the first reply. */
  request(subject: string, payload: string | Uint8Array, options?: RequestOptions): Promise<Reply>;
  /**
   * Sends a request with several replies. `each` answers whether that was the last; the time limit holds
   * between replies. A status 503 without content rejects as `no_responders`.
   */
  collect(
    subject: string,
    payload: string | Uint8Array,
    options: RequestOptions,
    each: (reply: Reply) => 'more' | 'done',
  ): Promise<void>;
  /** Sends without waiting for anything; silently nothing while disconnected. */
  publish(subject: string, payload: string | Uint8Array, headers?: HeaderBlock): void;
  /** The same for many at once, in order. */
  publishAll(messages: readonly BulkMessage[]): void;
  onStatus(changed: (status: ConnectionStatus) => void): Subscription;
  /** Ends all requests; the connection stays open, it belongs to who made it. */
  close(): void;
}

interface Pending {
  readonly subject: string;
  readonly timeoutMs: number;
  deadline: number;
  readonly each: ((reply: Reply) => 'more' | 'done') | undefined;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** Opens the inbox on a connection that is connected now. */
export function createMux(connection: NatsConnection): Mux {
  const pending = new Map<string, Pending>();
  const listeners = new Set<(status: ConnectionStatus) => void>();
  const inbox = `${createInbox(inboxPrefixOf(connection))}.`;
  let status: ConnectionStatus = 'connected';
  let closed = false;
  let counter = 0;
  let lastTick = performance.now();
  let wasLate = false;

  const subscription = connection.subscribe(`${inbox}*`, {
    callback: (error, message) => {
      if (error === null) settle(message);
    },
  });

  const timer = setInterval(sweep, sweepIntervalMs);
  timer.unref();
  void watchStatus();

  function settle(message: Msg): void {
    const token = message.subject.slice(inbox.length);
    const entry = pending.get(token);
    if (entry === undefined) return;
    const reply = new Reply(message);
    if (reply.status === 503 && message.data.length === 0) {
      pending.delete(token);
      entry.reject(new PortError('no_responders', `nobody listens on ${entry.subject}`));
    } else if (entry.each === undefined) {
      pending.delete(token);
      entry.resolve(reply);
    } else {
      settlePart(token, entry, entry.each, reply);
    }
  }

  function settlePart(
    token: string,
    entry: Pending,
    each: (reply: Reply) => 'more' | 'done',
    reply: Reply,
  ): void {
    try {
      entry.deadline = performance.now() + entry.timeoutMs;
      if (each(reply) === 'more') return;
      pending.delete(token);
      entry.resolve(reply);
    } catch (error) {
      pending.delete(token);
      entry.reject(error);
    }
  }

  function sweep(): void {
    const now = performance.now();
    const isLate = now - lastTick > 4 * sweepIntervalMs;
    lastTick = now;
    wasLate = isLate && !wasLate;
    if (wasLate || pending.size === 0) return;
    for (const [token, entry] of pending) {
      if (entry.deadline > now) continue;
      pending.delete(token);
      entry.reject(
        new PortError('timeout', `no reply on ${entry.subject} within ${entry.timeoutMs} ms`),
      );
    }
  }

  async function watchStatus(): Promise<void> {
    for await (const event of connection.status()) {
      if (event.type === 'disconnect' || event.type === 'staleConnection')
        setStatus('disconnected');
      else if (event.type === 'reconnect') setStatus('connected');
      else if (event.type === 'error' && event.error instanceof PermissionViolationError) {
        rejectForbidden(event.error);
      }
    }
    setStatus('disconnected');
  }

  function setStatus(next: ConnectionStatus): void {
    if (next === 'disconnected') rejectAll(`disconnected from ${connection.getServer()}`);
    if (next === status) return;
    status = next;
    for (const listener of listeners) guarded(() => listener(next));
  }

  function rejectAll(reason: string): void {
    const entries = [...pending.values()];
    pending.clear();
    for (const entry of entries) entry.reject(new PortError('disconnected', reason));
  }

  function rejectForbidden(violation: PermissionViolationError): void {
    if (violation.operation !== 'publish') return;
    for (const [token, entry] of pending) {
      if (entry.subject !== violation.subject) continue;
      pending.delete(token);
      entry.reject(toPortError(violation, `not allowed to publish to ${entry.subject}`));
    }
  }

  function send(
    subject: string,
    payload: string | Uint8Array,
    options: RequestOptions,
    each: Pending['each'],
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (closed || status === 'disconnected') {
        reject(new PortError('disconnected', `not connected; nothing was sent to ${subject}`));
        return;
      }
      const token = (++counter).toString(36);
      const timeoutMs = options.timeoutMs ?? 5_000;
      const deadline = performance.now() + timeoutMs;
      pending.set(token, { subject, timeoutMs, deadline, each, resolve, reject });
      try {
        const reply = inbox + token;
        if (options.headers === undefined) connection.publish(subject, payload, { reply });
        else {
          connection.publish(subject, payload, {
            reply,
            headers: asClientHeaders(options.headers),
          });
        }
      } catch (error) {
        pending.delete(token);
        reject(toPortError(error, `cannot publish to ${subject}`));
      }
    });
  }

  return {
    connection,
    get status() {
      return status;
    },
    request: (subject, payload, options = {}) => send(subject, payload, options, undefined),
    async collect(subject, payload, options, each) {
      await send(subject, payload, options, each);
    },
    publish(subject, payload, headers) {
      if (closed || status === 'disconnected') return;
      try {
        if (headers === undefined) connection.publish(subject, payload);
        else connection.publish(subject, payload, { headers: asClientHeaders(headers) });
      } catch (error) {
        throw toPortError(error, `cannot publish to ${subject}`);
      }
    },
    publishAll(messages) {
      if (closed || status === 'disconnected') return;
      try {
        publishBulk(connection, messages);
      } catch (error) {
        throw toPortError(error, 'cannot publish');
      }
    },
    onStatus(changed) {
      listeners.add(changed);
      return { unsubscribe: () => listeners.delete(changed) };
    },
    close() {
      closed = true;
      clearInterval(timer);
      listeners.clear();
      if (!connection.isClosed()) subscription.unsubscribe();
      rejectAll('closed');
    },
  };
}

/** The prefix that the connection was made with; the client's type for it is not public. */
export function inboxPrefixOf(connection: NatsConnection): string {
  const { options } = connection as { options?: { inboxPrefix?: string } };
  return options?.inboxPrefix ?? '_INBOX';
}
