/** The simulator is worth what it notices: each mutation must make a seed fail. */

import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, hunt } from './mutate.ts';
import { mutations } from './mutations.ts';

const seedsMax = 300;

afterAll(cleanUp);

describe('a node that breaks an invariant is noticed', () => {
  test.each(mutations)('$invariant: $name', async (mutation) => {
    const { first, failure } = await hunt(mutation, { from: 1, count: seedsMax });
    expect(first ?? failure?.checker).toBeDefined();
  });
});
