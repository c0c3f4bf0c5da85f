/** The search itself, on histories small enough to see. */

import { describe, expect, test } from 'vitest';
import { linearize, type Operation } from './linearizability/search.ts';

/** A register: writes change it, reads must see the latest. */
const write = (value: number, callMs: number, returnMs: number): Operation<number> => ({
  name: `write ${value}`,
  callMs,
  returnMs,
  hintMs: callMs,
  reads: false,
  apply: () => value,
});
const read = (value: number, callMs: number, returnMs: number): Operation<number> => ({
  name: `read ${value}`,
  callMs,
  returnMs,
  hintMs: callMs,
  reads: true,
  apply: (state) => (state === value ? state : undefined),
});
const kindOf = (...operations: Operation<number>[]) => linearize(operations, 0, String).kind;

describe('linearizability search', () => {
  test('accepts what happened one after another', () => {
    expect(kindOf(write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7))).toBe(
      'linearizable',
    );
  });

  test('accepts either order of what happened at the same time', () => {
    expect(kindOf(write(1, 0, 10), read(0, 1, 2), read(1, 3, 4))).toBe('linearizable');
    expect(kindOf(write(1, 0, 10), write(2, 0, 10), read(2, 11, 12))).toBe('linearizable');
    expect(kindOf(write(1, 0, 10), write(2, 0, 10), read(1, 11, 12))).toBe('linearizable');
  });

  test('rejects a read that sees the past', () => {
    expect(kindOf(write(1, 0, 1), read(0, 2, 3))).toBe('not linearizable');
  });

  test('rejects two reads that see two writes in opposite orders', () => {
    const writes = [write(1, 0, 10), write(2, 0, 10)];
    expect(kindOf(...writes, read(1, 11, 12), read(2, 13, 14))).toBe('not linearizable');
  });

  test('lets an operation without a return happen late', () => {
    const lost = write(1, 0, Number.POSITIVE_INFINITY);
    expect(kindOf(lost, read(0, 5, 6), read(1, 7, 8))).toBe('linearizable');
    expect(kindOf(lost, read(1, 5, 6), read(0, 7, 8))).toBe('not linearizable');
  });

  test('does not use up a change where it changes nothing', () => {
    // The first write of 1 may be needed after the write of 2.
    const late = write(1, 0, Number.POSITIVE_INFINITY);
    expect(kindOf(write(1, 0, 1), late, write(2, 2, 3), read(1, 4, 5))).toBe('linearizable');
  });

  test('names what it got stuck at', () => {
    const verdict = linearize([write(1, 0, 1), read(0, 2, 3)], 0, String);
    expect(verdict).toMatchObject({ kind: 'not linearizable', stuck: ['read 0'], placed: 1 });
  });
});
