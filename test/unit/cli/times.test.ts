// Times and durations as people type them.

import { describe, expect, test } from 'vitest';
import { parseDuration, parseTime, showDuration, showTime } from '../../../src/cli/times.ts';

const nowMs = Date.parse('2026-11-24T12:00:00Z');

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['90s', 90_000],
    ['15m', 900_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['2h30m', 9_000_000],
    ['1.5h', 5_400_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['15', '', 'soon', '5 minutes', '-5m', '5m!', 'm'])(
    '%j is none, and says so',
    (text) => {
      expect(() => parseDuration(text)).toThrow(/unit/);
    },
  );

  test('are shown by their two largest units', () => {
    expect(showDuration(340)).toBe('340ms');
    expect(showDuration(65_000)).toBe('1m 5s');
    expect(showDuration(90_061_000)).toBe('1d 1h');
  });
});

describe('times', () => {
  test.each([
    ['2026-11-24T10:30:00Z', '2026-11-24T10:30:00Z'],
    ['2026-11-24T10:30:00+02:00', '2026-11-24T08:30:00Z'],
    ['10m ago', '2026-11-24T11:50:00Z'],
    ['-10m', '2026-11-24T11:50:00Z'],
    ['1h 30m ago', '2026-11-24T10:30:00Z'],
    ['now', '2026-11-24T12:00:00Z'],
  ])('%s is %s', (text, iso) => {
    expect(parseTime(text, nowMs)).toBe(Date.parse(iso));
  });

  test('milliseconds since the epoch are taken as they are', () => {
    expect(parseTime('1794900000000', nowMs)).toBe(1_794_900_000_000);
  });

  test('without a zone they are local, a date alone is its midnight', () => {
    expect(parseTime('2026-11-24 10:30', nowMs)).toBe(new Date(2026, 10, 24, 10, 30).getTime());
    expect(parseTime('2026-11-24', nowMs)).toBe(new Date(2026, 10, 24).getTime());
    expect(showTime(new Date(2026, 10, 24, 9, 5, 7, 8).getTime())).toBe('2026-11-24 09:05:07.008');
  });

  test.each(['yesterday', '24.11.2026', '2026-13-45T10:00:00Z', '', '10 apples ago'])(
    '%j is none, and says how to write one',
    (text) => {
      expect(() => parseTime(text, nowMs)).toThrow();
    },
  );
});
