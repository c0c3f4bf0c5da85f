/**
 * No oversell, each id effective once, expiry never early, no hold both expired and confirmed,
 * conservation: the journal's events, judged one by one by the independent model.
 */

import { livesOf } from '../lives.ts';
import type { RunRecord } from '../run-record.ts';

export function checkRules(run: RunRecord): readonly string[] {
  return [...livesOf(run).bySku.values()].flatMap((life) => life.wrong);
}
