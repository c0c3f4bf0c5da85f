/**
 * The run as a whole: many lines that drift at once are one trouble of a lane or a location (step 4),
 * and a run that would change too much changes nothing (step 6).
 */

import type { Verdict } from './assess.ts';
import type { LaneBook, LedgerEntry, SnapshotWindow } from './ledger.ts';
import type { ReconciliationRules } from './settings.ts';

/** A verdict with what the run needs to know of its line. */
export interface RunLine {
  readonly sku: string;
  readonly location: string;
  readonly verdict: Verdict;
  /** Lanes that had documents of this line not long ago (`recentLanes`). */
  readonly lanes: ReadonlySet<string>;
}

/** What was compared, drift or not. */
export interface RunTotals {
  readonly lines: number;
  /** Sum of the ERP's numbers, each taken as at least 0. */
  readonly units: number;
  /** Compared lines per location. */
  readonly linesAt: ReadonlyMap<string, number>;
  /** Compared lines per lane that had documents of them not long ago. */
  readonly linesIn: ReadonlyMap<string, number>;
}

export interface Outage {
  readonly kind: 'lane' | 'location';
  readonly name: string;
  readonly drifting: number;
  readonly lines: number;
}

export interface Breaker {
  readonly lines: number;
  readonly linesMax: number;
  readonly units: number;
  readonly unitsMax: number;
}

export interface RunJudgement<L extends RunLine> {
  /** The lines with drift; what an outage explains has become `explained`. */
  readonly lines: readonly L[];
  readonly outages: readonly Outage[];
  /** Set: the run stops and nothing is applied. */
  readonly breaker?: Breaker;
}

/** The lanes that carried something of the line in the last two posting lags before the snapshot. */
export function recentLanes(
  entries: readonly LedgerEntry[],
  window: SnapshotWindow,
  lanes: LaneBook,
): ReadonlySet<string> {
  const recent = new Set<string>();
  for (const { lane, occurredAtMs, correction } of entries) {
    if (correction === true || recent.has(lane)) continue;
    const isRecent = occurredAtMs > window.asOfFromMs - 2 * lanes(lane).maxPostingLagMs;
    if (isRecent && occurredAtMs <= window.asOfToMs) recent.add(lane);
  }
  return recent;
}

/** Judges all lines of a run that have drift. */
export function judgeRun<L extends RunLine>(
  drifting: readonly L[],
  totals: RunTotals,
  rules: ReconciliationRules,
): RunJudgement<L> {
  const outages = [
    ...outagesOf('location', countBy(drifting, atLocation), totals.linesAt, rules),
    ...outagesOf('lane', countBy(drifting, lanesOf), totals.linesIn, rules),
  ];
  const lines = outages.length === 0 ? drifting : drifting.map((line) => withOutage(line, outages));
  const breaker = breakerOf(lines, totals, rules);
  return breaker === undefined ? { lines, outages } : { lines, outages, breaker };
}

function atLocation(line: RunLine): readonly string[] {
  return [line.location];
}

function lanesOf(line: RunLine): readonly string[] {
  return [...line.lanes].filter((lane) => {
    return line.verdict.suspects.some((document) => document.lane === lane);
  });
}

function countBy(lines: readonly RunLine[], namesOf: (line: RunLine) => readonly string[]) {
  const counts = new Map<string, number>();
  for (const line of lines) {
    if (!isNews(line.verdict)) continue;
    for (const name of namesOf(line)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** Drift that earlier runs have explained says nothing about now. */
function isNews({ kind, suspects, explanation }: Verdict): boolean {
  if (kind === 'tolerated') return false;
  return kind !== 'explained' || suspects.length > 0 || explanation?.cause === 'unit_suspect';
}

function outagesOf(
  kind: Outage['kind'],
  drifting: ReadonlyMap<string, number>,
  compared: ReadonlyMap<string, number>,
  rules: ReconciliationRules,
): Outage[] {
  return [...drifting]
    .map(([name, count]) => ({ kind, name, drifting: count, lines: compared.get(name) ?? count }))
    .filter(({ drifting: count, lines }) => {
      return count >= rules.outageLinesMin && count >= lines * rules.outageShare;
    });
}

function withOutage<L extends RunLine>(line: L, outages: readonly Outage[]): L {
  const { verdict } = line;
  if (verdict.kind === 'tolerated' || verdict.kind === 'explained') return line;
  const lanes = lanesOf(line);
  const outage = outages.find(({ kind, name }) => {
    return kind === 'location' ? name === line.location : lanes.includes(name);
  });
  if (outage === undefined) return line;
  const documents = verdict.suspects.slice(0, 1).map((document) => document.document);
  const explanation = { cause: 'lane_outage' as const, lane: outage.name, documents, units: 0 };
  return { ...line, verdict: { ...verdict, kind: 'explained', delta: 0, explanation } };
}

/** Quarantined lines count too: a snapshot in another unit is all quarantine. */
function breakerOf(
  lines: readonly RunLine[],
  totals: RunTotals,
  rules: ReconciliationRules,
): Breaker | undefined {
  const changing = lines.filter(({ verdict }) => verdict.delta !== 0);
  const units = changing.reduce((sum, { verdict }) => sum + Math.abs(verdict.delta), 0);
  const linesMax = Math.max(rules.breakerLinesFloor, totals.lines * rules.breakerLinesShare);
  const unitsMax = Math.max(rules.breakerUnitsFloor, totals.units * rules.breakerUnitsShare);
  if (changing.length <= linesMax && units <= unitsMax) return undefined;
  return { lines: changing.length, linesMax, units, unitsMax };
}
