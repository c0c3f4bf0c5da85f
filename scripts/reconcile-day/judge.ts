/**
 * Compares what the reconciler said and did with what had been planted: each fault found for what it
 * is, and nothing else touched. The result is a table, row by row right or wrong.
 */

import type { ReportedLine, RunReport } from '../../src/reconcile/report.ts';
import type { DayResult } from './day.ts';
import type { Fault, Faults } from './faults.ts';

export interface Finding {
  readonly planted: string;
  readonly sku: string;
  /** What the reconciler did with it. */
  readonly found: string;
  readonly isRight: boolean;
}

/** `onHand`: what `inv_stock` shows in the end; `approved`: what an operator has approved. */
export function judge(
  faults: Faults,
  day: DayResult,
  onHand: ReadonlyMap<string, number>,
  approved: ReadonlyMap<string, number>,
): readonly Finding[] {
  const reports = day.exports.map(({ report }) => report);
  return [
    ...faults.planted.map((fault) => faultFinding(fault, reports, approved)),
    boxFinding(faults.inBoxes, reports),
    inFlightFinding(faults, day),
    truncatedFinding(day.truncated),
    correctionFinding(faults, reports, approved),
    stockFinding(day.expected, onHand),
    refusedFinding(day.refused),
  ];
}

const names: Record<Fault['kind'], string> = {
  lost: 'lost posting',
  doubled: 'double posting',
  'in packs': 'wrong unit: pieces posted as packs',
  shrinkage: 'shrinkage',
  'large shrinkage': 'shrinkage beyond the cap',
};

const causes: Partial<Record<Fault['kind'], string>> = {
  lost: 'posting_stuck',
  doubled: 'double_posting_suspect',
  'in packs': 'unit_suspect',
};

/** Of the exports, the first that can show a fault: one before the shop opens, one before it happens. */
const firstShowing = 2;

function faultFinding(
  fault: Fault,
  reports: readonly RunReport[],
  approved: ReadonlyMap<string, number>,
): Finding {
  const { kind, sku, units, document } = fault;
  const planted = `${names[kind]} (${document === undefined ? '' : `${document}, `}${signed(units)})`;
  const before = reports.slice(0, firstShowing).flatMap((report) => mentionsOf(sku, report));
  const mentions = reports.slice(firstShowing).map((report) => mentionsOf(sku, report));
  const said = mentions.map((of) => of.map(({ list, line }) => sentence(list, line)).join(' and '));
  const found = [...new Set(said.map((text) => text || 'agrees'))].join(', then ');
  const cause = causes[kind];
  if (cause !== undefined) {
    // Explained in every run for as long as it lasts, by the document that is wrong.
    const isRight = mentions.every(([only, second]) => {
      const { cause: named, documents = [] } = only?.line ?? {};
      return second === undefined && named === cause && documents.join() === document;
    });
    return { planted, sku, found, isRight: isRight && before.length === 0 };
  }
  const lists = mentions.map((of) => of.map(({ list }) => list).join());
  const last = mentions[1]?.[0]?.line;
  const isProven = last?.delta === units && lists[0] === 'waiting';
  if (kind === 'shrinkage') {
    const isRight = isProven && lists.join('|') === 'waiting|corrected|||';
    return { planted, sku, found, isRight: isRight && before.length === 0 };
  }
  const isRight = isProven && lists.slice(1).every((list) => list === 'quarantined');
  const isApproved = approved.get(sku) === units;
  return { planted, sku, found: `${found}, then approved`, isRight: isRight && isApproved };
}

interface Mention {
  readonly list: 'corrected' | 'quarantined' | 'explained' | 'waiting' | 'netted';
  readonly line: ReportedLine;
}

function mentionsOf(sku: string, report: RunReport): Mention[] {
  const lists = ['corrected', 'quarantined', 'explained', 'waiting'] as const;
  return lists.flatMap((list) =>
    (report[list] ?? []).filter((line) => line.sku === sku).map((line) => ({ list, line })),
  );
}

function sentence(list: Mention['list'], line: ReportedLine): string {
  const { cause, documents = [], delta, result, drift } = line;
  if (list === 'explained') return `explained: ${cause?.replaceAll('_', ' ')} ${documents.join()}`;
  if (list === 'waiting') return `drift ${signed(drift)} seen once`;
  if (list === 'quarantined') return `quarantined ${signed(delta ?? 0)}`;
  return `${list} by ${signed(delta ?? 0)} (${result})`;
}

function boxFinding(sku: string, reports: readonly RunReport[]): Finding {
  const refusals = reports.flatMap(({ refusedLines = [] }) => refusedLines);
  const mentions = reports.flatMap((report) => mentionsOf(sku, report));
  const found = refusals.map(({ reason, message }) => `line refused: ${reason}: ${message}`).join();
  const isRight = refusals.length === 1 && refusals[0]?.reason === 'unit' && mentions.length === 0;
  return { planted: 'wrong unit: a line in boxes', sku, found: found || 'nothing', isRight };
}

/** Sales that the ERP had not posted at an export must not look like drift. */
function inFlightFinding(faults: Faults, { exports }: DayResult): Finding {
  const planted = new Set(faults.planted.map(({ sku }) => sku));
  let count = 0;
  let wronged = 0;
  for (const { report, inFlight } of exports) {
    for (const sku of inFlight) {
      if (planted.has(sku)) continue;
      count += 1;
      if (mentionsOf(sku, report).length > 0) wronged += 1;
    }
  }
  const possible = exports.reduce((sum, { report }) => sum + (report.lines?.inFlight ?? 0), 0);
  return {
    planted: 'sales in flight',
    sku: `${count} lines`,
    found: `${possible} lines called possible, ${wronged} of the ${count} called drift`,
    isRight: count > 0 && wronged === 0 && possible > 0,
  };
}

function truncatedFinding({ outcome, reason, message }: RunReport): Finding {
  const isRight = outcome === 'refused' && reason === 'too_few_lines';
  const found = `${outcome}: ${reason}: ${message}`;
  return { planted: 'an export cut in half', sku: 'all', found, isRight };
}

/** Nothing is changed but what is planted, and only by what is planted. */
function correctionFinding(
  faults: Faults,
  reports: readonly RunReport[],
  approved: ReadonlyMap<string, number>,
): Finding {
  const allowed = new Map(faults.planted.map(({ sku, units }) => [sku, units]));
  const isLoss = new Map(faults.planted.map(({ sku, kind }) => [sku, causes[kind] === undefined]));
  const made = reports.flatMap(({ corrected = [] }) => corrected);
  const unexplained = [...made.map(({ sku, delta }) => [sku, delta] as const), ...approved].filter(
    ([sku, delta]) => isLoss.get(sku) !== true || allowed.get(sku) !== delta,
  );
  const counted = reports.reduce((sum, { corrections }) => {
    const { lowered, raised, netted } = corrections ?? {};
    return sum + (lowered?.lines ?? 0) + (raised?.lines ?? 0) + (netted?.lines ?? 0);
  }, 0);
  const strangers = reports
    .flatMap((report) => [...(report.explained ?? []), ...(report.waiting ?? [])])
    .filter(({ sku }) => !allowed.has(sku));
  return {
    planted: 'nothing else',
    sku: 'all',
    found:
      `${counted + approved.size} corrections, ${unexplained.length} unexplained, ` +
      `${strangers.length} other lines suspected`,
    isRight: unexplained.length === 0 && strangers.length === 0 && counted === made.length,
  };
}

function stockFinding(
  expected: ReadonlyMap<string, number>,
  onHand: ReadonlyMap<string, number>,
): Finding {
  const wrong = [...expected].filter(([sku, units]) => onHand.get(sku) !== units);
  const [first] = wrong;
  const example =
    first === undefined
      ? ''
      : `, first ${first[0]}: ${onHand.get(first[0])} instead of ${first[1]}`;
  return {
    planted: 'stock of every article',
    sku: `${expected.size} articles`,
    found: `${expected.size - wrong.length} as the file says, ${wrong.length} not${example}`,
    isRight: wrong.length === 0 && onHand.size === expected.size,
  };
}

function refusedFinding(refused: ReadonlyMap<string, number>): Finding {
  const codes = [...refused].map(([code, count]) => `${count} × ${code}`).join(', ');
  return {
    planted: 'commands refused',
    sku: '',
    found: codes || 'none',
    isRight: refused.size === 0,
  };
}

function signed(units: number): string {
  return units > 0 ? `+${units}` : String(units);
}
