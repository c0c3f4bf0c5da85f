/**
 * The simulator is worth what it notices: each mutation must make a seed fail. Where the first seeds do
 * not notice, or take long, one that is known to is tried first (`known-seeds.json`); what it does not
 * notice any more is looked for from the first seed on.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp } from './mutate.ts';
import { mutations } from './mutations.ts';
import { expectNoticed, knownSeeds } from './notice.ts';

afterAll(cleanUp);

test('known seeds are of mutations that there are', () => {
  const names = mutations.map(({ name }) => name);
  expect(Object.keys(knownSeeds).filter((name) => !names.includes(name))).toEqual([]);
});

describe('a node that breaks an invariant is noticed', () => {
  // The other half is in `more-mutations.test.ts`, for another processor.
  test.each(mutations.filter((_, index) => index % 2 === 0))('$invariant: $name', expectNoticed);
});
