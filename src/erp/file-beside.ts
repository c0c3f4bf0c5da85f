/**
 * What may lie beside an export `stock.csv`: `stock.csv.meta.json` with what the export says about
 * itself, and `stock.csv.sha256` with the checksum of its bytes, as `sha256sum` writes it.
 */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ErpSourceError } from '../ports.ts';
import { isObject } from './metadata.ts';

export const besideSuffixes = ['.meta.json', '.sha256'] as const;

/** The metadata beside the file; empty if there is none. Throws when the checksum is not the bytes'. */
export async function readBeside(
  path: string,
  bytes: Uint8Array,
): Promise<Readonly<Record<string, unknown>>> {
  const stated = await readIfThere(`${path}.sha256`);
  if (stated !== undefined) {
    const [checksum = ''] = stated.trim().split(/\s+/);
    const actual = createHash('sha256').update(bytes).digest('hex');
    if (checksum.toLowerCase() !== actual) {
      const message = `${path} does not match its .sha256`;
      throw new ErpSourceError('metadata', message, { isFinal: true });
    }
  }
  const text = await readIfThere(`${path}.meta.json`);
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ErpSourceError('metadata', `${path}.meta.json is not JSON`, { isFinal: true, cause });
  }
  if (isObject(value)) return value;
  throw new ErpSourceError('metadata', `${path}.meta.json is no object`, { isFinal: true });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
