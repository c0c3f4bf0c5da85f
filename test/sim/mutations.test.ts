/**
 * The simulator is worth what it notices: each mutation must make a seed fail. Where the first seeds do
 * not notice, or take long, one that is known to is tried first (`known-seeds.json`); what it does not
 * notice any more is looked for from the first seed on.
 */

import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, hunt } from './mutate.ts';
import { mutations } from './mutations.ts';

const seedsMax = 300;

const knownSeeds = JSON.parse(
  readFileSync(new URL('./known-seeds.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, number>>;

afterAll(cleanUp);

test('known seeds are of mutations that there are', () => {
  const names = mutations.map(({ name }) => name);
  expect(Object.keys(knownSeeds).filter((name) => !names.includes(name))).toEqual([]);
});

describe('a node that breaks an invariant is noticed', () => {
  test.each(mutations)('$invariant: $name', async (mutation) => {
    const seeds = { from: 1, count: seedsMax, tryFirst: knownSeeds[mutation.name] };
    const { first, failure } = await hunt(mutation, seeds);
    expect(first ?? failure?.checker).toBeDefined();
  });
});
