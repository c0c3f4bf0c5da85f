/**
 * What one run did and why: stored under its run key and as `latest`, published as an event, printed
 * as a table. Lists are bounded; the counts beside them are not.
 */

import type { Breaker, Outage } from '../domain/reconciliation/run.ts';

export type RunOutcome =
  /** Compared, and what was proven has been applied. */
  | 'applied'
  /** Compared, nothing changed on purpose. */
  | 'dry_run'
  /** There was nothing new to compare. */
  | 'nothing'
  /** The snapshot was refused whole. */
  | 'refused'
  /** It would have changed too much: nothing was applied. */
  | 'stopped'
  /** The lease was lost on the way: another reconciler carries on. */
  | 'displaced'
  /** Trouble in the world: tried again later. */
  | 'failed';

/** One line that the report names. */
export interface ReportedLine {
  readonly sku: string;
  readonly location: string;
  /** What the ERP has, and what it may have. */
  readonly observed: number;
  readonly lo: number;
  readonly hi: number;
  readonly drift: number;
  readonly delta?: number;
  readonly snapshotIds?: readonly string[];
  readonly cause?: string;
  readonly lane?: string;
  readonly documents?: readonly string[];
  /** What came of the correction. */
  readonly result?: string;
}

export interface ReportedNetting {
  readonly sku: string;
  readonly location: string;
  readonly delta: number;
  /** The late facts. */
  readonly documents: readonly string[];
  readonly result: string;
}

export interface ReportedRefusal {
  readonly line: number;
  readonly reason: string;
  readonly message: string;
}

/** Units and lines of one kind. */
export interface Tally {
  readonly lines: number;
  readonly units: number;
}

export interface ViewDrift {
  readonly bucket: string;
  readonly checked: number;
  readonly missing: number;
  readonly different: number;
  readonly strangers: number;
  readonly rewritten: number;
}

export interface RunReport {
  readonly run: string;
  readonly source: string;
  readonly mode: 'apply' | 'dry-run';
  readonly outcome: RunOutcome;
  /** Why it ended without being applied: a code, and a sentence. */
  readonly reason?: string;
  readonly message?: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly snapshot?: {
    readonly snapshotId: string;
    readonly asOfFromMs: number;
    readonly asOfToMs: number;
    readonly complete: boolean;
  };
  readonly lines?: {
    readonly received: number;
    readonly refused: number;
    readonly compared: number;
    readonly exact: number;
    readonly inFlight: number;
    readonly drifting: number;
    readonly unknown: number;
    readonly truncated: number;
    readonly missing: number;
  };
  /** Proven drift by what came of it or what explains it. */
  readonly drift?: Readonly<Record<string, Tally>>;
  readonly corrections?: {
    readonly lowered: Tally;
    readonly raised: Tally;
    readonly netted: Tally;
    readonly failed: number;
    readonly quarantined: number;
  };
  /** Share of the drifting lines that an explanation accounts for. */
  readonly explainedShare?: number;
  readonly intervalWidth?: { readonly max: number; readonly mean: number };
  readonly postingLag?: Readonly<Record<string, { documents: number; maxMs: number }>>;
  /** Documents that the ERP has named since the run before, that are none of ours, and what was not understood. */
  readonly acknowledged?: {
    readonly documents: number;
    readonly unknown: number;
    readonly notUnderstood: number;
  };
  readonly oldestComparisonMs?: number;
  readonly neverCompared?: number;
  readonly outages?: readonly Outage[];
  readonly breaker?: Breaker;
  readonly views?: readonly ViewDrift[];
  /** Why the read models could not be looked at. */
  readonly viewsNotChecked?: string;
  readonly corrected?: readonly ReportedLine[];
  readonly quarantined?: readonly ReportedLine[];
  readonly explained?: readonly ReportedLine[];
  readonly waiting?: readonly ReportedLine[];
  readonly netted?: readonly ReportedNetting[];
  readonly refusedLines?: readonly ReportedRefusal[];
}

/** The most lines that one list of a report names. */
export const reportedLinesMax = 200;
