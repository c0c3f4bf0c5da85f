/** What the state shows: the strong read, the rows of the read models, the elements of a history. */

import { availableTo, availableToAll, statusFor } from './available.ts';
import type { SkuEvent, StockStatus } from './events.ts';
import type { StockRead } from './outcome.ts';
import type { ChannelRules } from './rules.ts';
import { channelState, type SkuState } from './state.ts';

/** What `get` answers to a channel. */
export function stockRead(state: SkuState, channel: ChannelRules): StockRead {
  return { ...stockRow(state), available: availableTo(state, channel) };
}

/** The row of `inv_stock`, without what only the commit knows (`asOfSeq`, `updatedAtMs`). */
export function stockRow(state: SkuState): StockRead {
  const locations: Record<string, { onHand: number; reserved: number }> = {};
  for (const { name, onHand, reserved } of state.locations) locations[name] = { onHand, reserved };
  return {
    sku: state.sku,
    onHand: state.onHand,
    reserved: state.reserved,
    available: availableToAll(state),
    safetyStock: state.safetyStock,
    locations,
    reservations: state.records.openCount,
    version: state.version,
  };
}

/** What the channel's view says. */
export function channelRow(
  state: SkuState,
  channel: ChannelRules,
): { readonly available: number; readonly status: StockStatus } {
  const available = availableTo(state, channel);
  return { available, status: statusFor(state, channelState(state, channel.name), available) };
}

/**
 * An event as the per-SKU history tells it: without the fingerprint, which is our own memory, and
 * with the reservation's id also where it is the command's.
 */
export function historyEvent(event: SkuEvent): Readonly<Record<string, unknown>> {
  if (event.type === 'reservation.created') {
    const { fingerprint: _, bound: _bound, ...told } = event;
    return { ...told, reservation: event.command };
  }
  if (!('fingerprint' in event)) return { ...event };
  const { fingerprint: _, ...told } = event;
  return told;
}
