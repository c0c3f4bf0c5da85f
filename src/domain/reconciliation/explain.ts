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
import type { Gap, Proof } from './proofs.ts';
import type { ReconciliationRules } from './settings.ts';

export type Cause = 'posting_stuck' | 'unit_suspect' | 'double_posting_suspect' | 'lane_outage';

export interface Explanation {
  readonly cause: Cause;
  readonly lane?: string;
  /** What the cause points at: documents, oldest first (at most `documentsNamedMax`). */
  readonly documents: readonly string[];
  /** The drift that it accounts for, signed. */
  readonly units: number;
}

/**
 * The drift of a line that explanations account for, which may come and go: documents arrive late,
 * or are repaired in the ERP.
 */
export interface Explained extends Gap {
  /** The last explanation. */
  readonly by: Explanation;
}

/** One more explanation besides those that the line's drift has had. */
export function alsoExplained(before: Explained | undefined, by: Explanation): Explained {
  const { least = 0, most = 0 } = before ?? {};
  return { least: least + Math.min(0, by.units), most: most + Math.max(0, by.units), by };
}

export const documentsNamedMax = 20;

/** Different sums of documents that are looked at before giving up: drifts are small numbers. */
const subsetSumsMax = 500;

/**
 * Documents are suspects for this many posting lags: late ones are later than the lag, and a second
 * posting comes after the first.
 */
const suspectLags = 2;

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
 * certainly posted when the drift was last absent (`onset`).
 */
export function suspectsOf(
  entries: readonly LedgerEntry[],
  { window }: Proof,
  onset: Proof | undefined,
  rules: ReconciliationRules,
  lanes: LaneBook,
): readonly LineDocument[] {
  // An explanation stays one for as long as the drift is there.
  const notBefore = onset === undefined ? window.asOfFromMs - rules.explainWindowMs : 0;
  const documents = new Map<string, { -readonly [K in keyof LineDocument]: LineDocument[K] }>();
  for (const entry of entries) {
    if (entry.correction === true || entry.occurredAtMs < notBefore) continue;
    const settings = lanes(entry.lane);
    const lane = { ...settings, maxPostingLagMs: suspectLags * settings.maxPostingLagMs };
    if (onset !== undefined && classify(entry, onset.window, lane) === 'in') continue;
    const now = classify(entry, window, settings);
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

/** A cause for a drift of an amount within the gap, or undefined: it is real. */
export function explain(
  gap: Gap,
  newest: Proof,
  suspects: readonly LineDocument[],
  packSizes: readonly number[],
): Explanation | undefined {
  return (
    postingStuck(gap, suspects) ??
    unitSuspect(gap, newest, suspects, packSizes) ??
    doublePosting(gap, suspects)
  );
}

function within(units: number, gap: Gap): boolean {
  return units !== 0 && units >= gap.least && units <= gap.most;
}

/** Documents that have not arrived, of one lane if that is enough: the ERP lacks what they moved. */
function postingStuck(gap: Gap, suspects: readonly LineDocument[]): Explanation | undefined {
  const missing = suspects.filter((document) => !document.isOpen).reverse();
  const ofLanes = [...new Set(missing.map(({ lane }) => lane))].map((lane) =>
    missing.filter((document) => document.lane === lane),
  );
  for (const documents of [...ofLanes, missing]) {
    const found = documentsThatMiss(gap, documents);
    if (found !== undefined) return because('posting_stuck', found.units, found.documents);
  }
  return undefined;
}

interface Missing {
  readonly units: number;
  readonly documents: readonly LineDocument[];
}

/**
 * Some of the documents without which the ERP would show a drift within the gap; those early in the
 * list are tried first (subset sum over at most `subsetSumsMax` sums).
 */
function documentsThatMiss(gap: Gap, documents: readonly LineDocument[]): Missing | undefined {
  const reachable = new Map<number, readonly LineDocument[]>([[0, []]]);
  for (const document of documents) {
    for (const [drift, without] of [...reachable]) {
      const units = drift - document.delta;
      if (reachable.has(units)) continue;
      const all = [document, ...without];
      if (within(units, gap)) return { units, documents: all };
      if (reachable.size < subsetSumsMax) reachable.set(units, all);
    }
  }
  return undefined;
}

/** A document that arrived twice, alone or besides others that have not arrived. */
function doublePosting(gap: Gap, suspects: readonly LineDocument[]): Explanation | undefined {
  const doubled = suspects.findLast(({ delta }) => within(delta, gap));
  if (doubled !== undefined) return because('double_posting_suspect', doubled.delta, [doubled]);
  for (const document of suspects) {
    const { delta, isOpen } = document;
    const rest = { least: gap.least - delta, most: gap.most - delta };
    if (isOpen || rest.least * rest.most <= 0) continue;
    const stuck = postingStuck(rest, suspects);
    if (stuck === undefined) continue;
    return because('double_posting_suspect', delta + stuck.units, [document]);
  }
  return undefined;
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
    const isPossible = (units: number) => units >= interval.lo && units <= interval.hi;
    const isWhole =
      qty !== 0 && (isPossible(qty * pack) || (qty % pack === 0 && isPossible(qty / pack)));
    const isMultiple = gap.least === gap.most && gap.least % pack === 0;
    if (isWhole || isMultiple) return because('unit_suspect', gap.least, []);
    for (const document of suspects) {
      const { delta } = document;
      const inPacks = delta * (pack - 1);
      const inPieces = delta / pack - delta;
      if (within(inPacks, gap)) return because('unit_suspect', inPacks, [document]);
      if (Number.isInteger(inPieces) && within(inPieces, gap)) {
        return because('unit_suspect', inPieces, [document]);
      }
    }
  }
  return undefined;
}

function because(cause: Cause, units: number, documents: readonly LineDocument[]): Explanation {
  const lane = documents[0]?.lane;
  const named = documents.slice(0, documentsNamedMax).map((document) => document.document);
  return { cause, ...(lane === undefined ? {} : { lane }), documents: named, units };
}
