// From a commit to a subscriber of the channel's view: sells at a fixed rate and watches the republished view. Each
// change counts from its reply, which is when its commit was durable, until a row that shows it arrives.

import { connect } from '@nats-io/transport-node';
import { connectClient } from '../../../src/client/index.ts';
import { type Percentiles, percentiles, randomFrom } from '../harness/numbers.ts';
import { ReceiptBook, type Receipts } from '../harness/receipts.ts';
import type { Line } from '../harness/worker.ts';
import type { SkuRange } from '../harness/workloads.ts';

export interface ViewWatchParams {
  readonly name: string;
  readonly url: string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly skus: SkuRange;
}

export interface ViewWatchResult {
  readonly lagMs: Percentiles;
  /** Changes whose row never came. */
  readonly missing: number;
  readonly rows: number;
  readonly receipts: Receipts;
}

interface Change {
  readonly version: number;
  readonly at: number;
}

export async function run(line: Line<ViewWatchParams>): Promise<ViewWatchResult> {
  const { name, url, perSecond, seconds, skus } = line.params;
  const client = await connectClient({ servers: url, channel: 'web', deadlineMs: 30_000 });
  const subscriber = await connect({ servers: url.split(',') });
  const waiting = new Map<string, Change[]>();
  const shown = new Map<string, number>();
  const lags: number[] = [];
  let rows = 0;
  subscriber.subscribe('inv.pub.view.web.>', {
    callback: (_error, message) => {
      const now = performance.now();
      const { sku, version } = message.json<{ sku: string; version: number }>();
      rows += 1;
      shown.set(sku, version);
      const changes = waiting.get(sku);
      while (changes?.length && changes[0]!.version <= version)
        lags.push(now - changes.shift()!.at);
    },
  });
  await subscriber.flush();
  const book = new ReceiptBook(name);
  const random = randomFrom(13);
  await line.ready();

  const one = async () => {
    const id = book.nextId();
    const sku = skus.prefix + Math.floor(random() * skus.count);
    try {
      const reply = await client.sell({ id, sku, qty: 1 });
      if (!book.note(id, reply) || !reply.ok) return;
      const { version } = reply;
      if ((shown.get(sku) ?? 0) >= version) return void lags.push(0);
      const changes = waiting.get(sku) ?? [];
      changes.push({ version, at: performance.now() });
      waiting.set(
        sku,
        changes.sort((a, b) => a.version - b.version),
      );
    } catch (error) {
      book.lost(id, error);
    }
  };
  const startedAt = performance.now();
  const total = perSecond * seconds;
  let sent = 0;
  while (sent < total) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) * perSecond) / 1_000));
    for (; sent < due; sent++) void one();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  let missing = 0;
  for (const changes of waiting.values()) missing += changes.length;
  await client.close();
  await subscriber.close();
  return { lagMs: percentiles(lags), missing, rows, receipts: book.receipts };
}
