// The judge itself: it accepts what was recorded, and rejects every history that was corrupted on purpose.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Attempt } from './history.ts';
import { type Judgement, judge } from './linearizability.ts';

const folder = fileURLToPath(new URL('./histories/', import.meta.url));

/** The first line says what was done to the history; every other one is an attempt. */
interface Kept {
  readonly name: string;
  readonly why: string;
  readonly verdict: Judgement['kind'];
  readonly attempts: readonly Attempt[];
}

const kept: readonly Kept[] = readdirSync(folder).map((file) => {
  const [head = '', ...lines] = readFileSync(folder + file, 'utf8')
    .trim()
    .split('\n');
  return {
    name: file.replace('.jsonl', ''),
    ...(JSON.parse(head) as Pick<Kept, 'why' | 'verdict'>),
    attempts: lines.map((line) => JSON.parse(line) as Attempt),
  };
});

test('at least twenty corrupted histories are kept', () => {
  expect(kept.filter(({ verdict }) => verdict === 'impossible').length).toBeGreaterThanOrEqual(20);
});

test.each(kept)('$name is $verdict: $why', ({ verdict, attempts }) => {
  expect(judge(attempts).kind).toBe(verdict);
});
