/**
 * Finds and reads the configuration file: `LASTUNIT_CONFIG`, else `config/lastunit.json` in the
 * working directory, else the package's own.
 */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LastunitConfig } from './config.ts';
import { resolveConfig } from './resolve.ts';

export type Loaded =
  | {
      readonly path: string;
      readonly config: LastunitConfig;
      readonly problems?: undefined;
    }
  | {
      readonly path: string;
      readonly config?: undefined;
      /** One line each; a file that cannot be read is a problem like any other. */
      readonly problems: readonly string[];
    };

const fileInDirectory = join('config', 'lastunit.json');

/** Which file counts. A path in `LASTUNIT_CONFIG` is relative to `cwd`, and must exist. */
export function configPath(env: Readonly<Record<string, string | undefined>>, cwd: string): string {
  const named = env.LASTUNIT_CONFIG;
  if (named !== undefined && named !== '') return resolve(cwd, named);
  const own = join(cwd, fileInDirectory);
  return existsSync(own) ? own : join(packageRoot(), fileInDirectory);
}

export function loadConfig(env: Readonly<Record<string, string | undefined>>, cwd: string): Loaded {
  const path = configPath(env, cwd);
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { path, problems: [`cannot be read: ${why}`] };
  }
  return { path, ...resolveConfig(raw) };
}

/** The folder with our package.json, above the sources as well as above `dist`. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}
