/** A command of a frame on its way: what is sent, until when, and who waits for it. */

import { DeadlineExceededError } from './errors.ts';
import { isReply, type Refused, type Reply } from './replies.ts';
import { causeOf } from './retry.ts';

/** Commands without result, of the whole client. */
export interface Load {
  pending: number;
}

export class Pending {
  readonly id: string | undefined;
  /** The element of the frame. */
  readonly json: string;
  readonly deadlineAtMs: number;
  attempts = 0;
  /** What the last attempt met: a refusal as it came, or an error. */
  cause: unknown;
  settled = false;
  readonly #load: Load;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    command: { readonly id: string | undefined; readonly json: string },
    deadlineAtMs: number,
    load: Load,
    resolve: (reply: Reply) => void,
    reject: (error: unknown) => void,
  ) {
    this.id = command.id;
    this.json = command.json;
    this.deadlineAtMs = deadlineAtMs;
    this.#load = load;
    this.#resolve = resolve;
    this.#reject = reject;
    load.pending += 1;
  }

  answer(reply: Reply): void {
    if (this.settled) return;
    this.#settle();
    this.#resolve(reply);
  }

  fail(error: unknown): void {
    if (this.settled) return;
    this.#settle();
    this.#reject(error);
  }

  /** Gives up if its deadline is at `nowMs` or before. */
  expire(nowMs: number): void {
    if (this.deadlineAtMs > nowMs) return;
    // Made only now: under overload most commands are refused a few times, and an error has a stack.
    const cause = isReply(this.cause) ? causeOf(this.cause as Refused) : this.cause;
    this.fail(new DeadlineExceededError(this.id, this.attempts, cause));
  }

  #settle(): void {
    this.settled = true;
    this.#load.pending -= 1;
  }
}
