// Sales at a fixed rate until told to stop, each with the time at which it was due: what happened meanwhile can be told
// apart afterwards.

import { connectClient } from '../../../src/client/index.ts';
import { randomFrom } from '../harness/numbers.ts';
import { paced } from '../harness/paced.ts';
import { ReceiptBook, type Receipts } from '../harness/receipts.ts';
import type { Line } from '../harness/worker.ts';
import type { SkuRange } from '../harness/workloads.ts';

export interface SteadySalesParams {
  readonly name: string;
  readonly url: string;
  readonly perSecond: number;
  readonly skus: SkuRange;
}

export interface SteadySalesResult {
  /** When each sale was due, in milliseconds since the epoch, and how long after that its reply came. */
  readonly samples: readonly (readonly [dueAtMs: number, latencyMs: number])[];
  readonly codes: Readonly<Record<string, number>>;
  readonly receipts: Receipts;
}

export async function run(line: Line<SteadySalesParams>): Promise<SteadySalesResult> {
  const { name, url, perSecond, skus } = line.params;
  const client = await connectClient({ servers: url, channel: 'web', deadlineMs: 30_000 });
  const book = new ReceiptBook(name);
  const random = randomFrom(7);
  const samples: (readonly [number, number])[] = [];
  let isOver = false;
  await line.ready();
  void line.told('stop').then(() => {
    isOver = true;
  });
  await paced(
    perSecond,
    () => isOver,
    async (dueAt) => {
      const id = book.nextId();
      const sku = skus.prefix + Math.floor(random() * skus.count);
      try {
        book.note(id, await client.sell({ id, sku, qty: 1 }));
      } catch (error) {
        book.lost(id, error);
      }
      samples.push([performance.timeOrigin + dueAt, performance.now() - dueAt]);
    },
  );
  await client.close();
  return { samples, codes: book.codes, receipts: book.receipts };
}
