/** One process's ports, bound to the world by one link. */

import type { Ports } from '../../../src/ports.ts';
import { busTwin } from './bus.ts';
import { factsTwin } from './facts.ts';
import { journalTwin } from './journal.ts';
import type { Link } from './link.ts';
import { membersTwin } from './members.ts';
import { sinkTwin } from './sinks.ts';
import { snapshotsTwin } from './snapshots.ts';

export function portsTwin(link: Link): Ports {
  const { world, process } = link;
  return {
    clock: process.clock,
    journal: journalTwin(link),
    snapshots: snapshotsTwin(link),
    sinks: [...world.sinks.values()].map((state) => sinkTwin(link, state)),
    members: membersTwin(link),
    bus: busTwin(link),
    facts: factsTwin(link),
  };
}
