/**
 * One command, one request: carts, callers that want no coalescing, and everything before the
 * number of partitions is known. Repeats until there is an answer or the deadline has come.
 */

import type { Bus, Clock } from '../ports.ts';
import { ClientClosedError, DeadlineExceededError } from './errors.ts';
import { type Reply, readReply } from './replies.ts';
import { causeOf, passes, passesByItself, waitMs } from './retry.ts';

/** What sending needs of the world. */
export interface Surroundings {
  readonly bus: Pick<Bus, 'request'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly closed: () => boolean;
}

export interface PlainRequest {
  readonly subject: string;
  readonly payload: string;
  readonly id: string | undefined;
  /** On the clock of the surroundings. */
  readonly deadlineAtMs: number;
  readonly attemptTimeoutMs: number;
}

/** Resolves with the final reply; rejects with `DeadlineExceededError` or a final `PortError`. */
export async function sendPlain(request: PlainRequest, world: Surroundings): Promise<Reply> {
  return repeatUntil(request, world, async (timeoutMs) => {
    const reply = readReply(await world.bus.request(request.subject, request.payload, timeoutMs));
    if (!passes(reply)) return { done: reply };
    return { again: causeOf(reply), retryAfterMs: reply.error.retryAfterMs };
  });
}

/** What an attempt came to: a result, or a reason to try again. */
export type Attempt<T> =
  | { readonly done: T }
  | { readonly again: Error; readonly retryAfterMs?: number | undefined };

type Limits = Pick<PlainRequest, 'id' | 'deadlineAtMs' | 'attemptTimeoutMs'>;

/** Repeats `attempt` with waits in between; none is begun at or after the deadline. */
export async function repeatUntil<T>(
  limits: Limits,
  world: Surroundings,
  attempt: (timeoutMs: number) => Promise<Attempt<T>>,
): Promise<T> {
  const { clock } = world;
  const { id, deadlineAtMs, attemptTimeoutMs } = limits;
  let cause: unknown;
  for (let attempts = 0; ; ) {
    if (world.closed()) throw new ClientClosedError();
    const leftMs = deadlineAtMs - clock.now();
    if (leftMs <= 0) throw new DeadlineExceededError(id, attempts, cause);
    attempts += 1;
    let retryAfterMs: number | undefined;
    try {
      const result = await attempt(Math.min(leftMs, attemptTimeoutMs));
      if ('done' in result) return result.done;
      cause = result.again;
      retryAfterMs = result.retryAfterMs;
    } catch (error) {
      if (world.closed()) throw new ClientClosedError();
      if (!passesByItself(error)) throw error;
      cause = error;
    }
    const pauseMs = waitMs(attempts, world.random(), retryAfterMs);
    if (clock.now() + pauseMs >= deadlineAtMs) throw new DeadlineExceededError(id, attempts, cause);
    await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
  }
}
