// Exports in a temporary directory, for tests of sources and of whole reconciliations.

import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ErpFolder {
  readonly path: string;
  /** Writes a file that looks as if it had been finished `agoMs` ago. */
  write(name: string, content: string | Uint8Array, agoMs?: number): Promise<string>;
  remove(): Promise<void>;
}

export async function createErpFolder(): Promise<ErpFolder> {
  const path = await mkdtemp(join(tmpdir(), 'lastunit-erp-'));
  return {
    path,
    async write(name, content, agoMs = 60_000) {
      const file = join(path, name);
      await writeFile(file, content);
      const at = new Date(Date.now() - agoMs);
      await utimes(file, at, at);
      return file;
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
