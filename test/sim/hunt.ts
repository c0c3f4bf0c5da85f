/** Searches seeds until one fails, and prints what it found as JSON: what `mutate.ts` runs. */

import { simulate } from './simulate.ts';

const [from = '1', count = '1', ...flags] = process.argv.slice(2);
const options = {
  // A broken node may run in circles: then the seed has noticed, too.
  stepsMax: 400_000,
  erp: flags.includes('--erp'),
};
const known = flags.find((flag) => flag.startsWith('--known='))?.slice('--known='.length);
const seeds = Array.from({ length: Number(count) }, (_, index) => Number(from) + index);
if (known !== undefined) seeds.unshift(Number(known));

const found: { seeds: number; noticed: number; first?: number; failure?: unknown } = {
  seeds: 0,
  noticed: 0,
};
for (const seed of seeds) {
  const result = await simulate(seed, options);
  found.seeds += 1;
  if (result.failures.length === 0) continue;
  found.noticed += 1;
  found.first ??= seed;
  found.failure ??= result.failures[0];
  if (!flags.includes('--all')) break;
}
console.log(JSON.stringify(found));
process.exit(0);
