/**
 * Every correction that reconcilers have made: proven by as many snapshots as the rules ask for, no
 * larger than what they prove, made once, overtaken by nothing; and never where the ERP has no fault.
 */

import { livesOf } from '../lives.ts';
import { driftOf, type Entry, isNetting, ledgerOf } from '../model/ledger.ts';
import type { ShownSnapshot } from '../reconcile/erp-snapshots.ts';
import type { ReconcileRecord } from '../reconcile/reconciliation.ts';
import type { RunRecord } from '../run-record.ts';
import { acknowledgedBy, momentsOfKnowledge, type Said } from './acknowledged.ts';
import { checkNettings } from './nettings.ts';

/** One correction with all that it has to be held against. */
export interface CorrectionCase {
  readonly line: string;
  readonly correction: Entry;
  /** The line's ledger as it was compared. */
  readonly compared: readonly Entry[];
  /** The snapshots that the evidence names, oldest first; undefined: it was never shown. */
  readonly proofs: readonly (ShownSnapshot | undefined)[];
}

export function checkCorrections(run: RunRecord): readonly string[] {
  const { reconciliation, world } = run;
  if (!reconciliation) return [];
  const wrong: string[] = [];
  const said = acknowledgedBy(world.acknowledgements.all);
  for (const [line, entries] of ledgerOf(livesOf(run).journal.skus)) {
    const corrections = entries.filter((entry) => entry.evidence);
    for (const correction of corrections) {
      const found = caseOf(line, correction, entries, reconciliation);
      const why = judge(found, entries, reconciliation, said);
      if (why) wrong.push(`${describe(found)}: ${why}`);
    }
    wrong.push(...twice(line, corrections));
    if (corrections.some(isNetting)) {
      wrong.push(...checkNettings(entries).map((why) => `${line}: ${why}`));
    }
  }
  return wrong.slice(0, 5);
}

function caseOf(
  line: string,
  correction: Entry,
  entries: readonly Entry[],
  { snapshots }: ReconcileRecord,
): CorrectionCase {
  const { asOfSeq, snapshotIds } = correction.evidence as {
    asOfSeq: number;
    snapshotIds: readonly string[];
  };
  return {
    ...{ line, correction },
    compared: entries.filter(({ seq }) => seq <= asOfSeq),
    proofs: snapshotIds.map((id) => snapshots.shown.find(({ snapshotId }) => snapshotId === id)),
  };
}

function describe({ line, correction }: CorrectionCase): string {
  const { delta, seq, evidence } = correction;
  return `${line} corrected by ${delta} at ${seq}, evidence ${JSON.stringify(evidence)}`;
}

function judge(
  found: CorrectionCase,
  entries: readonly Entry[],
  record: ReconcileRecord,
  said: readonly Said[],
): string | undefined {
  const { plan, books } = record;
  if (plan.mode === 'dry-run') return 'this source only reports';
  const cause = books.uncleanness(found.line);
  if (cause === undefined) return 'the ERP has posted all of this line once and in time';
  return overtaken(found, entries) ?? unproven(found, record, said);
}

/** Something that the comparison did not know, and that belongs before its snapshot. */
function overtaken({ correction }: CorrectionCase, entries: readonly Entry[]): string | undefined {
  const { asOfSeq, asOfFromMs } = correction.evidence as { asOfSeq: number; asOfFromMs: number };
  const by = entries.find((entry) => {
    if (entry.seq <= asOfSeq || entry.version >= correction.version) return false;
    return entry.evidence !== undefined || (entry.saysWhen && entry.occurredAtMs < asOfFromMs);
  });
  return by && `${by.lane} ${by.document} at ${by.seq} came in between`;
}

function unproven(
  found: CorrectionCase,
  { plan, terms }: ReconcileRecord,
  said: readonly Said[],
): string | undefined {
  const { line, correction, compared, proofs } = found;
  const { delta, storedMs, evidence } = correction;
  const { rules } = plan;
  const needed = isNetting(correction) ? 1 : delta < 0 ? rules.proofsToLower : rules.proofsToRaise;
  const shown = proofs.filter((proof) => proof !== undefined);
  if (shown.length < proofs.length) return 'a snapshot was never shown';
  if (new Set(shown).size < needed) return `${new Set(shown).size} of ${needed} snapshots`;
  if (shown.some((proof, at) => at > 0 && proof.asOfToMs <= (shown[at - 1]?.asOfToMs ?? 0))) {
    return 'its snapshots do not follow one another';
  }
  const newest = shown.at(-1) as ShownSnapshot;
  if (evidence?.observed !== undefined && newest.lines.get(line) !== evidence.observed) {
    return `the snapshot shows ${newest.lines.get(line)}`;
  }
  if (evidence?.rule === 'proven_drift' && Math.abs(delta) > rules.perLineMaxUnits) {
    return `more than ${rules.perLineMaxUnits} without a human`;
  }
  let why = '';
  // What the ERP had said by then of its postings is not in the evidence: any moment will do.
  for (const posted of momentsOfKnowledge(said, newest.publishedMs, storedMs)) {
    const drifts = shown.map((proof) => {
      const qty = proof.lines.get(line);
      return qty === undefined ? 0 : driftOf(qty, compared, proof, posted, terms);
    });
    const isProven = drifts.every(
      (drift) => drift * delta > 0 && Math.abs(drift) >= Math.abs(delta),
    );
    if (isProven) return undefined;
    why = `its snapshots prove ${drifts.join(', ')}`;
  }
  return why;
}

/** No snapshot has an effect on a line twice. */
function twice(line: string, corrections: readonly Entry[]): string[] {
  const seen = new Set<string>();
  const wrong: string[] = [];
  for (const { evidence = {}, seq } of corrections) {
    const newest = (evidence.snapshotIds as readonly string[] | undefined)?.at(-1);
    const key = `${evidence.rule} ${newest}`;
    if (seen.has(key)) wrong.push(`${line}: ${key} has its second effect at ${seq}`);
    seen.add(key);
  }
  return wrong;
}
