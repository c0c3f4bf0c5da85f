// After a scenario: is the journal what the callers were told, and does `lastunit audit` find anything.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Deployment } from './deployment.ts';
import { checkJournal, faultsOf, type JournalCheck } from './journal-check.ts';
import type { Receipts } from './receipts.ts';

export interface Verdict {
  readonly journal: JournalCheck;
  readonly faults: readonly string[];
  readonly auditSeconds: number;
}

const commandLine = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));

/** Checks everything that the deployment has kept. `auditOptions`: of `lastunit audit`. */
export async function verdictOn(
  deployment: Deployment,
  receipts: readonly Receipts[],
  auditOptions: readonly string[] = [],
): Promise<Verdict> {
  const words = ['audit', '--json', '--wait', '30s', ...auditOptions];
  const startedAt = performance.now();
  const [journal, { audit, auditSeconds }] = await Promise.all([
    checkJournal(deployment.api, deployment.names, receipts),
    runLastunit(deployment, words).then((ended) => ({
      audit: ended,
      auditSeconds: (performance.now() - startedAt) / 1_000,
    })),
  ]);
  const faults = faultsOf(journal);
  if (audit.status !== 0)
    faults.push(`audit: ${audit.errors.slice(0, 300) || audit.output.slice(0, 300)}`);
  return { journal, faults, auditSeconds };
}

export interface Ended {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs the command line against the deployment, with its configuration. */
export function runLastunit(deployment: Deployment, words: readonly string[]): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), 'lastunit-bench-cli-'));
  const config = join(folder, 'lastunit.json');
  writeFileSync(config, JSON.stringify(deployment.config));
  const env = { ...process.env, LASTUNIT_NATS_URL: deployment.url, LASTUNIT_CONFIG: config };
  return new Promise((resolve) => {
    const options = { env, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, [commandLine, ...words], options, (error, output, errors) => {
      rmSync(folder, { recursive: true, force: true });
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ status, output, errors });
    });
  });
}
