/** XState's timers on our clock. */

import type { Clock, Timer } from '../ports.ts';

export function actorClock(clock: Clock) {
  const timers = new Map<number, Timer>();
  let last = 0;
  return {
    setTimeout(ring: (...args: never[]) => void, ms: number): number {
      last += 1;
      const id = last;
      const timer = clock.after(ms, () => {
        timers.delete(id);
        (ring as () => void)();
      });
      timers.set(id, timer);
      return id;
    },
    clearTimeout(id: number): void {
      timers.get(id)?.cancel();
      timers.delete(id);
    },
  };
}
