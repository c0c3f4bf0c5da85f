/**
 * `npm run bench [-- --only a,b]`: runs the benchmarks of `test/bench`, one after the other, each
 * in a process of its own so that none warms the other up. Results go to `bench-results/<name>.json`.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const benches = fileURLToPath(new URL('../test/bench', import.meta.url));
const results = 'bench-results';

function known(): string[] {
  return readdirSync(benches, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(benches, entry.name, 'main.js')))
    .map((entry) => entry.name)
    .sort();
}

/** The names to run, or undefined after saying what is wrong. */
function wanted(args: readonly string[]): readonly string[] | undefined {
  const names = known();
  if (args[0] === undefined) return names;
  const chosen = args[0] === '--only' ? (args[1] ?? '').split(',') : [];
  const strangers = chosen.filter((name) => !names.includes(name));
  if (chosen.length > 0 && strangers.length === 0 && args.length === 2) return chosen;
  console.error(`usage: npm run bench [-- --only a,b]; there are: ${names.join(', ')}`);
  return undefined;
}

const chosen = wanted(process.argv.slice(2));
if (chosen === undefined) process.exitCode = 2;
for (const name of chosen ?? []) {
  mkdirSync(results, { recursive: true });
  console.log(`\n=== ${name}\n`);
  const main = join(benches, name, 'main.js');
  const { status } = spawnSync(process.execPath, [main, '--json', join(results, `${name}.json`)], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
