/** The other half of `mutations.test.ts`. */

import { afterAll, describe, test } from 'vitest';
import { cleanUp } from './mutate.ts';
import { mutations } from './mutations.ts';
import { expectNoticed } from './notice.ts';

afterAll(cleanUp);

describe('a node that breaks an invariant is noticed', () => {
  test.each(mutations.filter((_, index) => index % 2 === 1))('$invariant: $name', expectNoticed);
});
