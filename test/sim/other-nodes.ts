/** Finds other versions of Node on this machine: named in `NODE_BINARIES` (separated as in PATH), or on the PATH. */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface OtherNode {
  readonly path: string;
  /** As in `v22.1.0`. */
  readonly version: string;
}

/** Every version newer than the one that runs now, once. */
export function newerNodes(environment: Readonly<Record<string, string | undefined>>): OtherNode[] {
  const { NODE_BINARIES = '', PATH = '' } = environment;
  const onPath = PATH.split(delimiter)
    .filter((folder) => folder !== '' && existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => /\/node(?:js)?[-.]?\d*$/.test(path));
  const found = new Map<string, OtherNode>();
  for (const path of [...NODE_BINARIES.split(delimiter), ...onPath]) {
    if (path === '' || !existsSync(path)) continue;
    const version = versionOf(realpathSync(path));
    if (version !== undefined && isNewer(version)) found.set(version, { path, version });
  }
  return [...found.values()];
}

function versionOf(path: string): string | undefined {
  try {
    const version = execFileSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 }).trim();
    return /^v\d+\.\d+\.\d+/.test(version) ? version : undefined;
  } catch {
    return undefined;
  }
}

function isNewer(version: string): boolean {
  const major = (text: string) => Number(/^v(\d+)/.exec(text)?.[1]);
  return major(version) > major(process.version);
}
