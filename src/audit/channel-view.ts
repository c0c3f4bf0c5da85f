/**
 * What a channel may still sell of a SKU, worked out from the contract's sentence, line by line. The audit compares
 * it with the views; `lastunit explain` prints the lines.
 */

import type { SkuFold } from './sku-fold.ts';

/** What the configuration says of a channel that matters here. */
export interface ViewChannel {
  readonly name: string;
  /** Locations that serve it; empty: all. */
  readonly sourcing: readonly string[];
}

/** A line of the sum; `delta` is added, `cap` is the most that the sum may be. */
export type ExplainLine =
  | { readonly what: string; readonly delta: number; readonly note?: string }
  | { readonly what: string; readonly cap: number; readonly note?: string };

export interface Explained {
  readonly lines: readonly ExplainLine[];
  readonly available: number;
}

/** `available` of `inv_stock`. */
export function explainStock(fold: SkuFold): Explained {
  return { lines: stockLines(fold), available: fold.available };
}

/** `available` of `inv_view_<channel>`. */
export function explainChannel(fold: SkuFold, channel: ViewChannel): Explained {
  const own = fold.channels.get(channel.name);
  const lines = stockLines(fold);
  let sum = fold.free;
  for (const [name, other] of fold.channels) {
    if (name === channel.name || other.ringFence === 0) continue;
    const used = Math.max(0, other.held + other.soldSinceRingFence);
    const unused = Math.max(0, other.ringFence - used);
    if (unused === 0) continue;
    sum -= unused;
    lines.push({ what: `set aside for ${name}`, delta: -unused, note: `of ${other.ringFence}` });
  }
  if (own !== undefined && own.buffer > 0) {
    sum -= own.buffer;
    lines.push({ what: `buffer of ${channel.name}`, delta: -own.buffer });
  }
  if (channel.sourcing.length > 0) {
    let listed = 0;
    for (const name of channel.sourcing) {
      const place = fold.places.get(name);
      if (place !== undefined) listed += Math.max(0, place.onHand - place.reserved);
    }
    sum = Math.min(sum, listed);
    lines.push({
      what: 'free where it is served from',
      cap: listed,
      note: channel.sourcing.join(', '),
    });
  }
  if (own !== undefined && own.quota !== null) {
    const left = own.quota - own.held - own.soldSinceQuota;
    sum = Math.min(sum, left);
    const note = `${own.quota}, ${own.held} held, ${own.soldSinceQuota} sold`;
    lines.push({ what: `quota left to ${channel.name}`, cap: left, note });
  }
  return { lines, available: Math.max(0, sum) };
}

function stockLines(fold: SkuFold): ExplainLine[] {
  const places = [...fold.places].map(([name, place]) => `${name} ${place.onHand}`).join(', ');
  const lines: ExplainLine[] = [{ what: 'on hand', delta: fold.onHand, note: places }];
  const held = [...fold.channels].filter(([, channel]) => channel.held !== 0);
  const by = held.map(([name, channel]) => `${name} ${channel.held}`).join(', ');
  const holds = `${fold.openHolds} hold${fold.openHolds === 1 ? '' : 's'}`;
  lines.push({
    what: 'reserved',
    delta: -fold.reserved,
    note: by === '' ? holds : `${holds}: ${by}`,
  });
  if (fold.safetyStock > 0) lines.push({ what: 'safety stock', delta: -fold.safetyStock });
  for (const [edge, units] of fold.escrows) {
    if (units > 0) lines.push({ what: `lent to ${edge}`, delta: -units });
  }
  return lines;
}
