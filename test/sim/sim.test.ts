/**
 * A few hundred seeds within a minute, and every seed that ever failed. Which ones is fixed, so that a
 * failure here is a change's doing; `npm run sim -- --minutes M` looks for new ones.
 */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { complaint, expectWell } from './batch.ts';
import type { Plan } from './plan.ts';
import { simulate } from './simulate.ts';

interface KeptSeed {
  readonly seed: number;
  /** What went wrong when it was found. */
  readonly why: string;
  /** Found when no ERP was drawn, or when one was asked for. */
  readonly erp?: boolean;
  /** What was not drawn when it was found. */
  readonly plan?: Partial<Plan>;
}

const kept = JSON.parse(
  readFileSync(new URL('./seeds.json', import.meta.url), 'utf8'),
) as readonly KeptSeed[];

describe('seeds that failed once', () => {
  test.each(kept)('seed $seed: $why', async ({ seed, erp, plan = {} }) => {
    expect(complaint(await simulate(seed, { erp, plan }))).toEqual([]);
  });
});

describe('no schedule of faults breaks a promise', () => {
  test.each([1, 21, 41, 61, 81])('seeds from %i', (from) => expectWell(from, 20));
});

describe('a seed says everything', () => {
  test.each([false, true])('the same seed gives the same trace twice, ERP: %s', async (erp) => {
    const first = await simulate(4, { erp });
    const second = await simulate(4, { erp });
    expect(second.hash).toBe(first.hash);
    expect(second.steps).toBe(first.steps);
  });

  test('another seed gives another trace', async () => {
    expect((await simulate(5)).hash).not.toBe((await simulate(6)).hash);
  });
});
