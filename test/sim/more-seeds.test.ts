/** The other half of the seeds: two files run at a time. */

import { describe, test } from 'vitest';
import { expectWell } from './batch.ts';

describe('no schedule of faults breaks a promise', () => {
  test.each([151, 181, 211, 241, 271])('seeds from %i', (from) => expectWell(from, 30));
});
