// What went wrong on NATS, in the words of the ports: every trouble in the world leaves this folder as a
// `PortError`, and everything else is our own bug and stays what it is.

import {
  AuthorizationError,
  ClosedConnectionError,
  ConnectionError,
  DrainingConnectionError,
  InvalidArgumentError,
  InvalidSubjectError,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import { PortError } from '../ports.ts';

/** Turns an error of the NATS client into a `PortError`; errors that it does not know come back unchanged. */
export function toPortError(cause: unknown, doing: string): unknown {
  if (cause instanceof PortError) return cause;
  const code = codeOf(cause);
  if (code === undefined) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PortError(code, `${doing}: ${reason}`, { cause });
}

function codeOf(cause: unknown): PortError['code'] | undefined {
  if (cause instanceof NoRespondersError) return 'no_responders';
  if (cause instanceof RequestError && cause.isNoResponders()) return 'no_responders';
  if (cause instanceof TimeoutError) return 'timeout';
  if (
    cause instanceof AuthorizationError ||
    cause instanceof UserAuthenticationExpiredError ||
    cause instanceof PermissionViolationError ||
    cause instanceof InvalidArgumentError ||
    cause instanceof InvalidSubjectError
  ) {
    return 'misconfigured';
  }
  if (
    cause instanceof ConnectionError ||
    cause instanceof ClosedConnectionError ||
    cause instanceof DrainingConnectionError ||
    cause instanceof RequestError
  ) {
    return 'disconnected';
  }
  // What the operating system says while dialling: ENOTFOUND, EHOSTUNREACH, ECONNRESET …
  if (cause instanceof Error && 'syscall' in cause) return 'disconnected';
  return undefined;
}
