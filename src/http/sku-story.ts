/** The story of one SKU: its latest events, and the lines that make up its number, now or at an earlier time. */

import { type Explained, explainChannel, explainStock } from '../audit/channel-view.ts';
import { SkuFold } from '../audit/sku-fold.ts';
import type { LastunitConfig } from '../config/config.ts';
import type { HistoryEvent, ReadModels } from '../nats/read-models.ts';

export interface History {
  readonly sku: string;
  /** Oldest first; the latest of all. */
  readonly events: readonly HistoryEvent[];
  /** Events of the SKU that are kept, these included. */
  readonly total: number;
}

/** Undefined: there is no history of this SKU. */
export async function historyOf(
  read: ReadModels,
  sku: string,
  limit: number,
): Promise<History | undefined> {
  const events: HistoryEvent[] = [];
  let total = 0;
  await read.history(sku, (event) => {
    total += 1;
    events.push(event);
    if (events.length >= 2 * limit) events.splice(0, events.length - limit);
  });
  return total === 0 ? undefined : { sku, events: events.slice(-limit), total };
}

export interface ExplainOptions {
  readonly config: LastunitConfig;
  /** Undefined: what `inv_stock` says. */
  readonly channel?: string | undefined;
  /** Undefined: now. */
  readonly atMs?: number | undefined;
}

export interface Explanation extends Explained {
  readonly sku: string;
  readonly channel: string | null;
  readonly version: number;
  readonly onHand: number;
  readonly reserved: number;
  /** When the last event that counts here happened. */
  readonly atMs: number;
  readonly corrected: number;
  readonly corrections: number;
  /** The kept history begins later: what was before is missing from the lines. */
  readonly incomplete: boolean;
  /** Events that contradict the others; none, unless something is broken. */
  readonly problems: readonly string[];
  readonly holds: readonly {
    readonly channel: string;
    readonly id: string;
    readonly qty: number;
    readonly expiresAtMs: number;
  }[];
}

const holdsShown = 100;

/** Undefined: nothing is known of this SKU at that time. */
export async function explainSku(
  read: ReadModels,
  sku: string,
  options: ExplainOptions,
): Promise<Explanation | undefined> {
  const { config, channel, atMs = Number.POSITIVE_INFINITY } = options;
  const fold = new SkuFold(sku, config.limits);
  const problems: string[] = [];
  let first: number | undefined;
  await read.history(sku, (event) => {
    first ??= event.version;
    if (event.atMs <= atMs) fold.apply(event, (problem) => problems.push(problem));
  });
  if (fold.version === 0) return undefined;
  const rules = channel === undefined ? undefined : config.rules.channels.get(channel);
  const incomplete = first !== 1;
  const open = [...fold.holds.values()].filter((hold) => hold.state === 'open');
  return {
    sku,
    channel: rules?.name ?? null,
    version: fold.version,
    onHand: fold.onHand,
    reserved: fold.reserved,
    atMs: fold.atMs,
    ...(rules === undefined ? explainStock(fold) : explainChannel(fold, rules)),
    corrected: fold.corrected,
    corrections: fold.corrections,
    incomplete,
    problems: incomplete ? [] : problems,
    holds: open
      .sort((a, b) => a.expiresAtMs - b.expiresAtMs)
      .slice(0, holdsShown)
      .map(({ channel: by, id, qty, expiresAtMs }) => ({ channel: by, id, qty, expiresAtMs })),
  };
}
