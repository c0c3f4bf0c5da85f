/** A mutation is noticed: by the seed that is known to, or else by one of the first. */

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { hunt } from './mutate.ts';
import type { Mutation } from './mutations.ts';

const seedsMax = 300;

export const knownSeeds = JSON.parse(
  readFileSync(new URL('./known-seeds.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, number>>;

export async function expectNoticed(mutation: Mutation): Promise<void> {
  const seeds = { from: 1, count: seedsMax, tryFirst: knownSeeds[mutation.name] };
  const { first, failure } = await hunt(mutation, seeds);
  expect(first ?? failure?.checker).toBeDefined();
}
