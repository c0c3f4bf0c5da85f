/**
 * From bytes to a JSON value, without ever throwing: what is too large is refused before it is
 * read, what is not UTF-8 or not JSON is an invalid request.
 */

import type { Refusal } from '../domain/outcome.ts';
import { invalidRequest, limitExceeded } from './codes.ts';

export type JsonInput =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly refusal: Refusal };

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function parseJson(payload: Uint8Array | string, requestBytesMax: number): JsonInput {
  // A string's length is at most its bytes: strings come from within the process.
  if (payload.length > requestBytesMax) {
    const why = `${payload.length} bytes, at most ${requestBytesMax} are read`;
    return { ok: false, refusal: limitExceeded('requestBytesMax', why) };
  }
  try {
    const text = typeof payload === 'string' ? payload : utf8.decode(payload);
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, refusal: invalidRequest(undefined, 'not JSON in UTF-8') };
  }
}

/** A JSON object with any fields; arrays and null are none. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
