/** A run's report for people: what happened first, then the lines that somebody has to look at. */

import type { ReportedLine, RunReport } from './report.ts';

const outcomes: Record<RunReport['outcome'], string> = {
  applied: 'compared and applied',
  dry_run: 'compared, nothing changed (dry run)',
  nothing: 'nothing to compare',
  refused: 'snapshot refused, nothing compared',
  stopped: 'STOPPED, nothing changed',
  displaced: 'another node reconciles now',
  failed: 'failed, will be tried again',
};

const linesShownMax = 20;

/** The report as lines of text. */
export function reportTable(report: RunReport): string[] {
  const { source, outcome, reason, message, run } = report;
  const lines = [`${source}: ${outcomes[outcome]}  (run ${run})`];
  if (message !== undefined) lines.push(`  ${reason}: ${message}`);
  lines.push(...summary(report).map(([name, value]) => `  ${name.padEnd(22)}${value}`));
  lines.push(...section('corrected', report.corrected));
  lines.push(...section('waiting for approval', report.quarantined));
  lines.push(...section('explained by the postings', report.explained));
  lines.push(...section('not proven often enough', report.waiting));
  for (const { line, reason: why, message: what } of (report.refusedLines ?? []).slice(
    0,
    linesShownMax,
  )) {
    lines.push(`  line ${line} refused: ${why}: ${what}`);
  }
  return lines;
}

function summary(report: RunReport): (readonly [string, string])[] {
  const rows: (readonly [string, string])[] = [];
  const { snapshot, lines, corrections, drift = {}, views = [], outages = [] } = report;
  if (snapshot !== undefined) {
    const from = new Date(snapshot.asOfFromMs).toISOString();
    rows.push(['snapshot', `${shownText(snapshot.snapshotId)}, read at ${from}`]);
  }
  if (lines !== undefined) {
    rows.push([
      'lines',
      `${lines.received} received, ${lines.refused} refused, ${lines.compared} compared: ` +
        `${lines.exact} exact, ${lines.inFlight} in flight, ${lines.drifting} drifting`,
    ]);
    rows.push([
      'not comparable',
      `${lines.unknown} only in the ERP, ${lines.missing} only here, ${lines.truncated} without beginning`,
    ]);
  }
  for (const [cause, { lines: count, units }] of Object.entries(drift)) {
    rows.push([`drift: ${cause.replaceAll('_', ' ')}`, `${count} lines, ${units} units`]);
  }
  if (corrections !== undefined) {
    const { lowered, raised, netted, failed, quarantined } = corrections;
    rows.push([
      'corrections',
      `${lowered.lines} lowered by ${lowered.units}, ${raised.lines} raised by ${raised.units}, ` +
        `${netted.lines} netted, ${quarantined} in quarantine, ${failed} failed`,
    ]);
  }
  const { documents = 0, unknown = 0, notUnderstood = 0 } = report.acknowledged ?? {};
  if (documents + unknown + notUnderstood > 0) {
    const counts = `${documents} documents, ${unknown} unknown, ${notUnderstood} not understood`;
    rows.push(['acknowledged', counts]);
  }
  for (const { kind, name, drifting, lines: all } of outages) {
    rows.push([`${kind} outage`, `${name}: ${drifting} of ${all} lines`]);
  }
  for (const view of views) {
    const { bucket, checked, missing, different, strangers, rewritten } = view;
    rows.push([
      bucket,
      `${checked} checked, ${missing} missing, ${different} different, ${strangers} strangers, ${rewritten} rewritten`,
    ]);
  }
  if (report.viewsNotChecked !== undefined)
    rows.push(['views not checked', report.viewsNotChecked]);
  return rows;
}

function section(title: string, lines: readonly ReportedLine[] = []): string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, linesShownMax).map((line) => {
    const { sku, location, observed, lo, hi, drift, delta, cause, documents = [], result } = line;
    const expected = lo === hi ? `${lo}` : `${lo} to ${hi}`;
    const parts = [
      `${shownText(sku)} at ${location}: ERP ${observed}, expected ${expected}, drift ${signed(drift)}`,
      ...(delta === undefined ? [] : [`correction ${signed(delta)}`]),
      ...(cause === undefined ? [] : [cause.replaceAll('_', ' ')]),
      ...(documents.length === 0 ? [] : [documents.map(shownText).join(' ')]),
      ...(result === undefined ? [] : [result]),
    ];
    return `    ${parts.join(', ')}`;
  });
  const more = lines.length - shown.length;
  return [`  ${title}:`, ...shown, ...(more > 0 ? [`    … and ${more} more`] : [])];
}

function signed(units: number): string {
  return units > 0 ? `+${units}` : String(units);
}

/** Names come from outside: nothing that a terminal would obey. */
function shownText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '?');
}
