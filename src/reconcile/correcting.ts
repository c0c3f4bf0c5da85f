/**
 * Corrections through the SKUs' actors (step 7): a delta with its evidence, never an absolute number.
 *
 * 1. A correction's id follows from source, line and snapshot: repeating it does nothing.
 * 2. Whether an unanswered correction was applied is for the journal to say: it is sent again with
 *    the same id, and otherwise left to the next run, which will find it in the ledger.
 * 3. `stock_changed` means that the ledger has moved behind the comparison: the line is compared
 *    again, and what then is proven counts.
 */

import { createHash } from 'node:crypto';
import type { Names } from '../contract/subjects.ts';
import { partitionOf, skuKeyOf } from '../domain/names.ts';
import type { Bus, Clock } from '../ports.ts';
import { PortError } from '../ports.ts';

/** The channel that corrections come from; it must be configured with `correct`. */
export const reconcilerChannel = 'reconciler';

export interface Correction {
  readonly id: string;
  readonly sku: string;
  readonly location: string;
  readonly delta: number;
  readonly evidence: Readonly<Record<string, unknown>>;
}

export type CorrectionOutcome =
  | { readonly kind: 'applied' }
  | { readonly kind: 'stock_changed' }
  /** The same snapshot has corrected this line before, with another amount. */
  | { readonly kind: 'done_before' }
  | { readonly kind: 'failed'; readonly code: string };

/** Names one correction of one line by one snapshot. */
export function correctionId(...parts: readonly (string | number)[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return `rec-${hash.slice(0, 40)}`;
}

export interface CorrectorOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly names: Names;
  readonly timeoutMs?: number;
}

const attemptsMax = 5;
const firstWaitMs = 50;
const defaultTimeoutMs = 5_000;

export class Corrector {
  readonly #options: CorrectorOptions;

  constructor(options: CorrectorOptions) {
    this.#options = options;
  }

  /** Sends one correction until its outcome is known, or trouble lasts. */
  async correct(correction: Correction): Promise<CorrectionOutcome> {
    const { bus, clock, names, timeoutMs = defaultTimeoutMs } = this.#options;
    const subject = names.subjects.command(reconcilerChannel, 'correct');
    const payload = JSON.stringify(correction);
    let code = 'unavailable';
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      if (attempt > 1) {
        await new Promise<void>((resolve) => clock.after(firstWaitMs * 2 ** attempt, resolve));
      }
      try {
        const reply = JSON.parse(
          new TextDecoder().decode(await bus.request(subject, payload, timeoutMs)),
        );
        if (reply.ok === true) return { kind: 'applied' };
        code = String(reply.error?.code);
        if (code === 'stock_changed') return { kind: 'stock_changed' };
        if (code === 'id_conflict') return { kind: 'done_before' };
        if (reply.error?.retry !== true) return { kind: 'failed', code };
      } catch (error) {
        if (!(error instanceof PortError)) throw error;
        code = error.code;
      }
    }
    return { kind: 'failed', code };
  }
}

/** Groups of one SKU each, so that its corrections follow one another. */
export function bySku<T extends { readonly sku: string }>(items: readonly T[]): readonly T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.sku);
    if (group === undefined) groups.set(item.sku, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/** Runs `work` on every item, at most `limit` at a time. */
export async function eachLimited<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}

export function partitionOfSku(sku: string, partitions: number): number {
  return partitionOf(skuKeyOf(sku), partitions);
}
