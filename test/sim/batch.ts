/** Batches of seeds for the tests, and what is said when one fails. */

import { expect } from 'vitest';
import { quickPlan } from './quick-plan.ts';
import { type SimResult, simulate } from './simulate.ts';

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
