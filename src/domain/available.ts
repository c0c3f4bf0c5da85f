/**
 * What may still be promised: to everybody, to one channel, and beyond what is there. All of it is
 * arithmetic on the state; `decide` asks before it grants, the views show the same numbers.
 */

import type { StockStatus } from './events.ts';
import type { ChannelRules } from './rules.ts';
import {
  type ChannelState,
  channelState,
  type LocationStock,
  locationStock,
  type SkuState,
} from './state.ts';

/** onHand − reserved − safetyStock − escrow; negative when more is promised than there is. */
export function freeUnits(state: SkuState): number {
  return state.onHand - state.reserved - state.safetyStock - state.escrow;
}

/** `available` of `inv_stock` and of events. */
export function availableToAll(state: SkuState): number {
  return Math.max(0, freeUnits(state));
}

/** What one channel may still sell: `available` of replies and of its view. */
export function availableTo(state: SkuState, channel: ChannelRules): number {
  const own = channelState(state, channel.name);
  return Math.max(0, Math.min(stockFor(state, channel, own), quotaLeft(own)));
}

/**
 * Units that stock allows the channel, quota aside; may be negative. Where the channel is served by
 * listed locations only, no more than is free in those.
 */
export function stockFor(
  state: SkuState,
  channel: ChannelRules,
  own: ChannelState | undefined,
): number {
  const stock = stockAnywhereFor(state, own);
  return channel.sourcing.length === 0 ? stock : Math.min(stock, freeInListed(state, channel));
}

/** The same for a caller who names the location: which locations serve the channel is no matter. */
export function stockAnywhereFor(state: SkuState, own: ChannelState | undefined): number {
  let stock = freeUnits(state);
  if (state.ringFences > 0) stock -= unusedRingFences(state, own);
  return own === undefined ? stock : stock - own.buffer;
}

/** What the quota leaves; Infinity without one. Below the quota by more than it, after restocks. */
export function quotaLeft(own: ChannelState | undefined): number {
  if (own === undefined || own.quota === null) return Number.POSITIVE_INFINITY;
  return own.quota - own.held - own.soldSinceQuota;
}

/**
 * How many units may be promised beyond stock. What has been promised beyond it already counts in
 * three ways, of which the largest binds: against the SKU's stock, against what its locations hold,
 * and, for this channel's own holds, against the stock that buffers and ring-fences leave to it.
 */
export function backorderLeft(state: SkuState, own: ChannelState | undefined): number {
  if (state.backorderMax === 0) return 0;
  const stock = state.onHand - state.safetyStock - state.escrow;
  const beyondStock = state.reserved - (state.onHand < 0 ? state.onHand : Math.max(0, stock));
  let beyondLocations = 0;
  for (const location of state.locations) {
    beyondLocations += Math.max(0, location.reserved - Math.max(0, location.onHand));
  }
  const usable = stock - unusedRingFences(state, own) - (own?.buffer ?? 0);
  const beyondOwn = own === undefined ? 0 : own.held - Math.max(0, usable);
  return state.backorderMax - Math.max(0, beyondStock, beyondLocations, beyondOwn);
}

/** The status of the channel's view for what is available to it. */
export function statusFor(
  state: SkuState,
  own: ChannelState | undefined,
  available: number,
): StockStatus {
  if (available > 0) {
    return available <= state.lowStock ? 'low_stock' : 'in_stock';
  }
  if (state.backorderMax === 0) return 'out_of_stock';
  return backorderLeft(state, own) > 0 && quotaLeft(own) > 0 ? 'backorder' : 'out_of_stock';
}

/**
 * Units that are promised and not there, beyond what may be backordered: a backorder that the policy
 * allows is no shortfall, and becomes one when the policy takes the permission back.
 */
export function shortfallOf(state: SkuState): number {
  return Math.max(0, state.reserved - state.onHand - state.backorderMax);
}

/** Units set aside for channels other than `own` that these have not used yet. */
function unusedRingFences(state: SkuState, own: ChannelState | undefined): number {
  let unused = 0;
  for (const other of state.channels) {
    if (other === own || other.ringFence === 0) continue;
    const used = Math.max(0, other.held + other.soldSinceRingFence);
    unused += Math.max(0, other.ringFence - used);
  }
  return unused;
}

function freeInListed(state: SkuState, channel: ChannelRules): number {
  let free = 0;
  for (const name of channel.sourcing) free += freeAt(locationStock(state, name));
  return free;
}

/** Units at a location that nobody has reserved. */
export function freeAt(location: LocationStock | undefined): number {
  return location === undefined ? 0 : Math.max(0, location.onHand - location.reserved);
}
