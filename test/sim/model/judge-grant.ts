/** Whether a new promise may be made, and from which locations its units come. */

import type { Asked, ChannelTerms, Judgement } from './asked.ts';
import { sameParts, sum } from './parts.ts';
import type { Part, Stock } from './stock.ts';

/**
 * Whether a new promise of `qty` may be made, or refused, as the reply says; and if made, whether its
 * allocations are where the contract takes units from.
 */
export function judgeGrant(
  asked: Asked,
  channel: ChannelTerms,
  qty: number,
  location: string | undefined,
  refusal = 'insufficient_stock',
): Judgement {
  const { stock, reply } = asked;
  const free = grantable(stock, channel, location);
  const fitsInOne =
    channel.split ||
    location !== undefined ||
    order(stock, channel).some((l) => stock.freeAt(l) >= qty);
  const enough = qty <= free && qty <= stock.quotaLeft(channel.name) && fitsInOne;
  if (!asked.accepted) {
    if (asked.code !== refusal) return `${asked.code} where only ${refusal} can be`;
    if (enough) return `refused ${qty} with ${free} available`;
    const said = (reply.error as { available?: number }).available;
    if (
      refusal === 'insufficient_stock' &&
      said !== stock.availableTo(channel.name, channel.sourcing)
    ) {
      return `refusal says ${said} available`;
    }
    return undefined;
  }
  if (qty > stock.quotaLeft(channel.name)) return 'granted beyond the quota';
  const parts = reply.allocations as readonly Part[] | undefined;
  if (!parts || sum(parts) !== qty) return `allocations ${JSON.stringify(parts)} for ${qty}`;
  if (enough) return judgeSourcing(stock, channel, qty, location, parts);
  // Beyond what is there, backorder is the only way, and it has a limit.
  const promised = stock.reserved + qty;
  const there = Math.max(0, stock.onHand - stock.safetyStock);
  if (stock.backorderMax === 0) return `granted ${qty} with ${free} available`;
  return promised > there + stock.backorderMax ? 'granted beyond backorder' : undefined;
}

/** What stock allows the channel, at the location if one is named. */
export function grantable(
  stock: Stock,
  channel: ChannelTerms,
  location: string | undefined,
): number {
  if (location === undefined) return Math.max(0, stock.stockFor(channel.name, channel.sourcing));
  return Math.max(0, Math.min(stock.stockFor(channel.name, []), stock.freeAt(location)));
}

export function order(stock: Stock, channel: ChannelTerms): readonly string[] {
  return channel.sourcing.length > 0 ? channel.sourcing : [...stock.places.keys()].sort();
}

/** Units come from the locations in the channel's order, as many from each as are free. */
export function judgeSourcing(
  stock: Stock,
  channel: ChannelTerms,
  qty: number,
  location: string | undefined,
  parts: readonly Part[],
): Judgement {
  const expected: Part[] = [];
  if (location !== undefined) expected.push({ location, qty });
  else if (!channel.split) {
    const first = order(stock, channel).find((name) => stock.freeAt(name) >= qty);
    if (first) expected.push({ location: first, qty });
  } else {
    let left = qty;
    for (const name of order(stock, channel)) {
      const units = Math.min(left, stock.freeAt(name));
      if (units > 0) expected.push({ location: name, qty: units });
      left -= units;
    }
  }
  if (sameParts(expected, parts)) return undefined;
  return `allocations ${JSON.stringify(parts)}, not ${JSON.stringify(expected)}`;
}
