/**
 * Runs a mutation: compiles everything once into a folder of its own, changes a copy, and searches with
 * the copy in a process of its own. The folder lies where packages are found from.
 */

import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Mutation, mutations } from './mutations.ts';

const root = process.cwd();
const cache = join(root, 'node_modules/.cache/lastunit-mutants', String(process.pid));
const base = join(cache, 'base');
let isCompiled = false;

/** A mutant that hangs has been noticed. */
const huntMaxMs = 10 * 60_000;

export interface Hunt {
  readonly seeds: number;
  readonly noticed: number;
  /** First seed that noticed. */
  readonly first?: number;
  readonly failure?: { readonly checker: string; readonly what: string };
}

/** Compiles without checking: that is somebody else's job. */
function compileOnce(): void {
  if (isCompiled) return;
  const options = ['--noCheck', '--declaration', 'false', '--sourceMap', 'false'];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', root, '--outDir', base, ...options]);
  writeFileSync(join(cache, 'package.json'), '{"type": "module"}');
  isCompiled = true;
}

/** Removes everything that was compiled here. */
export function cleanUp(): void {
  rmSync(cache, { recursive: true, force: true });
  isCompiled = false;
}

/** Makes the changed copy and answers its folder. */
export function makeMutant(mutation: Mutation): string {
  compileOnce();
  const folder = join(cache, String(mutations.indexOf(mutation)));
  for (const part of ['src', 'actors', 'test/sim']) {
    mkdirSync(join(folder, part), { recursive: true });
    cpSync(join(base, part), join(folder, part), { recursive: true });
  }
  for (const { file, find, replace } of mutation.edits) {
    const path = join(folder, `${file}.js`);
    const text = readFileSync(path, 'utf8');
    if (text.split(find).length !== 2) {
      throw new Error(`${mutation.name}: ${file} does not have this once any more: ${find}`);
    }
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
  }
  return folder;
}

/** Searches with the mutant; `all`: does not stop at the first seed that notices. */
export async function hunt(
  mutation: Mutation,
  seeds: { readonly from: number; readonly count: number; readonly tryFirst?: number | undefined },
  all = false,
): Promise<Hunt> {
  const folder = makeMutant(mutation);
  const args = [join(folder, 'test/sim/hunt.js'), String(seeds.from), String(seeds.count)];
  if (mutation.erp) args.push('--erp');
  if (all) args.push('--all');
  else if (seeds.tryFirst !== undefined) args.push(`--known=${seeds.tryFirst}`);
  const run = promisify(execFile)(process.execPath, args, {
    maxBuffer: 64_000_000,
    timeout: huntMaxMs,
  });
  const stdout = await run.then(
    (done) => done.stdout,
    (error: { killed?: boolean }) => {
      if (error.killed !== true) throw error;
      const failure = { checker: 'hang', what: 'a node never gave way again' };
      return JSON.stringify({ seeds: 1, noticed: 1, failure });
    },
  );
  rmSync(folder, { recursive: true, force: true });
  return JSON.parse(stdout) as Hunt;
}
