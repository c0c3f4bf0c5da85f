// The common time, and the process that stood still.

import { expect, test } from 'vitest';
import type { Clock } from '../../../src/ports.ts';
import { NodeTime } from '../../../src/runtime/node-time.ts';
import { StallWatch } from '../../../src/runtime/stall-watch.ts';

function handClock() {
  let nowMs = 0;
  const timers: { atMs: number; ring: () => void }[] = [];
  const clock: Clock = {
    now: () => nowMs,
    after(ms, ring) {
      const timer = { atMs: nowMs + ms, ring };
      timers.push(timer);
      return { cancel: () => void timers.splice(timers.indexOf(timer), 1) };
    },
  };
  return {
    clock,
    /** The process freezes for so long: then whatever is due rings once. */
    jump(ms: number) {
      nowMs += ms;
      for (const timer of timers.splice(0)) {
        if (timer.atMs <= nowMs) timer.ring();
        else timers.push(timer);
      }
    },
  };
}

test('a clock within the round trip of the servers is left alone', () => {
  const { clock, jump } = handClock();
  jump(1_000);
  const time = new NodeTime(clock, 2_000);
  time.observe(1_003, 1_000, 1_008);
  expect(time.offsetMs).toBe(0);
  expect(time.now()).toBe(1_000);
});

test("a clock that is off follows the servers'", () => {
  const { clock, jump } = handClock();
  jump(1_000);
  const time = new NodeTime(clock, 2_000);
  time.observe(2_501, 1_000, 1_002);
  expect(time.now()).toBe(2_500);
  expect(time.trusted).toBe(true);
});

test('one bad clock among the servers moves nobody', () => {
  const { clock } = handClock();
  const time = new NodeTime(clock, 2_000);
  for (const serverMs of [0, 0, 120_000, 0, 0]) time.observe(serverMs, 0, 2);
  expect(time.offsetMs).toBe(0);
});

test('a clock too far off is not trusted', () => {
  const { clock } = handClock();
  const time = new NodeTime(clock, 2_000);
  time.observe(120_000, 0, 2);
  expect(time.trusted).toBe(false);
});

test('what came before a freeze is stale until the server has answered a ping', async () => {
  const { clock, jump } = handClock();
  let pong = () => {};
  const stalls: number[] = [];
  const watch = new StallWatch(clock, {
    stallMaxMs: 1_500,
    ping: () => new Promise((resolve) => (pong = resolve)),
    onStall: (lateMs) => stalls.push(lateMs),
  });
  watch.start();
  jump(100);
  expect(watch.stale()).toBe(false);
  jump(15_000);
  expect(stalls).toEqual([14_900]);
  expect(watch.stale()).toBe(true);
  pong();
  await Promise.resolve();
  await Promise.resolve();
  expect(watch.stale()).toBe(false);
});

test('the first message after a freeze is noticed even before any timer rings', () => {
  let nowMs = 0;
  const clock: Clock = { now: () => nowMs, after: () => ({ cancel() {} }) };
  const watch = new StallWatch(clock, {
    stallMaxMs: 1_500,
    ping: () => new Promise(() => {}),
    onStall: () => {},
  });
  watch.start();
  nowMs = 20_000;
  expect(watch.stale()).toBe(true);
});
