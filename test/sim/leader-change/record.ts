/**
 * `npm run sim:record`: kills the leader of a real cluster of three, a few times, and writes down what
 * the ports answered around it, for `leader-change.test.ts` to hold the twins against. Run once per
 * version of the server; what it found lies in `recorded.json`, and is added to what that version has
 * shown before: a busy machine shows other things than an idle one.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bucketStream } from '../../../src/nats/adapter-names.ts';
import type { NatsPorts } from '../../../src/nats/nats-ports.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { freshPrefix, openPorts, until, untilItWorks } from '../../support/deployment.ts';
import { startCluster, type TestCluster } from '../../support/nats.ts';
import { Probes } from './probes.ts';
import { type Change, changeOf, type Recording } from './recording.ts';

const timesKilled = Number(process.argv[2] ?? 6);
const file = new URL('../../../../test/sim/leader-change/recorded.json', import.meta.url);
const timeoutMs = 1_500;
const beforeMs = 1_500;
const afterMs = 16_000;

interface Cluster {
  readonly leader?: string;
  readonly replicas?: readonly { readonly current: boolean; readonly offline?: boolean }[];
}

async function clusterOf(node: NatsPorts, stream: string): Promise<Cluster> {
  const info = await untilItWorks(() => node.api.info(stream));
  return (info as unknown as { cluster?: Cluster }).cluster ?? {};
}

function streamsOf({ names }: NatsPorts): string[] {
  const { snapshots, nodes } = names.buckets;
  return [names.streams.journal, bucketStream(snapshots), bucketStream(nodes)];
}

/** Makes one server the leader of everything that is probed. */
async function leadFrom(node: NatsPorts, name: string): Promise<void> {
  for (const stream of streamsOf(node)) {
    await until(async () => {
      const { leader, replicas = [] } = await clusterOf(node, stream);
      const isReady = replicas.every((one) => one.current && one.offline !== true);
      if (leader === name) return isReady;
      if (isReady) {
        const placement = { placement: { preferred: name } };
        await node.api.call(`STREAM.LEADER.STEPDOWN.${stream}`, placement).catch(() => {});
      }
      await sleep(500);
      return false;
    }, `${name} leading ${stream}`);
  }
}

async function recordOne(cluster: TestCluster, victim: number): Promise<Change> {
  const name = `n${victim + 1}`;
  const urls = cluster.urls.filter((_, index) => index !== victim).join(',');
  const prefix = freshPrefix();
  const options = { requestTimeoutMs: timeoutMs, appendTimeoutMs: timeoutMs };
  const [one, two] = [
    await openPorts(urls, prefix, options),
    await openPorts(urls, prefix, options),
  ];
  await leadFrom(one, name);
  const { journal, snapshots, members } = one.ports;
  const rival = two.ports.journal;
  const probes = new Probes({ clock: systemClock, journal, rival, snapshots, members });
  const startMs = systemClock.now();
  const running = probes.run();
  await sleep(beforeMs);
  const deathMs = systemClock.now() - startMs;
  await cluster.servers[victim]?.kill();
  await sleep(afterMs);
  probes.stop();
  await running;
  await cluster.servers[victim]?.restart();
  await cluster.ready();
  await one.close();
  await two.close();
  return changeOf(probes.samples, deathMs);
}

const cluster = await startCluster();
try {
  const server = cluster.servers[0]?.server.version ?? 'unknown';
  const before = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as Recording)
    : undefined;
  const changes: Change[] = before?.server === server ? [...before.changes] : [];
  for (let time = 0; time < timesKilled; time++) {
    changes.push(await recordOne(cluster, time % 3));
    console.log(`${time + 1} of ${timesKilled}`);
  }
  const recording: Recording = { server, timeoutMs, changes };
  writeFileSync(file, `${JSON.stringify(recording, undefined, 2)}\n`);
} finally {
  await cluster.stop();
}
