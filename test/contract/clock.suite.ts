/** What every clock does. */

import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/ports.ts';

export interface ClockHarness {
  readonly clock: Clock;
  elapse(ms: number): Promise<void>;
  close(): Promise<void>;
}

export function clockContract(name: string, make: () => Promise<ClockHarness>): void {
  describe(`clock contract: ${name}`, () => {
    test('timers ring once, in the order of their times, and not when cancelled', async () => {
      const { clock, elapse, close } = await make();
      const rung: string[] = [];
      clock.after(60, () => rung.push('late'));
      clock.after(10, () => rung.push('early'));
      const cancelled = clock.after(20, () => rung.push('cancelled'));
      cancelled.cancel();
      clock.after(0, () => rung.push('at once'));
      expect(rung).toEqual([]);
      await elapse(150);
      expect(rung).toEqual(['at once', 'early', 'late']);
      cancelled.cancel();
      await close();
    });

    test('time is in whole milliseconds and passes', async () => {
      const { clock, elapse, close } = await make();
      const before = clock.now();
      expect(Number.isInteger(before)).toBe(true);
      expect(before).toBeGreaterThan(1_000_000_000_000);
      await elapse(30);
      expect(clock.now() - before).toBeGreaterThanOrEqual(25);
      await close();
    });
  });
}
