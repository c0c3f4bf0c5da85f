/**
 * Which locations serve a quantity, and whether it may be granted at all. A given location binds;
 * without one the channel's order decides, and may split. Units beyond stock (an allowed backorder,
 * a fact) fall on the first location.
 */

import { backorderLeft, freeAt, quotaLeft, stockAnywhereFor, stockFor } from './available.ts';
import type { Allocation } from './events.ts';
import { type ChannelRules, defaultLocation } from './rules.ts';
import { channelState, type LocationStock, locationStock, type SkuState } from './state.ts';

/**
 * Where `qty` would come from for a new promise to the channel; undefined: not to be had. Respects
 * availability, quota and backorder, and changes nothing.
 */
export function grant(
  state: SkuState,
  channel: ChannelRules,
  qty: number,
  location: string | undefined,
): readonly Allocation[] | undefined {
  const own = channelState(state, channel.name);
  if (qty > quotaLeft(own)) return undefined;
  const stock =
    location === undefined
      ? stockFor(state, channel, own)
      : Math.min(stockAnywhereFor(state, own), freeAt(locationStock(state, location)));
  const beyond = qty - Math.max(0, stock);
  if (beyond > 0 && beyond > backorderLeft(state, own)) return undefined;
  if (location !== undefined) return [{ location, qty }];
  const { locations } = state;
  if (locations.length === 1 && channel.sourcing.length === 0) {
    return [{ location: (locations[0] as LocationStock).name, qty }];
  }
  const order = servingOrder(state, channel);
  if (!channel.split) return fromOne(state, order, qty, beyond > 0);
  return split(state, order, qty, [freeAt]);
}

/**
 * Where goods that have left already are taken from: what is free first, then what is reserved and
 * there, and the rest wherever the channel looks first.
 */
export function grantFact(
  state: SkuState,
  channel: ChannelRules,
  qty: number,
  location: string | undefined,
): readonly Allocation[] {
  if (location !== undefined) return [{ location, qty }];
  return split(state, servingOrder(state, channel), qty, [freeAt, thereAt]);
}

/** Locations in the order in which they serve the channel; at least one. */
function servingOrder(state: SkuState, channel: ChannelRules): readonly string[] {
  if (channel.sourcing.length > 0) return channel.sourcing;
  const { locations } = state;
  if (locations.length === 0) return [defaultLocation];
  return locations.map((location) => location.name).sort();
}

function fromOne(
  state: SkuState,
  order: readonly string[],
  qty: number,
  beyondStock: boolean,
): readonly Allocation[] | undefined {
  for (const location of order) {
    if (freeAt(locationStock(state, location)) >= qty) return [{ location, qty }];
  }
  return beyondStock ? [{ location: order[0] as string, qty }] : undefined;
}

/** Takes from each location in turn what each measure finds there; what is left, from the first. */
function split(
  state: SkuState,
  order: readonly string[],
  qty: number,
  measures: readonly ((location: LocationStock | undefined) => number)[],
): readonly Allocation[] {
  if (order.length === 1) return [{ location: order[0] as string, qty }];
  const taken = order.map(() => 0);
  let left = qty;
  for (const measure of measures) {
    for (let at = 0; at < order.length && left > 0; at += 1) {
      const already = taken[at] as number;
      const found = measure(locationStock(state, order[at] as string)) - already;
      const units = Math.min(left, Math.max(0, found));
      taken[at] = already + units;
      left -= units;
    }
  }
  taken[0] = (taken[0] as number) + left;
  const allocations: Allocation[] = [];
  for (let at = 0; at < order.length; at += 1) {
    const units = taken[at] as number;
    if (units > 0) allocations.push({ location: order[at] as string, qty: units });
  }
  return allocations;
}

function thereAt(location: LocationStock | undefined): number {
  return location === undefined ? 0 : Math.max(0, location.onHand);
}
