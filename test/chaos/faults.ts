// What is done to nodes and servers, drawn from the seed: one fault after another, never the last healthy server.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../sim/engine/random.ts';
import type { TestNats } from '../support/nats.ts';
import type { NodeProcess } from '../support/node-process.ts';

export const faultKinds = [
  'node killed',
  'node frozen',
  'node stopped',
  'server killed',
  'server frozen',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface Victims {
  readonly servers: readonly TestNats[];
  /** The node of each place, now. */
  readonly nodes: (NodeProcess | undefined)[];
  startNode(place: number): NodeProcess;
}

export interface Faults {
  readonly counts: ReadonlyMap<FaultKind, number>;
  /** Stops making trouble, and has everything run again. */
  heal(): Promise<void>;
}

/** In a cluster a second server is not touched before the first is back in step. */
const clusterCalmMs = 12_000;

export function startFaults(random: Random, victims: Victims, log: (line: string) => void): Faults {
  const counts = new Map<FaultKind, number>();
  const busy = new Set<number>();
  const repairs = new Set<Promise<void>>();
  let serverFreeMs = 0;
  let over = false;
  let wake = () => {};

  const pause = (ms: number) =>
    Promise.race([sleep(ms), new Promise<void>((resolve) => (wake = resolve))]);

  const begin = (kind: FaultKind, what: string, repair: () => Promise<void>) => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    log(`${kind}: ${what}`);
    const repaired = repair().finally(() => repairs.delete(repaired));
    repairs.add(repaired);
  };

  function hurtNode(kind: FaultKind): void {
    const place = random.between(0, victims.nodes.length - 1);
    const forMs = random.between(200, kind === 'node frozen' ? 7_000 : 3_000);
    const node = victims.nodes[place];
    if (busy.has(place) || !node) return;
    busy.add(place);
    begin(kind, `${node.name}, for ${forMs} ms`, async () => {
      if (kind === 'node frozen') {
        node.signal('SIGSTOP');
        await pauseUnlessOver(forMs);
        node.signal('SIGCONT');
      } else {
        node.signal(kind === 'node killed' ? 'SIGKILL' : 'SIGTERM');
        await node.exited;
        await pauseUnlessOver(forMs);
        victims.nodes[place] = victims.startNode(place);
      }
      busy.delete(place);
    });
  }

  function hurtServer(kind: FaultKind): void {
    const server = victims.servers[random.between(0, victims.servers.length - 1)] as TestNats;
    const forMs = random.between(100, kind === 'server frozen' ? 5_000 : 3_000);
    if (Date.now() < serverFreeMs) return;
    serverFreeMs = Number.POSITIVE_INFINITY;
    begin(kind, `${server.server.pid}, for ${forMs} ms`, async () => {
      if (kind === 'server frozen') {
        await server.pause();
        await pauseUnlessOver(forMs);
        server.resume();
      } else {
        await server.kill();
        await pauseUnlessOver(forMs);
        await server.restart();
      }
      const calmMs = victims.servers.length > 1 ? clusterCalmMs : 2_000;
      serverFreeMs = Date.now() + calmMs;
    });
  }

  const pauseUnlessOver = (ms: number) => (over ? Promise.resolve() : sleep(ms));

  const making = (async () => {
    while (!over) {
      await pause(random.between(300, 4_000));
      if (over) return;
      const kind = random.weighted<FaultKind>([
        ['node killed', 4],
        ['node frozen', 3],
        ['node stopped', 2],
        ['server killed', 2],
        ['server frozen', 1],
      ]);
      if (kind.startsWith('node')) hurtNode(kind);
      else hurtServer(kind);
    }
  })();

  return {
    counts,
    async heal() {
      over = true;
      wake();
      await making;
      await Promise.all(repairs);
      log('healed');
    },
  };
}
