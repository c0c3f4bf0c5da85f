/**
 * Reads a file that somebody else writes. A file that changes while it is looked at is left for the
 * next time: half an export looks exactly like one with fewer lines.
 */

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ErpSourceError } from '../ports.ts';

export interface FileLimits {
  /** The file must not have changed for this long. */
  readonly settleMs: number;
  readonly bytesMax: number;
}

export const defaultFileLimits: FileLimits = { settleMs: 2_000, bytesMax: 512 * 1024 * 1024 };

export const defaultExportTakesMs = 10 * 60_000;

export interface SettledFile {
  readonly bytes: Uint8Array;
  readonly modifiedAtMs: number;
}

/** When the stock was read that an export shows, as far as its file tells: before it was finished. */
export function windowOf({ modifiedAtMs }: SettledFile, exportTakesMs: number) {
  return { asOfFromMs: modifiedAtMs - exportTakesMs, asOfToMs: modifiedAtMs };
}

/** The content, or why there is none yet. Throws an `ErpSourceError` for what is no plain file. */
export async function readSettledFile(
  path: string,
  limits: FileLimits,
  nowMs: () => number,
): Promise<SettledFile | 'absent' | 'growing'> {
  let file: FileHandle;
  try {
    // Not through a symbolic link, and not waiting for the other end of a pipe.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'absent';
    // A symbolic link (ELOOP), or a socket (ENXIO).
    if (code === 'ELOOP' || code === 'ENXIO') throw noPlainFile(path);
    throw new ErpSourceError('unreachable', `cannot read ${path}`, { isFinal: false, cause });
  }
  try {
    return await readSettled(file, path, limits, nowMs);
  } finally {
    await file.close();
  }
}

async function readSettled(
  file: FileHandle,
  path: string,
  limits: FileLimits,
  nowMs: () => number,
): Promise<SettledFile | 'growing'> {
  const before = await file.stat();
  if (!before.isFile()) throw noPlainFile(path);
  if (before.size > limits.bytesMax) {
    const message = `${path} has ${before.size} bytes, the most is ${limits.bytesMax}`;
    throw new ErpSourceError('too_large', message, { isFinal: true });
  }
  const restingMs = nowMs() - before.mtimeMs;
  // A modification time in the future is a clock's fault: wait the whole time.
  const waitMs = restingMs < 0 ? limits.settleMs : limits.settleMs - restingMs;
  if (waitMs > 0) await sleep(waitMs);
  const bytes = await file.readFile();
  const after = await file.stat();
  const hasChanged = after.mtimeMs !== before.mtimeMs || after.size !== before.size;
  if (hasChanged || bytes.byteLength !== after.size) return 'growing';
  return { bytes, modifiedAtMs: Math.round(after.mtimeMs) };
}

function noPlainFile(path: string): ErpSourceError {
  return new ErpSourceError('format', `${path} is no plain file`, { isFinal: true });
}
