// Starts one of the tests' own programs as a process. From TypeScript it is compiled first, into a folder where the
// packages can be found; from a build it lies beside.

import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileInto } from './compiled.ts';
import { repoRoot } from './source-text.ts';

export interface Runner {
  /** Starts it with `options` as JSON in its first argument. */
  start(options: object): ChildProcess;
  /** Removes what was compiled. */
  close(): void;
}

/** @param source path below `test`, for example `support/node-runner.ts`. */
export function createRunner(source: string): Runner {
  const isBuilt = import.meta.url.endsWith('.js');
  const folder = isBuilt ? undefined : temporaryFolder();
  const program =
    folder === undefined
      ? fileURLToPath(new URL(`../${source.replace(/\.ts$/, '.js')}`, import.meta.url))
      : compileInto(folder, `test/${source}`);
  return {
    start: (options) =>
      fork(program, [JSON.stringify(options)], {
        execArgv: ['--enable-source-maps'],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      }),
    close() {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function temporaryFolder(): string {
  const cache = join(repoRoot, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  return mkdtempSync(join(cache, 'lastunit-runner-'));
}

/** How a process ended, also when it has ended already. */
export function exitOf(
  child: ChildProcess,
): Promise<{ code: number | null; signal: string | null }> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  }
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
}
