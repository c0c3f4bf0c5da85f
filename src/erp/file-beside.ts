/**
 * What may lie beside an export `stock.csv`: `stock.csv.meta.json` with what the export says about
 * itself, and `stock.csv.sha256` with the checksum of its bytes, as `sha256sum` writes it. Both have to
 * be there before the export is.
 */

import { createHash } from 'node:crypto';
import { ErpSourceError } from '../ports.ts';
import { isObject } from './metadata.ts';
import { readSettledFile } from './settled-file.ts';

export const besideSuffixes = ['.meta.json', '.sha256'] as const;

export interface Beside {
  /** Empty if there is none. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The bytes have the checksum that lay beside them. */
  readonly isVerified: boolean;
}

const limits = { settleMs: 0, bytesMax: 1024 * 1024 };

/** Throws an `ErpSourceError` when the checksum is not the bytes', and for what is no plain file. */
export async function readBeside(
  path: string,
  bytes: Uint8Array,
  nowMs: () => number,
): Promise<Beside> {
  const isVerified = await verify(`${path}.sha256`, bytes, nowMs);
  const text = await readIfThere(`${path}.meta.json`, nowMs);
  if (text === undefined) return { metadata: {}, isVerified };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ErpSourceError('metadata', `${path}.meta.json is not JSON`, { isFinal: true, cause });
  }
  if (isObject(value)) return { metadata: value, isVerified };
  throw new ErpSourceError('metadata', `${path}.meta.json is no object`, { isFinal: true });
}

async function verify(path: string, bytes: Uint8Array, nowMs: () => number): Promise<boolean> {
  const stated = await readIfThere(path, nowMs);
  if (stated === undefined) return false;
  const [checksum = ''] = stated.trim().split(/\s+/);
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (checksum.toLowerCase() === actual) return true;
  const message = `${path} is another file's checksum`;
  throw new ErpSourceError('metadata', message, { isFinal: true });
}

async function readIfThere(path: string, nowMs: () => number): Promise<string | undefined> {
  const file = await readSettledFile(path, limits, nowMs);
  if (file === 'absent') return undefined;
  if (file !== 'growing') return new TextDecoder().decode(file.bytes);
  const message = `${path} is still being written`;
  throw new ErpSourceError('unreachable', message, { isFinal: false });
}
