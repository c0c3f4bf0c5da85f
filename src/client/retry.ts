/**
 * When a command is sent again, with the same id, and how long to wait before. Pure.
 *
 * 1. Repeated is what says that it passes: the codes with `retry`, and trouble in the world. A
 *    refusal is an answer; what is our own or the deployment's mistake is thrown at once.
 * 2. Waits double and are jittered, so that many callers do not come back at the same moment. What
 *    the server asks for (`retryAfterMs`) is the least.
 */

import { PortError } from '../ports.ts';
import { ProtocolError } from './errors.ts';
import type { Refused, Reply } from './replies.ts';

const firstWaitMs = 8;
const longestWaitMs = 250;

/** The wait before the attempt after `attempts`, in milliseconds; `random` is in [0, 1). */
export function waitMs(attempts: number, random: number, retryAfterMs = 0): number {
  const doubled = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(attempts - 1, 10));
  const jittered = doubled * (0.5 + random / 2);
  return retryAfterMs === 0 ? jittered : Math.max(jittered, retryAfterMs * (1 + random / 2));
}

/** Whether this answer is to be asked for again. */
export function passes(reply: Reply): reply is Refused {
  return !reply.ok && reply.error.retry === true;
}

/** Whether an attempt that failed is worth another one. */
export function passesByItself(error: unknown): boolean {
  // A node of another version may answer in its own way until it is replaced.
  if (error instanceof ProtocolError) return true;
  return error instanceof PortError && error.code !== 'misconfigured';
}

/** A refusal as the cause of an error. */
export function causeOf(refused: Refused): Error {
  const { code, message } = refused.error;
  const error = new Error(`${code}: ${message}`);
  error.name = 'RefusedError';
  return error;
}
