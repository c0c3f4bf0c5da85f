// Slots: how many may be under way, who is next, and that nobody gets one while they are closed.

import { expect, test } from 'vitest';
import { Slots } from '../../../src/runtime/slots.ts';

/** Takes a slot and notes when it is had. */
function taker(slots: Slots, had: string[]) {
  return async (name: string) => {
    await slots.acquire();
    had.push(name);
  };
}

test('no more are under way than there are slots, and the first who waits is next', async () => {
  const slots = new Slots(2);
  const had: string[] = [];
  const take = taker(slots, had);
  const all = ['a', 'b', 'c', 'd'].map(take);
  await Promise.all(all.slice(0, 2));
  expect(had).toEqual(['a', 'b']);
  slots.release();
  await all[2];
  expect(had).toEqual(['a', 'b', 'c']);
  slots.release();
  await all[3];
  expect(had).toEqual(['a', 'b', 'c', 'd']);
});

test('closed slots are given to nobody until they are opened again', async () => {
  const slots = new Slots(1);
  const had: string[] = [];
  slots.close();
  const waiting = taker(slots, had)('a');
  await Promise.resolve();
  expect(had).toEqual([]);
  slots.open();
  await waiting;
  expect(had).toEqual(['a']);
});
