/**
 * One line of one snapshot, judged: steps 1 to 6 in order. The verdict says what should happen; the
 * run decides whether it may (`judgeRun`).
 */

import {
  alsoExplained,
  type Explained,
  type Explanation,
  explain,
  type LineDocument,
  suspectsOf,
} from './explain.ts';
import type { ExpectedInterval } from './interval.ts';
import type { LaneBook } from './ledger.ts';
import {
  gapOf,
  type LineLedger,
  onsetOf,
  type Proof,
  proofOf,
  smallestDrift,
  streakOf,
} from './proofs.ts';
import type { ReconciliationRules } from './settings.ts';

/** What a line with drift comes to. */
export type VerdictKind =
  /** The ERP's number is possible. */
  | 'agrees'
  /** Drift within the tolerance. */
  | 'tolerated'
  /** Drift that a trouble of the postings explains: an alert. */
  | 'explained'
  /** Not proven often enough yet. */
  | 'waiting'
  /** Proven: to be applied. */
  | 'correct'
  /** Proven, but so large that a human decides. */
  | 'quarantine';

export interface Verdict {
  readonly kind: VerdictKind;
  /** What the newest snapshot proves. */
  readonly drift: number;
  readonly interval: ExpectedInterval;
  /** What to change by: the smallest amount proven; 0 unless `correct` or `quarantine`. */
  readonly delta: number;
  /** The snapshots that prove it, oldest first. */
  readonly snapshotIds: readonly string[];
  readonly explanation?: Explanation;
  /** Of `explained` lines: all explanations together, to be remembered. */
  readonly explained?: Explained;
  /** Of lines with drift: what may have to do with it, oldest first. */
  readonly suspects: readonly LineDocument[];
  /** The newest observation in which the drift was not there yet, if one is remembered. */
  readonly onset?: Proof;
}

/** What is to be judged: a line's ledger and observations, and what is known of it besides. */
export interface LineCase extends LineLedger {
  /** Units that a pack of this SKU may hold; instead of the rules' sizes. */
  readonly packSizes?: readonly number[];
  /** The explanations that its drift has had so far. */
  readonly explained?: Explained;
}

/** Judges the last of the line's observations. */
export function assess(line: LineCase, rules: ReconciliationRules, lanes: LaneBook): Verdict {
  const observation = line.observations.at(-1);
  if (observation === undefined) throw new RangeError('there is no observation to assess');
  const { drift, interval } = proofOf(observation, line, lanes);
  const plain = { drift, interval, delta: 0, snapshotIds: [], suspects: [] };
  // Nearly every line of nearly every run ends here.
  if (drift === 0) return { kind: 'agrees', ...plain };
  if (Math.abs(drift) <= rules.toleranceUnits) return { kind: 'tolerated', ...plain };
  return judgeDrift(line, plain, rules, lanes);
}

function judgeDrift(
  line: LineCase,
  plain: Omit<Verdict, 'kind'>,
  rules: ReconciliationRules,
  lanes: LaneBook,
): Verdict {
  const { explained } = line;
  const proofs = line.observations.map((earlier) => proofOf(earlier, line, lanes, explained));
  const newest = proofs.at(-1)!;
  if (newest.drift === 0 && explained !== undefined) {
    return { kind: 'explained', ...plain, explanation: explained.by, explained };
  }
  const streak = streakOf(proofs);
  const gap = gapOf(streak);
  const onset = onsetOf(gap, streak, proofs);
  const suspects = suspectsOf(line.entries, newest, onset, rules, lanes);
  const found = { ...plain, suspects, ...(onset === undefined ? {} : { onset }) };
  const explanation = explain(gap, newest, suspects, line.packSizes ?? rules.packSizes);
  if (explanation !== undefined) {
    const all = alsoExplained(explained, explanation);
    return { kind: 'explained', ...found, explanation, explained: all };
  }
  const needed = newest.drift < 0 ? rules.proofsToLower : rules.proofsToRaise;
  const proving = streak.slice(-needed);
  const snapshotIds = proving.map((proof) => proof.window.snapshotId);
  if (proving.length < needed) return { kind: 'waiting', ...found, snapshotIds };
  const delta = smallestDrift(proving);
  const kind = Math.abs(delta) > rules.perLineMaxUnits ? 'quarantine' : 'correct';
  return { kind, ...found, delta, snapshotIds };
}
