/** Searches seeds until one fails, and prints what it found as JSON: what `mutate.ts` runs. */

import { simulate } from './simulate.ts';

const [from = '1', count = '1', all] = process.argv.slice(2);
const found: { seeds: number; noticed: number; first?: number; failure?: unknown } = {
  seeds: 0,
  noticed: 0,
};
for (let seed = Number(from); seed < Number(from) + Number(count); seed++) {
  // A broken node may run in circles: then the seed has noticed, too.
  const result = await simulate(seed, { stepsMax: 400_000 });
  found.seeds += 1;
  if (result.failures.length === 0) continue;
  found.noticed += 1;
  found.first ??= seed;
  found.failure ??= result.failures[0];
  if (all === undefined) break;
}
console.log(JSON.stringify(found));
process.exit(0);
