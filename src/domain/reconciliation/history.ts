/**
 * Which snapshots are remembered of a line: those since it last agreed exactly, and that one. Nothing
 * older can matter, since a drift that is there now was not there then.
 */

import type { Verdict } from './assess.ts';
import type { Explained } from './explain.ts';
import type { Observation } from './ledger.ts';

export interface LineHistory {
  /** The newest observation that shows that the present drift had not begun. */
  readonly anchor?: Observation;
  /** Observations after it, oldest first. */
  readonly recent: readonly Observation[];
  /** What explains the drift that the line has shown since it last agreed exactly. */
  readonly explained?: Explained;
}

export const noHistory: LineHistory = { recent: [] };

/** What to assess: the remembered observations and the new one, oldest first. */
export function observationsOf(history: LineHistory, newest: Observation): readonly Observation[] {
  const { anchor, recent } = history;
  return anchor === undefined ? [...recent, newest] : [anchor, ...recent, newest];
}

/** The history after `newest` has been assessed; at most `max` recent observations. */
export function remember(
  history: LineHistory,
  newest: Observation,
  verdict: Verdict,
  max: number,
): LineHistory {
  const { interval } = verdict;
  if (verdict.kind === 'agrees' && interval.lo === interval.hi)
    return { anchor: newest, recent: [] };
  const recent = [...history.recent, newest].slice(-max);
  const anchor = verdict.onset ?? history.anchor;
  const explained = verdict.explained ?? history.explained;
  return {
    recent,
    ...(anchor === undefined ? {} : { anchor }),
    ...(explained === undefined ? {} : { explained }),
  };
}
