/**
 * Drives a plan through the public contract with bounded concurrency: opening stock as goods in,
 * invoices as carts that are reserved and confirmed, cancellations as restocks, write-offs as facts.
 *
 * Ids follow from the file, so a replay that is repeated on the same stock does nothing twice.
 */

import type { Client } from '../../src/client/index.ts';
import type { Plan, Step } from './plan.ts';

/** Channels that sell, in turn. */
export const sellingChannels = ['web', 'mobile', 'marketplace', 'pos'] as const;

export interface Clients {
  readonly selling: readonly Client[];
  readonly warehouse: Client;
}

export interface RunOptions {
  /** Steps under way at a time. */
  readonly concurrency: number;
  /** Names this replay in its ids. */
  readonly name: string;
  readonly onProgress: (done: number, of: number) => void;
}

export interface RunResult {
  readonly commands: number;
  readonly seconds: number;
  /** Milliseconds per step, unsorted. */
  readonly latencies: readonly number[];
  readonly refused: ReadonlyMap<string, number>;
}

export async function runPlan(
  plan: Plan,
  clients: Clients,
  options: RunOptions,
): Promise<RunResult> {
  const refused = new Map<string, number>();
  const latencies: number[] = [];
  let commands = 0;
  const settle = (reply: { ok: boolean; error?: { code: string } }) => {
    commands += 1;
    if (reply.ok || !reply.error) return;
    refused.set(reply.error.code, (refused.get(reply.error.code) ?? 0) + 1);
  };
  const startedMs = performance.now();
  const opening = [...plan.opening].filter(([, qty]) => qty > 0);
  // A code that is only ever returned is made known by a count of nothing.
  const empty = [...plan.opening].filter(([, qty]) => qty === 0);
  const total = opening.length + empty.length + plan.steps.length;
  let done = 0;
  const each = async <T>(items: readonly T[], work: (item: T, index: number) => Promise<void>) => {
    await pool(items, options.concurrency, async (item, index) => {
      const fromMs = performance.now();
      await work(item, index);
      latencies.push(performance.now() - fromMs);
      done += 1;
      options.onProgress(done, total);
    });
  };
  await each(opening, async ([sku, qty], index) => {
    settle(await clients.warehouse.receive({ id: `${options.name}-open-${index}`, sku, qty }));
  });
  await each(empty, async ([sku], index) => {
    settle(await clients.warehouse.count({ id: `${options.name}-none-${index}`, sku, counted: 0 }));
  });
  await each(plan.steps, async (step, index) => {
    const client = clients.selling[index % clients.selling.length] as Client;
    await runStep(step, `${options.name}-${index}`, client, clients.warehouse, settle);
  });
  return { commands, seconds: (performance.now() - startedMs) / 1000, latencies, refused };
}

/** Sends what one step asks for; `settle` is told of every reply. */
export async function runStep(
  step: Step,
  id: string,
  client: Client,
  warehouse: Client,
  settle: (reply: { ok: boolean; error?: { code: string } }) => void,
): Promise<void> {
  if (step.kind === 'return') {
    return settle(await client.restock({ id, sku: step.sku, qty: step.qty, order: step.invoice }));
  }
  if (step.kind === 'write-off') {
    const { sku, qty } = step;
    await warehouse.publishFact('adjust', { id, sku, delta: -qty, reason: 'write-off' });
    return settle({ ok: true });
  }
  const lines = [...step.lines].map(([sku, qty]) => ({ sku, qty }));
  const reserved = await client.reserve({ id, lines });
  settle(reserved);
  if (!reserved.ok) return;
  settle(await client.confirm({ id: `${id}-pay`, reservation: id, order: step.invoice }));
}

/** Runs `work` for every item, at most `limit` at a time, in order of start. */
async function pool<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next;
      next += 1;
      await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
}
