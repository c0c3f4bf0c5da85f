/**
 * What follows from an event without anybody asking: a channel's status that has changed, a shortfall
 * that has begun, grown or ended. Events like any others, decided once, from the state after it.
 */

import { availableTo, freeUnits, shortfallOf, statusFor } from './available.ts';
import type { AvailabilityChanged, SkuEvent, StockStatus } from './events.ts';
import { evolve } from './evolve.ts';
import { holdsAtRisk } from './holds.ts';
import type { Moment } from './moment.ts';
import type { ChannelRules, Rules } from './rules.ts';
import { channelState, type SkuState } from './state.ts';
import { consequenceBase } from './verdict.ts';

interface Views {
  readonly channels: readonly ChannelRules[];
  readonly listed: boolean;
}

const viewsOf = new WeakMap<Rules, Views>();

/** Decides and folds what follows from the state as it is now, and appends it to `events`. */
export function consequences(
  state: SkuState,
  moment: Moment,
  rules: Rules,
  events: SkuEvent[],
): void {
  const short = shortfallOf(state);
  if (short > state.shortfall) {
    const base = consequenceBase(state, '', moment.nowMs);
    record(state, moment, events, {
      type: 'shortfall.raised',
      ...base,
      qty: short,
      ...holdsAtRisk(state, short),
    });
  } else if (short === 0 && state.shortfall > 0) {
    const base = consequenceBase(state, '', moment.nowMs);
    record(state, moment, events, { type: 'shortfall.cleared', ...base });
  }
  if (!state.known || everyViewIsInStock(state, rules)) return;
  for (const channel of channelsWithView(rules)) {
    const own = channelState(state, channel.name);
    const available = availableTo(state, channel);
    const status = statusFor(state, own, available);
    const before = own?.status ?? 'in_stock';
    if (status === before) continue;
    record(state, moment, events, {
      type: typeFor(before, status),
      ...consequenceBase(state, channel.name, moment.nowMs),
      availableToChannel: available,
      status,
    });
  }
}

/**
 * The common case at little cost: more than the lowest mark is left to everybody, no policy says
 * otherwise for a channel, and no view was told anything else before.
 */
function everyViewIsInStock(state: SkuState, rules: Rules): boolean {
  if (state.policies > 0 || freeUnits(state) <= state.lowStock) return false;
  for (const channel of state.channels) if (channel.status !== 'in_stock') return false;
  return !anyViewIsListed(rules);
}

function record(state: SkuState, moment: Moment, events: SkuEvent[], event: SkuEvent): void {
  evolve(state, event, moment.afterSeq);
  events.push(event);
}

function typeFor(before: StockStatus, status: StockStatus): AvailabilityChanged['type'] {
  if (status === 'out_of_stock' || status === 'backorder') return 'availability.out';
  return status === 'low_stock' && before === 'in_stock' ? 'availability.low' : 'availability.back';
}

function channelsWithView(rules: Rules): readonly ChannelRules[] {
  return viewsUnder(rules).channels;
}

/** Whether a channel with a view is served by listed locations only. */
function anyViewIsListed(rules: Rules): boolean {
  return viewsUnder(rules).listed;
}

function viewsUnder(rules: Rules): Views {
  let views = viewsOf.get(rules);
  if (views === undefined) {
    const channels = [...rules.channels.values()].filter((channel) => channel.view);
    views = { channels, listed: channels.some(({ sourcing }) => sourcing.length > 0) };
    viewsOf.set(rules, views);
  }
  return views;
}
