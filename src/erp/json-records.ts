/**
 * Records of a JSON text: an array of them, or an object that has them under `lines` and says about
 * itself what `metadata.ts` reads.
 */

import { ErpSourceError } from '../ports.ts';
import { isObject } from './metadata.ts';

export interface JsonContent {
  /** Fields beside the lines; none for a bare array. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

/** Throws an `ErpSourceError` for everything else. */
export function readJson(text: string): JsonContent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Truncated, most likely.
    throw broken(`not JSON: ${(cause as Error).message.slice(0, 200)}`, cause);
  }
  const fields = isObject(value) ? value : {};
  const records = isObject(value) ? value.lines : value;
  if (!Array.isArray(records)) throw broken('neither an array nor an object with lines');
  const stranger = records.findIndex((record) => !isObject(record));
  if (stranger >= 0) throw broken(`line ${stranger + 1} is not an object`);
  return { fields, records };
}

function broken(message: string, cause?: unknown): ErpSourceError {
  return new ErpSourceError('format', message, { isFinal: true, cause });
}
