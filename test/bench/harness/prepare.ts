// Stock before a run.

import { connectClient } from '../../../src/client/index.ts';
import type { SkuRange } from './workloads.ts';

/** Receives `qty` of one SKU. */
export async function stockOne(url: string, sku: string, qty: number): Promise<void> {
  const client = await connectClient({ servers: url, channel: 'wms', deadlineMs: 30_000 });
  const reply = await client.receive({ sku, qty });
  await client.close();
  if (!reply.ok) throw new Error(`${sku}: ${reply.error.message}`);
}

/** Receives `qty` of each SKU. */
export async function stockRange(url: string, skus: SkuRange, qty: number): Promise<void> {
  const client = await connectClient({ servers: url, channel: 'wms', deadlineMs: 60_000 });
  let next = 0;
  const receive = async () => {
    while (next < skus.count) {
      const sku = skus.prefix + next++;
      const reply = await client.receive({ id: `in-${sku}`, sku, qty });
      if (!reply.ok) throw new Error(`${sku}: ${reply.error.message}`);
    }
  };
  await Promise.all(Array.from({ length: 4_000 }, receive));
  await client.close();
}
