/** What a source's settings say of lanes. */

import { defaultLane, type LaneBook, type LaneSettings } from '../domain/reconciliation/ledger.ts';
import type { ReconcileSettings } from './settings.ts';

/** Entries are kept apart for this many posting lags after the last exact agreement. */
export const lagsKept = 4;

/** How long a source's snapshots may be uncertain about an entry. */
export function needsMs({ lanes, admission }: ReconcileSettings): number {
  const lags = [defaultLane, ...Object.values(lanes)].map((lane) => {
    return lane.maxPostingLagMs + lane.clockSkewMs;
  });
  return admission.ageMaxMs + lagsKept * Math.max(...lags);
}

/** The settings of a lane by its name: the lane itself, the longest beginning that fits, or `*`. */
export function laneBook(lanes: Readonly<Record<string, LaneSettings>>): LaneBook {
  const known = new Map<string, LaneSettings>();
  const beginnings = Object.keys(lanes)
    .filter((name) => name.endsWith('*'))
    .map((name) => [name.slice(0, -1), lanes[name]!] as const)
    .sort(([a], [b]) => b.length - a.length);
  return (lane) => {
    let settings = known.get(lane);
    if (settings === undefined) {
      const beginning = beginnings.find(([start]) => lane.startsWith(start));
      settings = (Object.hasOwn(lanes, lane) ? lanes[lane] : beginning?.[1]) ?? defaultLane;
      known.set(lane, settings);
    }
    return settings;
  };
}
