// One living process per data directory. The lock is a file that names its holder by process id and
// start; a lock whose holder is gone (kill -9, power) is taken over without asking. Holders on other machines, or in other containers that share
// the directory, cannot be seen.
//
// 1. A lock file appears with its content at once (`link` of a finished file), so nobody reads half a one.
// 2. A stale lock is moved away before a new one is made, and only one of several starters can move it.
// 3. Whoever moved a lock that turned out to be another's puts it back; a taken-over lock is read again
//    after a moment, and whoever does not find its own has lost.

import { linkSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedServerError } from './embedded-error.ts';
import { processStart } from './process-table.ts';

const takeoversMax = 5;
const settleMs = 50;

/** A held data directory. */
export interface DataDirLock {
  /** Gives the directory back. May be called more than once. */
  release(): void;
}

/**
 * Makes the data directory if need be, and holds it for this process.
 *
 * @throws EmbeddedServerError `data_dir_in_use` or `data_dir_unwritable`.
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const path = join(dataDir, 'lock');
  const mine = JSON.stringify({ pid: process.pid, start: processStart(process.pid) });
  try {
    mkdirSync(dataDir, { recursive: true });
    await acquire(dataDir, path, mine);
  } catch (cause) {
    if (cause instanceof EmbeddedServerError) throw cause;
    throw unwritable(dataDir, cause);
  }
  return {
    release() {
      if (read(path) === mine) unlinkSync(path);
    },
  };
}

/** Turns an error of the file system into one that names the directory. */
export function unwritable(dataDir: string, cause: unknown): EmbeddedServerError {
  const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new EmbeddedServerError(
    'data_dir_unwritable',
    `The data directory ${dataDir} cannot be written (${reason}): make it writable or set LASTUNIT_DATA_DIR to another.`,
    { cause },
  );
}

async function acquire(dataDir: string, path: string, mine: string): Promise<void> {
  for (let takeovers = 0; takeovers <= takeoversMax; takeovers++) {
    if (create(path, mine)) {
      if (takeovers === 0) return;
      await sleep(settleMs);
      if (read(path) === mine) return;
    }
    const held = read(path);
    if (held === undefined) continue; // released since
    const pid = livingHolder(held);
    if (pid !== undefined) throw inUse(dataDir, pid);
    moveAway(path, held);
  }
  throw inUse(dataDir, undefined);
}

/** Makes the lock with its content, or reports that there is one. */
function create(path: string, content: string): boolean {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

function moveAway(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // another starter was quicker
  }
  try {
    if (read(aside) !== stale) linkSync(aside, path);
  } catch {
    // A third starter has made a lock meanwhile; the one whose lock this was will read it again.
  }
  unlinkSync(aside);
}

function livingHolder(content: string): number | undefined {
  try {
    const { pid, start } = JSON.parse(content) as { pid: number; start: string };
    return processStart(pid) === start ? pid : undefined;
  } catch {
    return undefined; // unreadable: written by nobody we know, so held by nobody
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function inUse(dataDir: string, pid: number | undefined): EmbeddedServerError {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return new EmbeddedServerError(
    'data_dir_in_use',
    `The data directory ${dataDir} is in use by another lastunit (${who}): stop it or set LASTUNIT_DATA_DIR to another.`,
  );
}
