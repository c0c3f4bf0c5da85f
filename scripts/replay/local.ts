/** A nats-server and a node for one replay, in a directory of their own that is removed afterwards. */

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { LastunitConfig } from '../../src/config/config.ts';
import { startEmbeddedServer } from '../../src/nats/embedded-server.ts';
import { createNatsPorts } from '../../src/nats/nats-ports.ts';
import { createNode } from '../../src/runtime/node.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';

export interface Local {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startLocal(config: LastunitConfig): Promise<Local> {
  const dataDir = mkdtempSync(join(tmpdir(), 'lastunit-replay-'));
  const server = await startEmbeddedServer({ dataDir });
  const channels = [...config.rules.channels.values()];
  const nats = await createNatsPorts({
    nats: { url: server.url, name: 'replay' },
    prefix: config.prefix,
    partitions: config.partitions,
    viewChannels: channels.filter(({ view }) => view).map(({ name }) => name),
    clock: systemClock,
  });
  const log = pino({ level: 'warn' }, pino.destination(2));
  const node = createNode(config, nats.ports, { name: 'replay', incarnation: randomUUID(), log });
  await node.start();
  return {
    url: server.url,
    async stop() {
      await node.stop();
      await nats.close();
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
