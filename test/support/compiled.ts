// Compiles single sources into a temporary directory, for tests that need a process of their own to kill:
// Node 20 cannot run TypeScript, and integration tests must not depend on a build.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from './source-text.ts';

/**
 * Compiles a source with everything of ours that it imports.
 *
 * @param source path from the top of the repository, for example `src/nats/embedded-server.ts`.
 * @param folder an existing, temporary directory.
 * @returns the path of the JavaScript file. Packages cannot be imported from there.
 */
export function compileInto(folder: string, source: string): string {
  const config = join(folder, 'tsconfig.json');
  const settings = {
    extends: join(repoRoot, 'tsconfig.json'),
    compilerOptions: {
      rootDir: repoRoot,
      outDir: join(folder, 'out'),
      typeRoots: [join(repoRoot, 'node_modules/@types')],
      declaration: false,
      sourceMap: false,
    },
    include: [],
    files: [join(repoRoot, source)],
  };
  writeFileSync(config, JSON.stringify(settings));
  // The files are ES modules, as the repository's package.json says of their originals.
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  execFileSync(
    process.execPath,
    [join(repoRoot, 'node_modules/typescript/bin/tsc'), '-p', config],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  return join(folder, 'out', source.replace(/\.ts$/, '.js'));
}
