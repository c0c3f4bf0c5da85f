/**
 * One line of one snapshot, judged: steps 1 to 6 in order. The verdict says what should happen; the
 * run decides whether it may (`judgeRun`).
 */

import { type Explanation, explain, type LineDocument, suspectsOf } from './explain.ts';
import type { ExpectedInterval } from './interval.ts';
import type { LaneBook } from './ledger.ts';
import { type LineLedger, type Proof, proofsOf, smallestDrift, streakOf } from './proofs.ts';
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
  /** Of lines with drift: what may have to do with it, oldest first. */
  readonly suspects: readonly LineDocument[];
  /** Every observation held against today's ledger, oldest first. */
  readonly proofs: readonly Proof[];
}

/** Judges the last of the line's observations. `packSizes` of the line go before the rules'. */
export function assess(
  line: LineLedger & { readonly packSizes?: readonly number[] },
  rules: ReconciliationRules,
  lanes: LaneBook,
): Verdict {
  const proofs = proofsOf(line, lanes);
  const newest = proofs.at(-1);
  if (newest === undefined) throw new RangeError('a line without observation cannot be assessed');
  const { drift, interval } = newest;
  const plain = { drift, interval, delta: 0, snapshotIds: [], suspects: [], proofs };
  if (drift === 0) return { kind: 'agrees', ...plain };
  if (Math.abs(drift) <= rules.toleranceUnits) return { kind: 'tolerated', ...plain };

  const suspects = suspectsOf(line.entries, proofs, rules, lanes);
  const explanation = explain(proofs, suspects, line.packSizes ?? rules.packSizes);
  if (explanation !== undefined) return { kind: 'explained', ...plain, suspects, explanation };

  const needed = drift < 0 ? rules.proofsToLower : rules.proofsToRaise;
  const proving = streakOf(proofs).slice(-needed);
  const snapshotIds = proving.map((proof) => proof.window.snapshotId);
  if (proving.length < needed) return { kind: 'waiting', ...plain, suspects, snapshotIds };
  const delta = smallestDrift(proving);
  const kind = Math.abs(delta) > rules.perLineMaxUnits ? 'quarantine' : 'correct';
  return { kind, drift, interval, delta, snapshotIds, suspects, proofs };
}
