// Keeps what the clients of a failed run told, to be looked at and to become a test.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attempt } from './history.ts';

/** Says where the history lies. */
export function keepHistory(attempts: readonly Attempt[]): string {
  const file = join(mkdtempSync(join(tmpdir(), 'lastunit-chaos-')), 'history.json');
  writeFileSync(file, `[\n${attempts.map((attempt) => JSON.stringify(attempt)).join(',\n')}\n]\n`);
  return `history kept in ${file}`;
}
