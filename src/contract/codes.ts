/**
 * The error codes of the contract: their numbers, whether repeating helps, and how refusals are
 * made where a command enters. A refusal is a value; nothing here throws.
 */

import type { Refusal, RefusalCode } from '../domain/outcome.ts';

export interface CodeFacts {
  /** As in the header `Nats-Service-Error-Code`. */
  readonly number: number;
  /** Whether the same command, repeated with the same id, may succeed. */
  readonly retry: boolean;
  readonly meaning: string;
}

const final = (number: number, meaning: string): CodeFacts => ({ number, retry: false, meaning });
const passing = (number: number, meaning: string): CodeFacts => ({ number, retry: true, meaning });

export const codes: Readonly<Record<RefusalCode, CodeFacts>> = {
  invalid_request: final(400, 'a field is missing, unknown or out of range, or it is not JSON'),
  forbidden: final(403, 'unknown channel, or it may not use this verb'),
  unknown_sku: final(404, 'never seen'),
  reservation_not_found: final(404, 'no such hold of this channel, now or remembered'),
  insufficient_stock: final(409, 'fewer available to this channel than asked'),
  stock_changed: final(409, 'on hand is not what the command expects'),
  already_confirmed: final(409, 'the hold was confirmed before'),
  already_released: final(409, 'the hold was released before'),
  id_conflict: final(409, 'this id was used for something else'),
  no_longer_available: final(410, 'the hold expired and its units are gone'),
  id_expired: final(410, 'issuedAtMs is older than the remembered ids'),
  limit_exceeded: final(422, 'a configured limit'),
  overloaded: passing(429, 'mailbox or window full'),
  unavailable: passing(503, 'whether it happened is unknown: repeat with the same id'),
};

/** Header that carries the number of an error reply's code. */
export const errorNumberHeader = 'Nats-Service-Error-Code';
/** Header that carries an error reply's code. */
export const errorCodeHeader = 'Nats-Service-Error';
/** Headers of a dead-lettered fact. */
export const deadCodeHeader = 'Lastunit-Error-Code';
export const deadMessageHeader = 'Lastunit-Error';

export interface ErrorHeaders {
  readonly [errorNumberHeader]: string;
  readonly [errorCodeHeader]: string;
}

/** The two headers of an error reply, for whoever writes them. */
export function errorHeaders(code: RefusalCode): ErrorHeaders {
  return { [errorNumberHeader]: String(codes[code].number), [errorCodeHeader]: code };
}

/** `field` is a path like `qty` or `lines[0].qty`; without one the payload as a whole is meant. */
export function invalidRequest(field: string | undefined, why: string): Refusal {
  const message = field === undefined ? why : `${field}: ${why}`;
  return field === undefined
    ? { code: 'invalid_request', message }
    : { code: 'invalid_request', message, field };
}

export function forbidden(why: string): Refusal {
  return { code: 'forbidden', message: why };
}

/** `limit` is the configured limit's name, as in `quantityMax`. */
export function limitExceeded(limit: string, why: string): Refusal {
  return { code: 'limit_exceeded', message: why, limit };
}

export function overloaded(retryAfterMs: number, why: string): Refusal {
  return { code: 'overloaded', message: why, retryAfterMs };
}

/** Whether it happened is unknown: the caller repeats with the same id. */
export function unavailable(why: string): Refusal {
  return { code: 'unavailable', message: why };
}
