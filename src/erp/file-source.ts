/**
 * One file that the ERP replaces: read when its content has changed since the last time.
 */

import type { ErpFetch, ErpSource } from '../ports.ts';
import { type ContentSettings, snapshotOf } from './content.ts';
import { readBeside } from './file-beside.ts';
import { type FileLimits, readSettledFile, windowOf } from './settled-file.ts';

export interface FileSettings {
  readonly path: string;
  readonly content: ContentSettings;
  readonly limits: FileLimits;
  /** An export that does not say when it was read began at most so long before it was finished. */
  readonly exportTakesMs: number;
}

export function createFileSource(
  name: string,
  settings: FileSettings,
  nowMs: () => number,
): ErpSource {
  const { path, content, limits, exportTakesMs } = settings;
  /** Time of the content that was fetched last, and of the one that was settled last. */
  let fetchedMs: number | undefined;
  let settledMs: number | undefined;

  return {
    name,
    async fetch(): Promise<ErpFetch> {
      fetchedMs = undefined;
      const file = await readSettledFile(path, limits, nowMs);
      if (file === 'absent' || file === 'growing') return { kind: 'none', why: file };
      if (file.modifiedAtMs === settledMs) return { kind: 'none', why: 'unchanged' };
      fetchedMs = file.modifiedAtMs;
      const { metadata: beside, isVerified: isWhole } = await readBeside(path, file.bytes, nowMs);
      // Written again with the same content, it is another reading of the stock.
      const occasion = String(file.modifiedAtMs);
      const asOf = windowOf(file, exportTakesMs);
      const snapshot = snapshotOf(file.bytes, content, { occasion, ...asOf, beside, isWhole });
      return { kind: 'snapshot', snapshot };
    },
    async settle(outcome) {
      if (outcome !== 'later') settledMs = fetchedMs;
    },
    async close() {},
  };
}
