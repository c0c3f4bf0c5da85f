/**
 * What the client throws. Refusals are values and never come here; what does is a deadline that
 * passed, a client that was closed, or an answer that no lastunit gives.
 */

/**
 * No answer within the deadline. Whether the command happened is unknown: sent again with the same
 * id, it takes effect at most once. `cause` is what the last attempt met: a `PortError`, or the
 * refusal (`unavailable`, `overloaded`) wrapped in an `Error`.
 */
export class DeadlineExceededError extends Error {
  readonly code = 'deadline_exceeded';
  /** Id to repeat the command with; absent for `get`. */
  readonly id: string | undefined;
  readonly attempts: number;

  constructor(id: string | undefined, attempts: number, cause: unknown) {
    const last = cause instanceof Error ? `: ${cause.message}` : '';
    super(`${id ?? 'get'}: no answer after ${attempts} attempts${last}`, { cause });
    this.name = 'DeadlineExceededError';
    this.id = id;
    this.attempts = attempts;
  }
}

/** The client was closed before the answer came: whether it happened is unknown. */
export class ClientClosedError extends Error {
  readonly code = 'client_closed';

  constructor() {
    super('the client has been closed');
    this.name = 'ClientClosedError';
  }
}

/** Something answered that is not a lastunit node of a version that we know. */
export class ProtocolError extends Error {
  readonly code = 'protocol_error';

  constructor(message: string) {
    super(message);
    this.name = 'ProtocolError';
  }
}
