// Commands at a fixed rate, whether the ones before have been answered or not, and how long each took from the moment
// at which it was due: a system that stands still for a second has kept a second's worth of callers waiting.

import { connectClient } from '../../../src/client/index.ts';
import { type Percentiles, percentiles, randomFrom } from '../harness/numbers.ts';
import { paced } from '../harness/paced.ts';
import { ReceiptBook, type Receipts } from '../harness/receipts.ts';
import type { Line } from '../harness/worker.ts';
import type { SkuRange } from '../harness/workloads.ts';

export interface Window {
  readonly perSecond: number;
  readonly seconds: number;
  /** Before those that are counted, at the same rate. Default: 0. */
  readonly warmUpSeconds?: number;
}

export interface OpenLoopParams {
  readonly name: string;
  readonly url: string;
  readonly channel: string;
  /** One after the other. */
  readonly windows: readonly Window[];
  readonly skus: SkuRange;
  readonly verb: 'reserve' | 'sell';
  readonly ttlMs?: number;
}

export interface OpenLoopResult {
  /** Milliseconds from when a command was due until its reply, in each window. */
  readonly latencyMs: readonly Percentiles[];
  readonly accepted: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly receipts: Receipts;
}

export async function run(line: Line<OpenLoopParams>): Promise<OpenLoopResult> {
  const { name, url, channel, windows, skus, verb, ttlMs } = line.params;
  const client = await connectClient({ servers: url, channel, deadlineMs: 30_000 });
  const book = new ReceiptBook(name);
  const random = randomFrom(11);
  await line.ready();

  const command = async (): Promise<void> => {
    const id = book.nextId();
    const sku = skus.prefix + Math.floor(random() * skus.count);
    try {
      const reply =
        verb === 'sell'
          ? await client.sell({ id, sku, qty: 1 })
          : await client.reserve({ id, sku, qty: 1, ...(ttlMs === undefined ? {} : { ttlMs }) });
      book.note(id, reply);
    } catch (error) {
      book.lost(id, error);
    }
  };
  const latencyMs: Percentiles[] = [];
  for (const { perSecond, seconds, warmUpSeconds = 0 } of windows) {
    const latencies: number[] = [];
    const countedFrom = performance.now() + warmUpSeconds * 1_000;
    const total = Math.floor(perSecond * (seconds + warmUpSeconds));
    await paced(
      perSecond,
      (sent) => sent >= total,
      async (dueAt) => {
        await command();
        if (dueAt >= countedFrom) latencies.push(performance.now() - dueAt);
      },
    );
    latencyMs.push(percentiles(latencies));
  }
  await client.close();
  const { accepted, codes, receipts } = book;
  return { latencyMs, accepted, codes, receipts };
}
