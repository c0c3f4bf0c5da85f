/** The refusals that the runtime itself gives, as distinct from those that a SKU decides. */

import type { Refusal } from '../../domain/outcome.ts';

/** Whether it happened is unknown, or it cannot happen now: repeat with the same id. */
export function unavailable(why: string): Refusal {
  return { code: 'unavailable', message: `${why}; repeat with the same id` };
}

/** A named limit of the runtime is reached: nothing happened. */
export function overloaded(what: string, retryAfterMs: number): Refusal {
  return { code: 'overloaded', message: `${what}; try again later`, retryAfterMs };
}
