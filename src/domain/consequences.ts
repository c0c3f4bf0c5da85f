/**
 * What follows from an event without anybody asking: a channel's status that has changed, a shortfall
 * that has begun, grown or ended. Events like any others, decided once, from the state after it.
 */

import { availableTo, shortfallOf, statusFor } from './available.ts';
import type { AvailabilityChanged, SkuEvent, StockStatus } from './events.ts';
import { evolve } from './evolve.ts';
import { holdsAtRisk } from './holds.ts';
import type { Moment } from './moment.ts';
import type { ChannelRules, Rules } from './rules.ts';
import { channelState, type SkuState } from './state.ts';
import { consequenceBase } from './verdict.ts';

const viewsOf = new WeakMap<Rules, readonly ChannelRules[]>();

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
  if (!state.known) return;
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

function record(state: SkuState, moment: Moment, events: SkuEvent[], event: SkuEvent): void {
  evolve(state, event, moment.afterSeq);
  events.push(event);
}

function typeFor(before: StockStatus, status: StockStatus): AvailabilityChanged['type'] {
  if (status === 'out_of_stock' || status === 'backorder') return 'availability.out';
  return status === 'low_stock' && before === 'in_stock' ? 'availability.low' : 'availability.back';
}

function channelsWithView(rules: Rules): readonly ChannelRules[] {
  let views = viewsOf.get(rules);
  if (views === undefined) {
    views = [...rules.channels.values()].filter((channel) => channel.view);
    viewsOf.set(rules, views);
  }
  return views;
}
