// Step 1 of reconciliation: which entries a snapshot contains.

import { describe, expect, test } from 'vitest';
import { classify } from '../../../src/domain/reconciliation/classify.ts';
import { lane, minute, moved, readAt } from './line.ts';

describe('by lag alone, with 30 minutes of lag and 1 of skew', () => {
  test.each([
    ['long before', 60, 'in'],
    ['just early enough', 69, 'in'],
    ['a minute too late to be certain', 70, 'uncertain'],
    ['while the snapshot was read', 105, 'uncertain'],
    ['after it, but within the skew', 111, 'uncertain'],
    ['certainly after it', 112, 'out'],
  ] as const)('a sale %s is %s', (_when, at, expected) => {
    expect(classify(moved(-1, at), readAt(100, 110), lane)).toBe(expected);
  });

  test('a fact that was recorded late counts from when it happened', () => {
    const late = moved(-1, 20, { recordedAtMs: 200 * minute });
    expect(classify(late, readAt(100), lane)).toBe('in');
  });

  test('a lane that posts what we record cannot have posted what we had not recorded', () => {
    const late = moved(-1, 20, { recordedAtMs: 200 * minute });
    expect(classify(late, readAt(100), { ...lane, lagFrom: 'recording' })).toBe('out');
  });
});

describe('by acknowledgement', () => {
  test.each([
    ['before the window', 99, 'in'],
    ['as it began', 100, 'in'],
    ['within the window', 105, 'uncertain'],
    ['after it', 111, 'out'],
  ] as const)('a document posted %s is %s, whatever the lag', (_when, postedAt, expected) => {
    const entry = moved(-1, 98, { postedAtMs: postedAt * minute });
    expect(classify(entry, readAt(100, 110), lane)).toBe(expected);
  });

  test('a missing acknowledgement proves nothing', () => {
    expect(classify(moved(-1, 98), readAt(100), lane)).toBe('uncertain');
  });
});

test('an acknowledgement without a time proves that it was posted by then, and nothing else', () => {
  const entry = (postedBy: number) => moved(-1, 98, { postedByMs: postedBy * minute });
  expect(classify(entry(99), readAt(100, 110), lane)).toBe('in');
  expect(classify(entry(120), readAt(100, 110), lane)).toBe('uncertain');
});

test('a time up to which a lane had been posted says nothing of what is later', () => {
  const window = { ...readAt(100), postedThrough: new Map([['web', 98 * minute]]) };
  expect(classify(moved(-1, 98), window, lane)).toBe('in');
  expect(classify(moved(-1, 99), window, lane)).toBe('uncertain');
  expect(classify(moved(-1, 98, { lane: 'pos' }), window, lane)).toBe('uncertain');
});

describe('by watermark', () => {
  const window = readAt(100, 110, { web: { throughMs: 95 * minute }, pos: { throughSeq: 7 } });

  test('what lies below it is in, what lies above it is out', () => {
    expect(classify(moved(-1, 95), window, lane)).toBe('in');
    expect(classify(moved(-1, 96), window, lane)).toBe('out');
    expect(classify(moved(-1, 99, { lane: 'pos', seq: 7 }), window, lane)).toBe('in');
    expect(classify(moved(-1, 40, { lane: 'pos', seq: 8 }), window, lane)).toBe('out');
  });

  test('in a lane that does not post in order, what lies above it is uncertain', () => {
    const unordered = { ...lane, postsInOrder: false };
    expect(classify(moved(-1, 96), window, unordered)).toBe('uncertain');
    expect(classify(moved(-1, 112), window, unordered)).toBe('out');
  });

  test('it says nothing of other lanes', () => {
    expect(classify(moved(-1, 94, { lane: 'wms' }), window, lane)).toBe('uncertain');
  });
});

test('our own corrections are in: the number that they aimed at rests on the same goods', () => {
  expect(classify(moved(-3, 500, { correction: true }), readAt(100), lane)).toBe('in');
});
