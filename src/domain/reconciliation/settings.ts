/**
 * What reconciliation goes by, apart from lanes: when a proof is enough, what is left alone, what
 * needs a human. Resolved from the configuration, without blanks.
 */

export interface ReconciliationRules {
  /** Drift up to this many units is counted and left alone. */
  readonly toleranceUnits: number;
  /** Snapshots in a row that have to prove a drift before stock is lowered. */
  readonly proofsToLower: number;
  /** The same before stock is raised: selling what is not there is worse than not selling. */
  readonly proofsToRaise: number;
  /** A larger correction of one line waits for approval. */
  readonly perLineMaxUnits: number;
  /** Share of a run's lines (0 … 1) above which nothing is applied … */
  readonly breakerLinesShare: number;
  /** … unless it is no more than this many lines: in a tiny catalogue one line is a large share. */
  readonly breakerLinesFloor: number;
  /** Share of a run's units (0 … 1) above which nothing is applied … */
  readonly breakerUnitsShare: number;
  /** … unless it is no more than this many units. */
  readonly breakerUnitsFloor: number;
  /** Documents older than this, seen from the snapshot, explain nothing. */
  readonly explainWindowMs: number;
  /** Units that a pack may hold, for SKUs whose snapshot line names no pack size. */
  readonly packSizes: readonly number[];
  /** Share of a lane's or location's active lines that have to drift at once to be an outage … */
  readonly outageShare: number;
  /** … and how many lines at least. */
  readonly outageLinesMin: number;
  /** Past snapshots that are remembered per line that has not agreed exactly since. */
  readonly historyMax: number;
}

export const defaultReconciliationRules: ReconciliationRules = {
  toleranceUnits: 0,
  proofsToLower: 2,
  proofsToRaise: 3,
  perLineMaxUnits: 50,
  breakerLinesShare: 0.02,
  breakerLinesFloor: 2,
  breakerUnitsShare: 0.01,
  breakerUnitsFloor: 10,
  explainWindowMs: 48 * 60 * 60_000,
  packSizes: [],
  outageShare: 0.2,
  outageLinesMin: 10,
  historyMax: 24,
};
