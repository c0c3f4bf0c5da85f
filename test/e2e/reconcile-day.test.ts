// A day of a transactions file beside an ERP that errs: what `npm run reconcile-day` prints for a small day.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Finding } from '../../scripts/reconcile-day/judge.ts';
import { repoRoot } from '../support/source-text.ts';

const script = join(repoRoot, 'dist/scripts/reconcile-day.js');
const file = join(repoRoot, 'test/fixtures/busy-day.csv');

test('every planted divergence is found for what it is, and nothing else moves', async () => {
  const args = [script, file, '--day', '2026-03-14', '--seconds', '20', '--json'];
  const { status, out, err } = await new Promise<{ status: unknown; out: string; err: string }>(
    (resolve) => {
      execFile(process.execPath, args, (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : error.code, out: stdout, err: stderr });
      });
    },
  );
  expect(out, err).not.toBe('');
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  expect(findings.filter(({ isRight }) => !isRight)).toEqual([]);
  expect(findings.map(({ planted }) => planted.replace(/ \(.*/, ''))).toEqual([
    ...['lost posting', 'double posting', 'wrong unit: pieces posted as packs', 'shrinkage'],
    ...['shrinkage beyond the cap', 'wrong unit: a line in boxes', 'sales in flight'],
    ...['an export cut in half', 'nothing else', 'stock of every article', 'commands refused'],
    'audit',
  ]);
  expect(status).toBe(0);
});
