/** What the reconciler of this node has found, as numbers for `/metrics`. */

import type { RunReport } from '../reconcile/report.ts';
import { counter, type Family, gauge, type Sample } from './metric-families.ts';

interface Sum {
  lines: number;
  units: number;
}

export class ReconcileMetrics {
  /** Runs by `<source> <outcome>`. */
  readonly runs = new Map<string, number>();
  /** Corrections by `<source> <lowered|raised|netted>`. */
  readonly corrections = new Map<string, Sum>();
  /** The newest report of each source. */
  readonly latest = new Map<string, RunReport>();

  add(report: RunReport): void {
    const { source, outcome, corrections } = report;
    const run = `${source} ${outcome}`;
    this.runs.set(run, (this.runs.get(run) ?? 0) + 1);
    if (outcome !== 'nothing') this.latest.set(source, report);
    if (corrections === undefined) return;
    for (const kind of ['lowered', 'raised', 'netted'] as const) {
      const key = `${source} ${kind}`;
      const sum = this.corrections.get(key) ?? { lines: 0, units: 0 };
      this.corrections.set(key, {
        lines: sum.lines + corrections[kind].lines,
        units: sum.units + corrections[kind].units,
      });
    }
  }
}

/** Its families; what is told of the newest run is told once per source. */
export function reconcileFamilies({ runs, corrections, latest }: ReconcileMetrics): Family[] {
  const labelled = (names: readonly string[], values: ReadonlyMap<string, number>): Sample[] =>
    [...values].map(([key, value]) => {
      const words = key.split(' ');
      return {
        labels: Object.fromEntries(names.map((name, at) => [name, words[at] ?? ''])),
        value,
      };
    });
  const units = new Map([...corrections].map(([key, sum]) => [key, sum.units]));
  const reports = [...latest].map(([source, report]) => ({ labels: { source }, report }));
  const drift = [...latest].flatMap(([source, report]) =>
    Object.entries(report.drift ?? {}).map(([cause, tally]) => ({
      labels: { source, cause },
      value: tally.units,
    })),
  );
  const lag = [...latest].flatMap(([source, report]) =>
    Object.entries(report.postingLag ?? {}).map(([lane, { maxMs }]) => ({
      labels: { source, lane },
      value: maxMs / 1_000,
    })),
  );
  const of = (value: (report: RunReport) => number | undefined) =>
    reports.flatMap(({ labels, report }) => {
      const number = value(report);
      return number === undefined ? [] : [{ labels, value: number }];
    });
  return [
    counter('reconcile_runs', 'reconciliations, by outcome', labelled(['source', 'outcome'], runs)),
    counter(
      'reconcile_corrected_units',
      'units corrected, by direction',
      labelled(['source', 'direction'], units),
    ),
    gauge('reconcile_drift_units', 'proven drift of the newest run, by cause', drift),
    gauge(
      'reconcile_quarantined_lines',
      'lines of the newest run that wait for approval',
      of((report) => report.corrections?.quarantined),
    ),
    gauge(
      'reconcile_explained_share',
      'drifting lines with an explanation',
      of((r) => r.explainedShare),
    ),
    gauge(
      'reconcile_interval_width_units',
      'widest expected interval',
      of((r) => r.intervalWidth?.max),
    ),
    gauge('reconcile_posting_lag_seconds', 'longest time until the ERP had posted, by lane', lag),
    gauge(
      'reconcile_oldest_comparison_seconds',
      'since the SKU that was compared longest ago',
      of(({ endedAtMs, oldestComparisonMs: atMs }) =>
        atMs === undefined ? undefined : (endedAtMs - atMs) / 1_000,
      ),
    ),
    gauge(
      'reconcile_never_compared_lines',
      'never compared',
      of((r) => r.neverCompared),
    ),
  ];
}
