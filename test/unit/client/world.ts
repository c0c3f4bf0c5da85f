// A world for the client's tests: a clock that only the test moves, and a bus that answers as the test says.

import { Client } from '../../../src/client/client.ts';
import type { FactPublisher } from '../../../src/client/facts.ts';
import type { SendOptions } from '../../../src/client/options.ts';
import { createNames } from '../../../src/contract/subjects.ts';
import type { Clock } from '../../../src/ports.ts';

export interface Sent {
  readonly subject: string;
  readonly payload: string;
  readonly timeoutMs: number;
  readonly atMs: number;
  /** The parsed payload. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the client sent
  readonly json: any;
  answer(reply: unknown): void;
  fail(error: unknown): void;
}

export interface TestWorld {
  readonly client: Client;
  /** Everything that was sent, in order. */
  readonly sent: Sent[];
  readonly clock: SteppingClock;
  /** Lets promises and ticks run, then moves time, timer by timer. */
  pass(ms: number): Promise<void>;
  /** Lets promises and ticks run. */
  settle(): Promise<void>;
}

export interface TestWorldOptions extends Partial<SendOptions> {
  readonly partitions?: number | undefined;
  readonly publishFact?: FactPublisher;
  /** Answers at once instead of being noted as unanswered. */
  readonly respond?: (sent: Omit<Sent, 'answer' | 'fail'>) => unknown;
  readonly random?: () => number;
}

export function createWorld(options: TestWorldOptions = {}): TestWorld {
  const { partitions, publishFact, respond, random, ...send } = options;
  const clock = new SteppingClock();
  const sent: Sent[] = [];
  let ids = 0;
  const client = new Client(
    { channel: 'web', ...send },
    {
      bus: {
        request(subject, payload, timeoutMs) {
          return new Promise((resolve, reject) => {
            const text = String(payload);
            const json = JSON.parse(text);
            const request = { subject, payload: text, timeoutMs, atMs: clock.now(), json };
            const answer = (reply: unknown) => resolve(bytesOf(reply));
            sent.push({ ...request, answer, fail: reject });
            if (respond) answer(respond(request));
          });
        },
      },
      clock,
      random: random ?? (() => 1),
      partitions: () => ('partitions' in options ? partitions : 1),
      publishFact: publishFact ?? (async () => ({ seq: 1, duplicate: false })),
      nextId: () => `c-${++ids}`,
      disconnect: async () => {},
    },
  );
  return {
    client,
    sent,
    clock,
    settle,
    async pass(ms) {
      await settle();
      const untilMs = clock.now() + ms;
      while (clock.ring(untilMs)) await settle();
      await settle();
    },
  };
}

/** An acceptance of a command, with the fields that the client looks at. */
export function accepted({ id, sku }: { id: string; sku: string }) {
  return { ok: true, id, sku, qty: 1, available: 9, version: 1 };
}

export function refused(id: string | null, code: string, more: object = {}) {
  const retry = code === 'unavailable' || code === 'overloaded';
  return { ok: false, id, error: { code, message: code, retry, ...more } };
}

/** Accepts whatever is sent, alone or as a frame. */
export function acceptAll({ json }: Pick<Sent, 'json'>): unknown {
  return Array.isArray(json) ? json.map(accepted) : accepted(json);
}

export const { subjects } = createNames('inv');

/** Time that stands still until the test moves it; timers ring at their exact time, in order. */
export class SteppingClock implements Clock {
  #nowMs = 1_000;
  readonly #timers = new Set<{ atMs: number; ring: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, ring: () => void) {
    const timer = { atMs: this.#nowMs + ms, ring };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Rings the next timer that is due by `untilMs`; otherwise it becomes `untilMs`. */
  ring(untilMs: number): boolean {
    const next = [...this.#timers].sort((a, b) => a.atMs - b.atMs)[0];
    if (next === undefined || next.atMs > untilMs) {
      this.#nowMs = untilMs;
      return false;
    }
    this.#timers.delete(next);
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.ring();
    return true;
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function bytesOf(reply: unknown): Uint8Array {
  return new TextEncoder().encode(typeof reply === 'string' ? reply : JSON.stringify(reply));
}
