/**
 * `lastunit up --demo`: a sample catalogue, and a few channels that sell it at a pace that can be followed. All of it
 * goes through the public contract; nothing here knows more than a customer would.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, connectClient } from '../../client/index.ts';
import { packageRoot } from '../../http/package-info.ts';
import type { Context } from '../context.ts';
import { importFile } from '../import/import-file.ts';
import type { Lifetime } from '../lifetime.ts';
import type { Pino } from '../log.ts';
import { withSession } from '../session.ts';
import { Shoppers } from './shoppers.ts';

export interface DemoOptions {
  readonly context: Context;
  readonly natsUrl: string;
  readonly log: Pino;
  readonly lifetime: Lifetime;
}

const catalogue = 'catalogue.csv';
const channels = ['web', 'mobile', 'marketplace', 'pos', 'wms'] as const;

export type DemoChannel = (typeof channels)[number];

/** Resolves once the catalogue is there and the first customers are on their way. */
export async function startDemo(options: DemoOptions): Promise<void> {
  const { context, natsUrl, log, lifetime } = options;
  const { prefix, rules } = context.config;
  const missing = channels.filter((channel) => !rules.channels.has(channel));
  if (missing.length > 0) {
    log.warn({ missing }, 'no demo: the configuration does not have its channels');
    return;
  }
  const clients = await Promise.all(
    channels.map((channel) =>
      connectClient({ servers: natsUrl, prefix, channel, name: `lastunit-demo-${channel}` }),
    ),
  );
  const byChannel = Object.fromEntries(
    channels.map((channel, at) => [channel, clients[at]]),
  ) as unknown as Readonly<Record<DemoChannel, Client>>;
  await lifetime.onClose(async () => {
    await Promise.all(clients.map((client) => client.close()));
  });
  const skus = await importCatalogue(options, byChannel.wms);
  const shoppers = new Shoppers(byChannel, skus, (channel, text) =>
    log.info({ demo: channel }, `${channel.padEnd(11)} ${text}`),
  );
  await lifetime.onClose(() => shoppers.stop());
  shoppers.start();
}

/** Imports the sample once; a later start finds it imported. Returns the SKUs. */
async function importCatalogue(options: DemoOptions, client: Client): Promise<string[]> {
  const { context, natsUrl, log } = options;
  const content = readFileSync(join(packageRoot(), 'config', catalogue));
  const here = { ...context, environment: { ...context.environment, natsUrl } };
  const { imported, skus } = await withSession(here, async (session) => {
    const file = { content, file: catalogue, as: 'receive', channel: 'wms' } as const;
    const done = await importFile({ ...file, client, session, progress: () => {} });
    const { skus: names } = await session.read.skus(1_000);
    return { imported: done, skus: names };
  });
  const { applied } = imported;
  if (applied > 0) log.info({ demo: 'wms' }, `sample catalogue: ${applied} rows received`);
  else log.info({ demo: 'wms' }, 'sample catalogue: imported earlier, stock goes on from there');
  // The read model follows a moment later; the file says the same.
  return skus.length > 0 ? skus : skusIn(content);
}

function skusIn(content: Uint8Array): string[] {
  const lines = new TextDecoder().decode(content).split('\n').slice(1);
  const plain = lines
    .map((line) => line.split(',')[0] ?? '')
    .filter((sku) => /^[\w./-]+$/.test(sku));
  return [...new Set(plain)];
}
