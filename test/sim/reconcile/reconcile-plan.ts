/**
 * What a seed draws where an ERP is reconciled with: how the ERP posts, what goes wrong there, how
 * snapshots are made, and the reconciler's settings: short times and small numbers, so that there is
 * something to correct within a run.
 */

import type { Random } from '../engine/random.ts';

export interface ReconcilePlan {
  /** Longest time from recording (the till: from happening) to posting, as the ERP's lanes promise. */
  readonly lagMs: number;
  /** Clock difference that lanes are granted. */
  readonly skewMs: number;
  /** Shares of documents that the ERP loses, posts twice, posts later than promised, acknowledges. */
  readonly lostShare: number;
  readonly doubledShare: number;
  readonly lateShare: number;
  readonly acknowledgedShare: number;
  /** Snapshots say up to where lanes are posted. */
  readonly watermarks: boolean;
  /** Mean time between two things that the ERP knows first: thefts, finds, sales at the till. */
  readonly hiddenEveryMs: number;
  /** Share of them that we are told, and how much later at most. */
  readonly toldShare: number;
  readonly toldAfterMs: number;
  readonly snapshotEveryMs: number;
  /** How long reading the ERP's stock takes. */
  readonly windowMs: number;
  /** Shares of snapshots that lack lines; of fetches that get an older one, one again, or nothing. */
  readonly partialShare: number;
  readonly olderShare: number;
  readonly repeatedShare: number;
  readonly unreachableShare: number;
  /** A share of the SKUs has an ERP without any fault: nothing may ever be corrected there. */
  readonly troubledShare: number;

  readonly mode: 'apply' | 'dry-run';
  readonly everyMs: number;
  readonly leaseLapseMs: number;
  /** Until faults stop every node believes that the lease is its own. */
  readonly splitLease: boolean;
  /** What the operator does with proposals. */
  readonly operator: 'approves' | 'rejects' | 'away';
  readonly rules: {
    readonly toleranceUnits: number;
    readonly proofsToLower: number;
    readonly proofsToRaise: number;
    readonly perLineMaxUnits: number;
    readonly breakerLinesFloor: number;
    readonly breakerUnitsFloor: number;
    readonly explainWindowMs: number;
  };
}

export function drawReconcilePlan(random: Random): ReconcilePlan {
  const isGuarded = random.chance(0.15);
  const mostly = (share: number) => (random.chance(0.8) ? share : 0);
  return {
    lagMs: random.pick([200, 500, 900]),
    skewMs: random.pick([150, 400]),
    lostShare: mostly(0.04),
    doubledShare: mostly(0.04),
    lateShare: mostly(0.06),
    acknowledgedShare: random.pick([0, 0.5, 1]),
    watermarks: random.chance(0.3),
    hiddenEveryMs: random.pick([600, 1_500, 4_000]),
    toldShare: random.pick([0, 0.5, 0.8]),
    toldAfterMs: random.pick([500, 3_000, 8_000]),
    snapshotEveryMs: random.pick([500, 900, 1_500]),
    windowMs: random.pick([0, 20, 250]),
    partialShare: random.pick([0, 0.2, 0.5]),
    olderShare: mostly(0.1),
    repeatedShare: mostly(0.1),
    unreachableShare: mostly(0.1),
    troubledShare: random.pick([0.4, 0.7]),
    mode: random.chance(0.06) ? 'dry-run' : 'apply',
    everyMs: random.pick([300, 700, 1_200]),
    leaseLapseMs: random.pick([400, 1_000, 2_500]),
    splitLease: random.chance(0.4),
    operator: random.pick(['approves', 'rejects', 'away'] as const),
    rules: {
      toleranceUnits: random.pick([0, 0, 1]),
      proofsToLower: random.pick([1, 2, 2]),
      proofsToRaise: random.pick([2, 3, 3]),
      perLineMaxUnits: random.pick([5, 50, 50]),
      breakerLinesFloor: isGuarded ? 2 : 1_000,
      breakerUnitsFloor: isGuarded ? 10 : 1_000_000,
      explainWindowMs: random.pick([1_500, 4_000, 60_000]),
    },
  };
}
