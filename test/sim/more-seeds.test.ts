/** The other half of the seeds: two files run at a time. */

import { describe, test } from 'vitest';
import { expectWell } from './batch.ts';

describe('no schedule of faults breaks a promise', () => {
  test.each([101, 121, 141, 161, 181])('seeds from %i', (from) => expectWell(from, 20));
});
