/**
 * Replies as the caller gets them: the contract's JSON, typed. `ok` tells acceptances and refusals
 * apart; a refusal that passes by itself (`unavailable`, `overloaded`) is repeated by the client
 * and never seen, except when the client itself has too much waiting.
 */

import { codes, overloaded } from '../contract/codes.ts';
import type { Acceptance, HoldState, Refusal, StockRead } from '../domain/outcome.ts';
import { ProtocolError } from './errors.ts';

/** A refusal. `id` is null where none could be read. */
export interface Refused {
  readonly ok: false;
  readonly id: string | null;
  readonly error: Refusal & { readonly retry: boolean };
}

/** An acceptance of a command about one SKU. */
export interface Accepted extends Acceptance {
  readonly ok: true;
  readonly id: string;
}

/** An acceptance of a cart: each line has the fields of a single one. */
export interface CartAccepted {
  readonly ok: true;
  readonly id: string;
  readonly lines: readonly Acceptance[];
  readonly state?: HoldState;
  readonly retaken?: true;
  readonly replayed?: true;
}

/** The strong read; `asOfSeq` is the journal sequence that it rests on. */
export interface StockReply extends StockRead {
  readonly ok: true;
  readonly asOfSeq: number;
}

export type Reply = Accepted | CartAccepted | StockReply | Refused;

const decoder = new TextDecoder();

/** A reply's JSON; throws a `ProtocolError` for anything that is no reply of ours. */
export function readReply(payload: Uint8Array): Reply {
  const value = readJson(payload);
  if (!isReply(value)) throw new ProtocolError('the reply is not a lastunit reply');
  return value;
}

/** A frame's replies in the order of its commands, or the one error of an unreadable frame. The
 * elements have not been looked at: `isReply` tells. */
export function readFrame(payload: Uint8Array, commands: number): readonly Reply[] | Refused {
  const value = readJson(payload);
  if (Array.isArray(value) && value.length === commands) return value as Reply[];
  if (isReply(value) && !value.ok) return value;
  throw new ProtocolError(`the reply to a frame of ${commands} commands is not that of a frame`);
}

/** The refusal that the client gives by itself when too much is waiting already. */
export function tooManyPending(id: string | undefined, most: number): Refused {
  const refusal = overloaded(100, `the client has ${most} commands without answer`);
  return { ok: false, id: id ?? null, error: { ...refusal, retry: codes.overloaded.retry } };
}

function readJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload));
  } catch {
    throw new ProtocolError('the reply is not JSON');
  }
}

/** Whether it can be one: enough to tell acceptance and refusal apart. */
export function isReply(value: unknown): value is Reply {
  return typeof value === 'object' && value !== null && 'ok' in value;
}
