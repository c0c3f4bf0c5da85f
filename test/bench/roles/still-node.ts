// The processor time of a node alone, per command: frames that are ready, ports that cost nothing.

import { randomUUID } from 'node:crypto';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { partitionOf, skuKeyOf } from '../../../src/domain/names.ts';
import { CountingMetrics } from '../../../src/runtime/metrics.ts';
import { createNode } from '../../../src/runtime/node.ts';
import { createStillWorld } from '../harness/still-ports.ts';
import type { Line } from '../harness/worker.ts';

export interface StillParams {
  readonly kind: 'hot' | 'spread';
  /** Commands per repetition. */
  readonly commands: number;
  readonly repetitions: number;
  readonly frame: number;
  readonly framesInFlight: number;
  readonly skus: number;
}

export interface StillResult {
  /** Microseconds of processor time per command, all threads, one per repetition. */
  readonly cpuUs: readonly number[];
  readonly journalBytesPerCommand: number;
}

const encoder = new TextEncoder();

export async function run(line: Line<StillParams>): Promise<StillResult> {
  const { kind, commands, repetitions, frame, framesInFlight, skus } = line.params;
  const resolved = resolveConfig({
    limits: { residentsMax: 200_000, stallMaxMs: 600_000, memberTtlMs: 600_000 },
  });
  if (resolved.problems) throw new Error(resolved.problems.join('\n'));
  const { config } = resolved;
  const sinks = kind === 'hot' ? ['web', 'mobile', 'marketplace', 'pos'] : ['web'];
  const views = sinks.map((channel) => `view.${channel}`);
  const world = createStillWorld(['stock', ...views, 'events']);
  const log = { debug() {}, info() {}, warn: console.error, error: console.error };
  const metrics = new CountingMetrics();
  const incarnation = randomUUID();
  const node = createNode(config, world.ports, { name: 'n1', incarnation, log, metrics });
  await node.start();

  const names = Array.from({ length: kind === 'hot' ? 1 : skus }, (_, index) => `S-${index}`);
  const byPartition = new Map<number, string[]>();
  for (const sku of names) {
    const partition = partitionOf(skuKeyOf(sku), config.partitions);
    byPartition.set(partition, [...(byPartition.get(partition) ?? []), sku]);
  }
  const partitions = [...byPartition.keys()];
  const send = async (channel: string, partition: number, elements: readonly string[]) => {
    const payload = encoder.encode(`[${elements.join(',')}]`);
    const reply = await world.request(`inv.p.${partition}.${channel}`, payload);
    if (reply.includes('"ok":false')) throw new Error(reply.slice(0, 500));
  };
  for (const [partition, list] of byPartition) {
    for (let from = 0; from < list.length; from += 500) {
      const slice = list.slice(from, from + 500);
      await send(
        'wms',
        partition,
        slice.map((sku) => `{"verb":"receive","id":"in-${sku}","sku":"${sku}","qty":1000000000}`),
      );
    }
  }

  let counter = 0;
  /** Reserve; on many SKUs each hold is ended by the next command on the SKU. */
  const open = new Map<string, string>();
  const element = (sku: string): string => {
    const id = `load.${++counter}`;
    const reservation = open.get(sku);
    if (kind === 'hot' || reservation === undefined) {
      if (kind !== 'hot') open.set(sku, id);
      return `{"verb":"reserve","id":"${id}","sku":"${sku}","qty":1}`;
    }
    open.delete(sku);
    return counter % 2 === 0
      ? `{"verb":"confirm","id":"${id}","sku":"${sku}","reservation":"${reservation}","order":"o-1"}`
      : `{"verb":"release","id":"${id}","sku":"${sku}","reservation":"${reservation}"}`;
  };
  let turn = 0;
  const frames = (count: number) =>
    Array.from({ length: count }, () => {
      const partition = partitions[turn++ % partitions.length] as number;
      const list = byPartition.get(partition) as string[];
      const elements = Array.from({ length: frame }, () =>
        element(list[Math.floor(Math.random() * list.length)] as string),
      );
      return { partition, payload: encoder.encode(`[${elements.join(',')}]`) };
    });

  await line.ready();
  const cpuUs: number[] = [];
  let bytes = 0;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const ready = frames(Math.ceil(commands / frame));
    const before = process.cpuUsage();
    const bytesBefore = world.journalBytes();
    let next = 0;
    const lane = async () => {
      while (next < ready.length) {
        const { partition, payload } = ready[next++]!;
        const reply = await world.request(`inv.p.${partition}.web`, payload);
        if (!reply.startsWith('[')) throw new Error(reply.slice(0, 300));
      }
    };
    await Promise.all(Array.from({ length: framesInFlight }, lane));
    const cpu = process.cpuUsage(before);
    cpuUs.push((cpu.user + cpu.system) / (ready.length * frame));
    bytes = (world.journalBytes() - bytesBefore) / (ready.length * frame);
  }
  if (metrics.actorFailures > 0) throw new Error('an actor failed');
  return { cpuUs, journalBytesPerCommand: bytes };
}
