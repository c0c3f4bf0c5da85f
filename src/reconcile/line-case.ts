/**
 * One staged line put together for judging: its ledger, its history, and what of earlier corrections
 * late facts explain.
 */

import { assess, type Verdict } from '../domain/reconciliation/assess.ts';
import { type LineHistory, observationsOf, remember } from '../domain/reconciliation/history.ts';
import type {
  LaneBook,
  LedgerEntry,
  Observation,
  SnapshotWindow,
} from '../domain/reconciliation/ledger.ts';
import {
  type AppliedCorrection,
  type Netting,
  nettingsOf,
} from '../domain/reconciliation/netting.ts';
import { proofOf } from '../domain/reconciliation/proofs.ts';
import { recentLanes } from '../domain/reconciliation/run.ts';
import { partitionOfSku } from './correcting.ts';
import type { ReconcileSettings } from './settings.ts';
import type { HistoryStore } from './store/history-store.ts';
import type { LedgerStore, RecordedCorrection } from './store/ledger-store.ts';
import type { StagedLine } from './store/snapshot-store.ts';
import type { UnheardUnits } from './unheard.ts';

/** What a run judges its lines with. */
export interface JudgingContext {
  /** The ERP source that is compared. */
  readonly source: string;
  readonly ledger: LedgerStore;
  readonly histories: HistoryStore;
  readonly settings: ReconcileSettings;
  readonly lanes: LaneBook;
  readonly window: SnapshotWindow;
  readonly unheard: UnheardUnits;
  /** What happened later than this is kept apart, because of other sources. */
  readonly foldsBeforeMs: number;
  /** Of the journal. */
  readonly partitions: number;
}

export interface JudgedLine {
  readonly verdict: Verdict;
  readonly history: LineHistory;
  readonly nettings: readonly Netting[];
  readonly lanes: ReadonlySet<string>;
  readonly entries: readonly LedgerEntry[];
  /** Journal position of the ledger that it was judged by: others of its partition may move on. */
  readonly asOfSeq: number;
}

/** Rule of corrections that take an earlier one back. */
export const lateFactRule = 'late_fact';

export function judgeLine(staged: StagedLine, context: JudgingContext): JudgedLine {
  const { ledger, lanes, window, settings, source } = context;
  const entries = ledger.entries(staged.line.id, source);
  const unheardUnits = context.unheard.of(staged);
  const newest: Observation = { window, qty: staged.qty };
  // A run that is repeated must not prove anything twice.
  const recent = staged.history.recent.filter((item) => isOther(item, window));
  const history: LineHistory = { ...staged.history, recent };
  const { explained } = history;
  const line = {
    opening: staged.line.opening,
    entries,
    observations: observationsOf(history, newest),
    unheardUnits,
    ...(staged.packSize === undefined ? {} : { packSizes: [staged.packSize] }),
    ...(explained === undefined ? {} : { explained }),
  };
  const nettings = entries.some((entry) => entry.correction)
    ? openNettings(staged.line.id, entries, proofOf(newest, line, lanes).drift, context)
    : [];
  const verdict = assess(line, settings.rules, lanes);
  return {
    verdict,
    nettings,
    entries,
    asOfSeq: ledger.position(partitionOfSku(staged.sku, context.partitions)),
    lanes: recentLanes(entries, window, lanes),
    history: remember(history, newest, verdict, settings.rules.historyMax),
  };
}

function isOther({ window }: Observation, newest: SnapshotWindow): boolean {
  return window.snapshotId !== newest.snapshotId;
}

function openNettings(
  line: number,
  entries: readonly LedgerEntry[],
  drift: number,
  context: JudgingContext,
): readonly Netting[] {
  const recorded = context.ledger.corrections(line, context.source);
  const isNetting = ({ evidence }: RecordedCorrection) => evidence.rule === lateFactRule;
  const corrections = recorded
    .filter((correction) => !isNetting(correction))
    .flatMap((correction) => appliedCorrection(correction, context.histories) ?? []);
  if (corrections.length === 0) return [];
  const facts = entries.filter((entry) => entry.correction !== true);
  const done = recorded.filter(isNetting).flatMap(recordedNettings);
  return nettingsOf(drift, corrections, facts, done, context.lanes);
}

/** Undefined for a correction without evidence of a snapshot: nothing can be said of it. */
function appliedCorrection(
  { seq, delta, evidence }: RecordedCorrection,
  histories: HistoryStore,
): AppliedCorrection | undefined {
  const { snapshotIds, asOfFromMs, asOfToMs = asOfFromMs } = evidence;
  const snapshotId = Array.isArray(snapshotIds) ? String(snapshotIds.at(-1)) : '';
  const known = histories.windowOf(snapshotId);
  if (known !== undefined) return { seq, delta, window: known };
  if (typeof asOfFromMs !== 'number' || typeof asOfToMs !== 'number') return undefined;
  return { seq, delta, window: { snapshotId, asOfFromMs, asOfToMs, watermarks: new Map() } };
}

/** Evidence of a correction that takes earlier ones back, as `recordedNettings` reads it. */
export function nettingEvidence(nettings: readonly Netting[]) {
  return {
    correctionSeqs: nettings.map((netting) => netting.correctionSeq),
    factSeqs: nettings.map((netting) => netting.entrySeq),
    factDocuments: nettings.map((netting) => netting.document),
    deltas: nettings.map((netting) => netting.delta),
  };
}

function recordedNettings({ evidence }: RecordedCorrection): Netting[] {
  const { correctionSeqs, factSeqs, factDocuments, deltas } = evidence;
  if (!Array.isArray(correctionSeqs)) return [];
  return correctionSeqs.map((correctionSeq, i) => ({
    correctionSeq: Number(correctionSeq),
    entrySeq: Number((factSeqs as unknown[])[i]),
    document: String((factDocuments as unknown[])[i]),
    delta: Number((deltas as unknown[])[i]),
  }));
}
