// Reads the project's sources as text, for tests about the code itself. TypeScript 7 has no compiler
// API, so imports are found by their text; comments are removed first, so that prose is not code.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the repository. */
export const repoRoot = fileURLToPath(new URL('../..', import.meta.url));

/** One import of a file: what it names, and where that is in the repository if it is a file of ours. */
export interface Import {
  /** As written: `../domain/state.ts`, `xstate`, `node:fs`. */
  readonly specifier: string;
  /** Path from the top of the repository for relative imports, else undefined. */
  readonly path: string | undefined;
  /** `import type …` or `export type … from`, which leaves nothing in the compiled file. */
  readonly typeOnly: boolean;
}

/** One source file with its comments removed, and what it imports. */
export interface SourceFile {
  /** Path from the top of the repository, with `/`. */
  readonly path: string;
  /** The text as it stands. */
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

/** Every TypeScript file below the given folders, in order of path. Folders that do not exist are empty. */
export function sourceFiles(...folders: string[]): SourceFile[] {
  return folders
    .flatMap((folder) => filesBelow(join(repoRoot, folder)))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readSourceFile(relative(repoRoot, file).split(sep).join('/')))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Every file below a folder, as absolute paths; none if the folder does not exist. */
export function filesBelow(folder: string): string[] {
  let entries: import('node:fs').Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function readSourceFile(path: string): SourceFile {
  const text = readFileSync(join(repoRoot, path), 'utf8');
  const code = withoutComments(text);
  return { path, text, code, imports: importsOf(path, code) };
}

/** Removes comments but keeps strings and templates, in which `//` is not a comment. */
function withoutComments(text: string): string {
  const token =
    /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
  return text.replace(token, (match) => (match.startsWith('/') ? ' ' : match));
}

function importsOf(path: string, code: string): Import[] {
  const found: Import[] = [];
  const statement =
    /^\s*(?:import|export)\s+(type\s+)?(?:[\w*{][^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
  for (const match of code.matchAll(statement)) {
    found.push(resolveImport(path, match[2]!, match[1] !== undefined));
  }
  for (const match of code.matchAll(/\b(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    found.push(resolveImport(path, match[1]!, false));
  }
  return found;
}

function resolveImport(from: string, specifier: string, typeOnly: boolean): Import {
  const isOurs = specifier.startsWith('.');
  const path = isOurs ? posix.normalize(posix.join(dirname(from), specifier)) : undefined;
  return { specifier, path, typeOnly };
}
