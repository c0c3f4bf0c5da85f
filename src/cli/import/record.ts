/**
 * What is remembered of an import, so that repeating it does nothing twice: under the hash of the file's content and
 * what it was imported as. Command ids alone would not do: they are remembered for minutes, a file is repeated for
 * years.
 */

import { createHash } from 'node:crypto';

export type ImportVerb = 'receive' | 'count';

export interface ImportRecord {
  readonly file: string;
  readonly as: ImportVerb;
  readonly channel: string;
  readonly rows: number;
  /** The first so many rows have been answered. */
  readonly doneRows: number;
  /** When the rows behind those were sent for the first time; they are always sent with this time. */
  readonly sentAtMs: number;
  readonly startedAtMs: number;
  /** 0: not finished. */
  readonly finishedAtMs: number;
}

/** Where records are kept; writing is compare-and-set, so that of two imports of one file only one goes on. */
export interface ImportRecords {
  read(
    key: string,
  ): Promise<{ readonly record: ImportRecord; readonly revision: number } | undefined>;
  /** The new revision; undefined: somebody else has written meanwhile. */
  write(key: string, record: ImportRecord, expect: number): Promise<number | undefined>;
}

const hashLength = 24;

/** Names an import; the ids of its commands begin with it. */
export function importKey(
  content: Uint8Array,
  as: ImportVerb,
  channel: string,
  again: string,
): string {
  const hash = createHash('sha256').update(content).update(`\0${as}\0${channel}\0${again}`);
  return hash.digest('hex').slice(0, hashLength);
}

/** Id of the command for the row at a line. The same file gives the same ids. */
export function rowId(key: string, line: number): string {
  return `import.${key}.${line}`;
}
