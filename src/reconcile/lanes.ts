/** The settings of a lane by its name: the lane itself, the longest beginning that fits, or `*`. */

import { defaultLane, type LaneBook, type LaneSettings } from '../domain/reconciliation/ledger.ts';

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
