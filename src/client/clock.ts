/** Time for deadlines: monotonic, because the wall clock may jump. Its zero means nothing. */

import type { Clock } from '../ports.ts';

export const monotonicClock: Clock = {
  now: () => performance.now(),
  after(ms, ring) {
    const timer = setTimeout(ring, ms);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
