// The worlds that reconciliation policies are compared in: they know nothing of us, and break the settings that
// policies are told.

import { expect, test } from 'vitest';
import { faultsOf, type QualityResult } from '../../bench/reconcile-quality/run.ts';
import { createWorld } from '../../bench/reconcile-quality/world.ts';
import { sourceFiles } from '../../support/source-text.ts';

test('what makes the worlds imports nothing but itself', () => {
  const own = ['world.ts', 'twin.ts', 'random.ts'].map(
    (name) => `test/bench/reconcile-quality/${name}`,
  );
  const files = sourceFiles('test/bench/reconcile-quality').filter(({ path }) =>
    own.includes(path),
  );
  expect(files).toHaveLength(own.length);
  const imported = files.flatMap(({ imports }) =>
    imports.map(({ path, specifier }) => path ?? specifier),
  );
  expect(imported.filter((path) => !own.includes(path))).toEqual([]);
});

test('at least 2 % of the postings are later than policies are told', () => {
  for (const seed of [1, 2, 3]) expect(createWorld(seed).lateShare).toBeGreaterThanOrEqual(0.02);
});

test('a comparison that is too kind, or lost, has faults', () => {
  const seed = (lateShare: number, oversold: number, harmfulShare: number) => ({
    ...{ seed: 7, lateShare },
    policies: [{ oversold: 100 }, { oversold: 90 }, { oversold, harmfulShare }],
  });
  const faults = (...of: Parameters<typeof seed>) =>
    faultsOf({ seeds: [seed(...of)] } as unknown as QualityResult);
  expect(faults(0.03, 89, 0.049)).toEqual([]);
  expect(faults(0.01, 90, 0.05)).toEqual([
    'seed 7: only 1.0 % of the postings are late',
    'seed 7: oversold 90, another policy 90',
    'seed 7: 5.0 % of the corrections are harmful',
  ]);
});
