/** What befalls nodes and servers while a run lasts: each kind at its drawn rate, at random moments. */

import type { WorldFault } from './engine/faults.ts';
import type { Random } from './engine/random.ts';
import type { NodeHost } from './node-host.ts';
import { assets, type World } from './twins/world.ts';

export interface Disturbance {
  readonly world: World;
  readonly hosts: readonly NodeHost[];
  readonly random: Random;
  readonly rates: Partial<Record<WorldFault, number>>;
  readonly untilMs: number;
}

export function disturb(disturbance: Disturbance): void {
  const { world, random, rates, untilMs } = disturbance;
  for (const [kind, meanMs] of Object.entries(rates) as [WorldFault, number][]) {
    const later = () => {
      const ms = random.between(1, 2 * meanMs);
      if (world.timeline.nowMs + ms >= untilMs) return;
      world.timeline.after(ms, '', () => {
        strike(disturbance, kind);
        later();
      });
    };
    later();
  }
}

function strike({ world, hosts, random }: Disturbance, kind: WorldFault): void {
  const { faults, timeline } = world;
  const host = random.pick(hosts);
  switch (kind) {
    case 'node-crashed':
      if (host.state === 'down') return;
      faults.count(kind);
      return host.crash(random.pick([1, 300, 1_500, 6_000]));
    case 'node-paused': {
      if (host.state !== 'running') return;
      faults.count(kind);
      const { memberTtlMs } = world.options;
      return host.pause(random.pick([50, 300, 1_200, memberTtlMs + 500, 4 * memberTtlMs, 12_000]));
    }
    case 'node-stopped':
      if (host.state !== 'running') return;
      faults.count(kind);
      return host.stop(random.pick([1, 500, 5_000]));
    case 'node-disconnected':
      if (host.state !== 'running') return;
      faults.count(kind);
      return host.disconnect(random.pick([5, 300, 2_000, 5_000]));
    case 'clock-jumped':
      faults.count(kind);
      timeline.mark(`clock of ${host.name} jumps`);
      return host.jumpClock(random.pick([-5_000, -500, -60, 60, 500, 5_000]));
    case 'leader-changed': {
      const hit = random.chance(0.4)
        ? assets
        : random.shuffle(assets).slice(0, random.between(1, 3));
      return world.changeLeaders(hit);
    }
    case 'members-expired':
      return world.members.expireAll();
    case 'server-away':
      return world.takeServerAway(random.pick([300, 2_000, 6_000]));
  }
}
