/** Seeds as the tests run them: a shorter day, so that a few hundred fit into a minute. */

import { expect } from 'vitest';
import { type SimResult, simulate } from './simulate.ts';

/** As `--quick` on the command line. */
export const quickPlan = { workMs: 9_000 };

/** What to do about it stands in the first line. */
export function complaint(result: SimResult, options = ''): string[] {
  return result.failures.map(
    ({ checker, what }) => `npm run sim -- --seed ${result.seed}${options}: ${checker}: ${what}`,
  );
}

export async function expectWell(from: number, count: number): Promise<void> {
  for (let seed = from; seed < from + count; seed++) {
    expect(complaint(await simulate(seed, { plan: quickPlan }), ' --quick')).toEqual([]);
  }
}
