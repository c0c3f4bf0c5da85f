/**
 * A directory into which exports are dropped; it is watched. They are taken one by one, first name
 * first, and moved to `done` or `failed` afterwards, with what lies beside them; names in `failed` get
 * a `.why.txt`.
 * Files that are being written under another name (a dot in front, `.tmp`, `.part`) are not seen.
 */

import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { ErpFetch, ErpSource } from '../ports.ts';
import { ErpSourceError } from '../ports.ts';
import { type ContentSettings, snapshotOf } from './content.ts';
import { DirectoryWatch } from './directory-watch.ts';
import { besideSuffixes, readBeside } from './file-beside.ts';
import { type FileLimits, readSettledFile, windowOf } from './settled-file.ts';

export interface DirectorySettings {
  readonly path: string;
  readonly content: Omit<ContentSettings, 'format'>;
  readonly limits: FileLimits;
  /** An export that does not say when it was read began at most so long before it was finished. */
  readonly exportTakesMs: number;
}

export function createDirectorySource(
  name: string,
  settings: DirectorySettings,
  nowMs: () => number,
): ErpSource {
  const { path, limits, exportTakesMs } = settings;
  let current: string | undefined;
  let watching: DirectoryWatch | undefined;

  const moveTo = async (folder: 'done' | 'failed', file: string) => {
    await mkdir(join(path, folder), { recursive: true });
    // A name may come again: it must not overwrite what was done before.
    const target = `${new Date(nowMs()).toISOString().replace(/[:.]/g, '-')}-${file}`;
    for (const suffix of besideSuffixes) {
      await rename(join(path, file + suffix), join(path, folder, target + suffix)).catch(() => {});
    }
    await rename(join(path, file), join(path, folder, target));
    return join(path, folder, target);
  };

  const fetchFile = async (file: string): Promise<ErpFetch> => {
    const full = join(path, file);
    const settled = await readSettledFile(full, limits, nowMs);
    if (settled === 'absent' || settled === 'growing') {
      watching?.tellAgain();
      return { kind: 'none', why: settled };
    }
    current = file;
    const { metadata: beside, isVerified: isWhole } = await readBeside(full, settled.bytes, nowMs);
    const asOf = windowOf(settled, exportTakesMs);
    const format = extname(file) === '.json' ? 'json' : 'csv';
    const content: ContentSettings = { ...settings.content, format };
    // The same name and content again is a file that was copied, not another reading of the stock.
    const snapshot = snapshotOf(settled.bytes, content, {
      occasion: file,
      ...asOf,
      beside,
      isWhole,
    });
    return { kind: 'snapshot', snapshot };
  };

  return {
    name,
    async fetch() {
      current = undefined;
      watching?.begin();
      const file = (await exportsIn(path))[0];
      if (file === undefined) return { kind: 'none', why: 'absent' };
      try {
        return await fetchFile(file);
      } catch (error) {
        if (!(error instanceof ErpSourceError) || !error.isFinal) throw error;
        current = undefined;
        const failed = await moveTo('failed', file);
        await writeFile(`${failed}.why.txt`, `${error.code}: ${error.message}\n`);
        watching?.tellAgain();
        throw error;
      }
    },
    async settle(outcome) {
      if (current === undefined || outcome === 'later') return;
      const file = current;
      current = undefined;
      await moveTo(outcome === 'compared' ? 'done' : 'failed', file);
      watching?.tellAgain();
    },
    onArrival(arrived) {
      watching = new DirectoryWatch(path, limits.settleMs, () => exportsIn(path), arrived);
      watching.begin();
      return { unsubscribe: () => watching?.end() };
    },
    async close() {
      watching?.end();
    },
  };
}

/** Names of the exports that lie in the directory, first the one to take first. */
async function exportsIn(path: string): Promise<string[]> {
  let entries: Awaited<ReturnType<typeof readEntries>>;
  try {
    entries = await readEntries(path);
  } catch (cause) {
    throw new ErpSourceError('unreachable', `cannot read ${path}`, { isFinal: false, cause });
  }
  return entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .filter((file) => ['.csv', '.txt', '.json'].includes(extname(file)))
    .filter((file) => !besideSuffixes.some((suffix) => file.endsWith(suffix)))
    .sort();
}

function readEntries(path: string) {
  return readdir(path, { withFileTypes: true });
}
