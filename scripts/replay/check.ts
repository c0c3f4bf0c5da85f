/** Compares what the read models show with what the file says must be there. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadModels } from '../../src/nats/read-models.ts';
import type { Plan } from './plan.ts';

export interface Mismatch {
  readonly sku: string;
  readonly where: string;
  readonly expected: number;
  readonly found: number | undefined;
}

/** Reads all views and lists what differs, until nothing does or `patienceMs` have passed. */
export async function checkPlan(
  plan: Plan,
  models: ReadModels,
  channels: readonly string[],
  patienceMs: number,
): Promise<readonly Mismatch[]> {
  const giveUpMs = performance.now() + patienceMs;
  for (;;) {
    const mismatches = await compare(plan, models, channels);
    if (mismatches.length === 0 || performance.now() > giveUpMs) return mismatches;
    await sleep(250);
  }
}

async function compare(
  plan: Plan,
  models: ReadModels,
  channels: readonly string[],
): Promise<Mismatch[]> {
  const mismatches: Mismatch[] = [];
  const onHand = new Map<string, number>();
  await models.allStock((row) => {
    onHand.set(row.sku, row.onHand);
    if (row.reserved !== 0) {
      mismatches.push({ sku: row.sku, where: 'reserved', expected: 0, found: row.reserved });
    }
  });
  for (const [sku, expected] of plan.expected) {
    const found = onHand.get(sku);
    if (found !== expected) mismatches.push({ sku, where: 'on hand', expected, found });
  }
  for (const channel of channels) {
    const available = new Map<string, number>();
    await models.allViews(channel, (row) => available.set(row.sku, row.available));
    for (const [sku, units] of plan.expected) {
      const expected = Math.max(0, units);
      const found = available.get(sku);
      if (found !== expected) mismatches.push({ sku, where: channel, expected, found });
    }
  }
  return mismatches;
}
