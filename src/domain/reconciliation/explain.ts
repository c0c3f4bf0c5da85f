/**
 * Step 4: a proven drift that a trouble of the ERP's postings explains is an alert, not a correction:
 * the goods are where we say, and the ERP's number will move, or has to be repaired, over there.
 *
 * 1. Only documents that may have been posted, or should have been, since the drift was last seen
 *    not to be there can explain it.
 * 2. An explanation has to account for the whole drift within what is uncertain.
 */

import { classify } from './classify.ts';
import type { LaneBook, LedgerEntry } from './ledger.ts';
import { lastWithout, type Proof, smallestDrift, streakOf } from './proofs.ts';
import type { ReconciliationRules } from './settings.ts';

export type Cause = 'posting_stuck' | 'unit_suspect' | 'double_posting_suspect' | 'lane_outage';

export interface Explanation {
  readonly cause: Cause;
  readonly lane?: string;
  /** What the cause points at: documents, oldest first (at most `documentsNamedMax`). */
  readonly documents: readonly string[];
}

export const documentsNamedMax = 20;

/** A document's effect on the line. */
export interface LineDocument {
  readonly lane: string;
  readonly document: string;
  readonly delta: number;
  readonly occurredAtMs: number;
  /** Not certainly contained in the newest snapshot. */
  readonly isOpen: boolean;
}

/**
 * The documents of a line that may have to do with its drift, oldest first: everything that was not
 * certainly posted when the drift was last absent.
 */
export function suspectsOf(
  entries: readonly LedgerEntry[],
  proofs: readonly Proof[],
  rules: ReconciliationRules,
  lanes: LaneBook,
): readonly LineDocument[] {
  const newest = proofs.at(-1);
  if (newest === undefined) return [];
  const before = lastWithout(smallestDrift(streakOf(proofs)), proofs);
  const notBefore = newest.window.asOfFromMs - rules.explainWindowMs;
  const documents = new Map<string, { -readonly [K in keyof LineDocument]: LineDocument[K] }>();
  for (const entry of entries) {
    if (entry.correction === true || entry.occurredAtMs < notBefore) continue;
    const lane = lanes(entry.lane);
    if (before !== undefined && classify(entry, before.window, lane) === 'in') continue;
    const now = classify(entry, newest.window, lane);
    if (now === 'out') continue;
    const key = `${entry.lane} ${entry.document}`;
    const known = documents.get(key);
    if (known === undefined) {
      const { lane: name, document, delta, occurredAtMs } = entry;
      documents.set(key, { lane: name, document, delta, occurredAtMs, isOpen: now !== 'in' });
    } else {
      known.delta += entry.delta;
      known.isOpen ||= now !== 'in';
    }
  }
  return [...documents.values()].sort((a, b) => a.occurredAtMs - b.occurredAtMs);
}

/** A cause for the drift that the newest proofs show, or undefined: it is real. */
export function explain(
  proofs: readonly Proof[],
  suspects: readonly LineDocument[],
  packSizes: readonly number[],
): Explanation | undefined {
  const gap = gapOf(streakOf(proofs));
  if (gap === undefined) return undefined;
  return (
    postingStuck(gap, suspects) ??
    unitSuspect(gap, proofs.at(-1)!, suspects, packSizes) ??
    doublePosting(gap, suspects)
  );
}

/** The amounts that the drift may have, if it is one drift. */
interface Gap {
  readonly least: number;
  readonly most: number;
}

/** What all proofs of a streak allow; when they contradict each other, what the newest allows. */
function gapOf(streak: readonly Proof[]): Gap | undefined {
  const gaps = streak.map(({ qty, interval }) => ({
    least: qty - interval.hi,
    most: qty - interval.lo,
  }));
  const newest = gaps.at(-1);
  if (newest === undefined) return undefined;
  const least = Math.max(...gaps.map((gap) => gap.least));
  const most = Math.min(...gaps.map((gap) => gap.most));
  return least <= most ? { least, most } : newest;
}

function within(units: number, gap: Gap): boolean {
  return units !== 0 && units >= gap.least && units <= gap.most;
}

/** One document that never arrived, or all of one lane since some moment. */
function postingStuck(gap: Gap, suspects: readonly LineDocument[]): Explanation | undefined {
  const overdue = suspects.filter((document) => !document.isOpen);
  const lost = overdue.findLast((document) => within(-document.delta, gap));
  if (lost !== undefined) return because('posting_stuck', [lost]);
  for (const lane of new Set(overdue.map((document) => document.lane))) {
    const ofLane = overdue.filter((document) => document.lane === lane);
    let missing = 0;
    for (let from = ofLane.length - 1; from >= 0; from -= 1) {
      missing -= ofLane[from]!.delta;
      if (within(missing, gap)) return because('posting_stuck', ofLane.slice(from));
    }
  }
  return undefined;
}

/** A document that arrived twice. */
function doublePosting(gap: Gap, suspects: readonly LineDocument[]): Explanation | undefined {
  const doubled = suspects.findLast((document) => within(document.delta, gap));
  return doubled === undefined ? undefined : because('double_posting_suspect', [doubled]);
}

/** Packs were taken for pieces or the other way round: in the whole number, or in one document. */
function unitSuspect(
  gap: Gap,
  { qty, interval }: Proof,
  suspects: readonly LineDocument[],
  packSizes: readonly number[],
): Explanation | undefined {
  for (const pack of packSizes) {
    if (pack < 2) continue;
    const inPacks = qty !== 0 && qty * pack >= interval.lo && qty * pack <= interval.hi;
    const inPieces = qty % pack === 0 && qty / pack >= interval.lo && qty / pack <= interval.hi;
    const isExact = gap.least === gap.most;
    if (inPacks || (inPieces && qty !== 0) || (isExact && gap.least % pack === 0)) {
      return { cause: 'unit_suspect', documents: [] };
    }
    const wrong = suspects.findLast(
      ({ delta }) =>
        within(delta * (pack - 1), gap) ||
        (delta % pack === 0 && within(delta / pack - delta, gap)),
    );
    if (wrong !== undefined) return because('unit_suspect', [wrong]);
  }
  return undefined;
}

function because(cause: Cause, documents: readonly LineDocument[]): Explanation {
  return {
    cause,
    lane: documents[0]!.lane,
    documents: documents.slice(0, documentsNamedMax).map((document) => document.document),
  };
}
