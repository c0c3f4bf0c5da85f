/** One file from its bytes to what became of it; what `lastunit import` and the demo have in common. */

import type { Client } from '../../client/index.ts';
import { createImportRecords } from '../../nats/import-records.ts';
import { failure } from '../exit.ts';
import type { Session } from '../session.ts';
import { type Applied, applyRows, ImportConflictError } from './apply.ts';
import { type ImportRecord, type ImportVerb, importKey } from './record.ts';
import { type BadRow, readRows } from './rows.ts';

export interface ImportFileOptions {
  readonly content: Uint8Array;
  /** For the record. */
  readonly file: string;
  readonly as: ImportVerb;
  readonly channel: string;
  /** Another text makes it another import of the same file. Default: empty. */
  readonly again?: string;
  readonly client: Client;
  readonly session: Session;
  readonly progress: (done: number, rows: number) => void;
}

export interface Imported extends Applied {
  readonly rows: number;
  /** Rows that could not be used, in order of their lines. */
  readonly bad: readonly BadRow[];
}

export async function importFile(options: ImportFileOptions): Promise<Imported> {
  const { content, file, as, channel, client, session } = options;
  const { rows, bad } = readRows(content, as === 'receive' ? 1 : 0);
  try {
    const applied = await applyRows({
      key: importKey(content, as, channel, options.again ?? ''),
      file,
      as,
      channel,
      rows,
      client,
      records: await createImportRecords<ImportRecord>(session.api, session.names),
      hasHappened: (sku, id) => hasHappened(session, sku, id),
      now: () => Date.now(),
      progress: (done) => options.progress(done, rows.length),
    });
    const all = [...bad, ...applied.refused].sort((a, b) => a.line - b.line);
    return { ...applied, rows: rows.length + bad.length, bad: all, refused: applied.refused };
  } catch (error) {
    throw error instanceof ImportConflictError ? failure(error.message) : error;
  }
}

async function hasHappened({ read }: Session, sku: string, id: string): Promise<boolean> {
  let found = false;
  await read.history(sku, (event) => {
    if (event.command === id) found = true;
  });
  return found;
}
