// A lastunit node, put together as the command line does it, without console.

import { randomUUID } from 'node:crypto';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { createNatsPorts } from '../../../src/nats/nats-ports.ts';
import { createNode } from '../../../src/runtime/node.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { NodeFigures } from '../harness/node-figures.ts';
import type { Line } from '../harness/worker.ts';

export interface NodeParams {
  readonly url: string;
  readonly name: string;
  /** As in `config/lastunit.json`. */
  readonly config: Readonly<Record<string, unknown>>;
}

export async function run(line: Line<NodeParams>): Promise<unknown> {
  const { url, name, config: raw } = line.params;
  const resolved = resolveConfig(raw);
  if (resolved.problems) throw new Error(resolved.problems.join('\n'));
  const { config } = resolved;
  const nats = await createNatsPorts({
    nats: { url, name },
    prefix: config.prefix,
    partitions: config.partitions,
    viewChannels: [...config.rules.channels.values()].filter((c) => c.view).map((c) => c.name),
    clock: systemClock,
    eventsRetentionMs: config.limits.eventsRetentionMs,
    memberTtlSeconds: config.limits.memberTtlMs / 1_000,
  });
  const figures = new NodeFigures();
  const warn = (fields: object, message: string) => console.error(name, message, fields);
  const node = createNode(config, nats.ports, {
    name,
    incarnation: randomUUID(),
    metrics: figures,
    log: { debug() {}, info() {}, warn, error: warn },
  });
  await node.start();
  await line.ready();
  await line.told('stop');
  const taken = figures.summary();
  await node.stop();
  await nats.close();
  return taken;
}
