// Step 0: which snapshots are not looked at.

import { describe, expect, test } from 'vitest';
import {
  defaultAdmissionLimits,
  refuseSnapshot,
  type SnapshotHeader,
  type SourceMemory,
} from '../../../src/domain/reconciliation/admission.ts';

const nowMs = Date.UTC(2026, 10, 24, 12);
const minutesAgo = (minutes: number) => nowMs - minutes * 60_000;

const good: SnapshotHeader = {
  snapshotId: 's-2',
  asOfFromMs: minutesAgo(6),
  asOfToMs: minutesAgo(5),
  complete: true,
  lines: 1_000,
  refusedLines: 0,
  watermarks: { web: { throughMs: minutesAgo(7) }, pos: {} },
};
const memory: SourceMemory = {
  seenIds: new Set(['s-1']),
  lastAsOfToMs: minutesAgo(15),
  lastLines: 1_000,
};

function reasonFor(header: Partial<SnapshotHeader>, of = memory) {
  return refuseSnapshot({ ...good, ...header }, of, defaultAdmissionLimits, nowMs)?.reason;
}

test('a newer snapshot of about the same size is admitted', () => {
  expect(reasonFor({})).toBeUndefined();
  expect(reasonFor({ lines: 951 })).toBeUndefined();
  expect(reasonFor({}, { seenIds: new Set() })).toBeUndefined();
});

describe('refused whole', () => {
  test.each<[string, Partial<SnapshotHeader>, string]>([
    ['seen before', { snapshotId: 's-1' }, 'duplicate'],
    [
      'not newer than the last',
      { asOfFromMs: minutesAgo(20), asOfToMs: minutesAgo(15) },
      'not_newer',
    ],
    ['a window that ends before it begins', { asOfFromMs: minutesAgo(1) }, 'window_invalid'],
    ['a time that is none', { asOfFromMs: Number.NaN }, 'window_invalid'],
    ['read in the future', { asOfToMs: nowMs + 6 * 60_000 }, 'in_the_future'],
    ['older than the ledger is kept', { asOfFromMs: minutesAgo(60 * 25) }, 'too_old'],
    [
      'a lane posted to a time after it was read',
      { watermarks: { pos: {}, web: { throughMs: minutesAgo(-55) } } },
      'watermark_invalid',
    ],
    ['empty', { lines: 0 }, 'empty'],
    ['fewer lines than it states', { statedLines: 1_001 }, 'line_count_wrong'],
    ['another content than its checksum', { statedChecksum: 'a', checksum: 'b' }, 'checksum_wrong'],
    ['more than 5 % smaller', { lines: 949 }, 'too_few_lines'],
    ['mostly unusable', { refusedLines: 501 }, 'too_many_refused_lines'],
  ])('%s', (_what, header, reason) => {
    expect(reasonFor(header)).toBe(reason);
  });

  test('a smaller one is admitted if it says that it is partial', () => {
    expect(reasonFor({ lines: 10, complete: false })).toBeUndefined();
  });
});
