/** From a comparison and what came of it to the parts of the report. */

import { documentsNamedMax } from '../domain/reconciliation/explain.ts';
import type { Comparison, DriftingLine, LineNetting } from './compare.ts';
import {
  type ReportedLine,
  type ReportedNetting,
  type RunReport,
  reportedLinesMax,
  type Tally,
} from './report.ts';

/** What came of a correction: its id answered so. */
export type Result = 'applied' | 'gone' | 'quarantined' | 'displaced' | `failed: ${string}`;

export interface Applied {
  readonly line: DriftingLine;
  readonly result: Result;
}

export interface AppliedNetting {
  readonly netting: LineNetting;
  readonly result: Result;
}

/** The report's fields about drift and corrections. */
export function driftFields(
  comparison: Comparison,
  applied: readonly Applied[],
  netted: readonly AppliedNetting[],
): Partial<RunReport> {
  const { lines, outages, breaker } = comparison.judged;
  const results = new Map(applied.map(({ line, result }) => [line, result]));
  const listed = (kind: string) =>
    lines
      .filter((line) => line.verdict.kind === kind)
      .slice(0, reportedLinesMax)
      .map((line) => reportedLine(line, results.get(line)));
  const drifting = lines.filter((line) => line.verdict.kind !== 'tolerated');
  const explained = drifting.filter((line) => line.verdict.kind === 'explained');
  const done = applied
    .filter(({ result }) => result === 'applied')
    .map(({ line }) => line.verdict.delta);
  return {
    drift: driftByCause(lines),
    corrections: {
      lowered: tally(done.filter((delta) => delta < 0)),
      raised: tally(done.filter((delta) => delta > 0)),
      netted: tally(
        netted.filter(({ result }) => result === 'applied').map(({ netting }) => netting.delta),
      ),
      failed: [...applied, ...netted].filter(({ result }) => result.startsWith('failed')).length,
      quarantined: lines.filter((line) => line.verdict.kind === 'quarantine').length,
    },
    explainedShare: drifting.length === 0 ? 0 : explained.length / drifting.length,
    outages,
    ...(breaker === undefined ? {} : { breaker }),
    corrected: listed('correct'),
    quarantined: listed('quarantine'),
    explained: listed('explained'),
    waiting: listed('waiting'),
    netted: netted.slice(0, reportedLinesMax).map(reportedNetting),
  };
}

export function reportedLine(line: DriftingLine, result?: Result): ReportedLine {
  const { drift, interval, delta, snapshotIds, explanation } = line.verdict;
  return {
    sku: line.sku,
    location: line.location,
    observed: line.qty,
    lo: interval.lo,
    hi: interval.hi,
    drift,
    ...(delta === 0 ? {} : { delta }),
    ...(snapshotIds.length === 0 ? {} : { snapshotIds }),
    ...(explanation === undefined
      ? {}
      : {
          cause: explanation.cause,
          documents: explanation.documents,
          ...(explanation.lane === undefined ? {} : { lane: explanation.lane }),
        }),
    ...(result === undefined ? {} : { result }),
  };
}

function reportedNetting({ netting, result }: AppliedNetting): ReportedNetting {
  const { sku, location, delta, nettings } = netting;
  const documents = nettings.slice(0, documentsNamedMax).map(({ document }) => document);
  return { sku, location, delta, documents, result };
}

function driftByCause(lines: readonly DriftingLine[]): Record<string, Tally> {
  const drifts = new Map<string, number[]>();
  for (const { verdict } of lines) {
    const cause = verdict.explanation?.cause ?? verdict.kind;
    const ofCause = drifts.get(cause);
    if (ofCause === undefined) drifts.set(cause, [verdict.drift]);
    else ofCause.push(verdict.drift);
  }
  return Object.fromEntries([...drifts].map(([cause, ofCause]) => [cause, tally(ofCause)]));
}

function tally(deltas: readonly number[]): Tally {
  return {
    lines: deltas.length,
    units: deltas.reduce((sum, delta) => sum + Math.abs(delta), 0),
  };
}
