/**
 * Stock that moves without a hold: goods in and out, damage, counts, transfers, corrections. What is
 * asked for respects stock; what is told (a fact) has happened and is only limited by arithmetic.
 */

import { freeAt } from './available.ts';
import type { Adjust, Correct, Count, Receive, Restock, Sell, Transfer } from './commands.ts';
import type { Allocation, SkuEvent } from './events.ts';
import type { Moment } from './moment.ts';
import { type ChannelRules, defaultLocation, type SkuLimits } from './rules.ts';
import { grant, grantFact } from './sourcing.ts';
import { locationStock, type SkuState } from './state.ts';
import {
  accepted,
  eventBase,
  insufficient,
  limitExceeded,
  refused,
  type Verdict,
} from './verdict.ts';

export function decideSell(
  state: SkuState,
  command: Sell,
  channel: ChannelRules,
  moment: Moment,
  limits: SkuLimits,
): Verdict {
  const { qty, location } = command;
  const tooMuch = beyondLimits(state, limits, { qty, delta: -qty, location });
  if (tooMuch !== undefined) return tooMuch;
  const allocations =
    command.fact === true
      ? grantFact(state, channel, qty, location)
      : grant(state, channel, qty, location);
  if (allocations === undefined) return insufficient(state, channel, qty, location);
  const event: SkuEvent = {
    type: 'stock.sold',
    ...moved(state, command, moment, -qty, qty, allocations),
    ...(command.order !== undefined && { order: command.order }),
  };
  return accepted(state, event, { qty, allocations });
}

export function decideReceive(
  state: SkuState,
  command: Receive,
  moment: Moment,
  limits: SkuLimits,
): Verdict {
  const { qty, location = defaultLocation } = command;
  const tooMuch = beyondLimits(state, limits, { qty, delta: qty, location });
  if (tooMuch !== undefined) return tooMuch;
  const allocations = [{ location, qty }];
  const event: SkuEvent = {
    type: 'stock.received',
    ...moved(state, command, moment, qty, qty, allocations),
    ...(command.ref !== undefined && { ref: command.ref }),
  };
  return accepted(state, event, { qty, allocations });
}

export function decideRestock(
  state: SkuState,
  command: Restock,
  moment: Moment,
  limits: SkuLimits,
): Verdict {
  const { qty, location = defaultLocation } = command;
  const tooMuch = beyondLimits(state, limits, { qty, delta: qty, location });
  if (tooMuch !== undefined) return tooMuch;
  const allocations = [{ location, qty }];
  const event: SkuEvent = {
    type: 'stock.restocked',
    ...moved(state, command, moment, qty, qty, allocations),
    ...(command.order !== undefined && { order: command.order }),
  };
  return accepted(state, event, { qty, allocations });
}

export function decideAdjust(
  state: SkuState,
  command: Adjust,
  channel: ChannelRules,
  moment: Moment,
  limits: SkuLimits,
): Verdict {
  const { delta, reason, location = defaultLocation } = command;
  const tooMuch = beyondLimits(state, limits, { qty: Math.abs(delta), delta, location });
  if (tooMuch !== undefined) return tooMuch;
  const changed = onHandChanged(state, command);
  if (changed !== undefined) return changed;
  const before = locationStock(state, location)?.onHand ?? 0;
  if (delta < 0 && command.fact !== true && before + delta < 0) {
    return insufficient(state, channel, -delta, `${before} on hand at ${location}`);
  }
  const event: SkuEvent = {
    type: 'stock.adjusted',
    ...changedBy(state, command, moment, delta, location),
    reason,
  };
  return accepted(state, event, { delta });
}

export function decideCount(
  state: SkuState,
  command: Count,
  moment: Moment,
  limits: SkuLimits,
): Verdict {
  const { counted, location = defaultLocation } = command;
  const delta = counted - (locationStock(state, location)?.onHand ?? 0);
  const tooMuch = beyondLimits(state, limits, { qty: counted, delta, location });
  if (tooMuch !== undefined) return tooMuch;
  const changed = onHandChanged(state, command);
  if (changed !== undefined) return changed;
  const event: SkuEvent = {
    type: 'stock.counted',
    ...changedBy(state, command, moment, delta, location),
    counted,
  };
  return accepted(state, event, { delta });
}

export function decideTransfer(
  state: SkuState,
  command: Transfer,
  channel: ChannelRules,
  moment: Moment,
  limits: SkuLimits,
): Verdict {
  const { qty, from, to, occurredAtMs } = command;
  if (from === to) {
    return refused('invalid_request', 'from and to are the same', { sku: state.sku, field: 'to' });
  }
  const tooMuch =
    beyondLimits(state, limits, { qty, delta: 0, location: from }) ??
    beyondLimits(state, limits, { qty, delta: 0, location: to });
  if (tooMuch !== undefined) return tooMuch;
  const free = freeAt(locationStock(state, from));
  if (qty > free && command.fact !== true) {
    return insufficient(state, channel, qty, `${free} unreserved at ${from}`);
  }
  const event: SkuEvent = {
    type: 'stock.transferred',
    ...eventBase(state, command, moment, 0, 0),
    fingerprint: command.fingerprint,
    qty,
    from,
    to,
    ...(occurredAtMs !== undefined && { occurredAtMs }),
  };
  return accepted(state, event, { qty, allocations: [{ location: to, qty }] });
}

/** The reconciler's delta, unless the ledger that it compared has changed behind its back since. */
export function decideCorrect(
  state: SkuState,
  command: Correct,
  moment: Moment,
  limits: SkuLimits,
): Verdict {
  const { delta, evidence, location = defaultLocation } = command;
  const { sku, onHand } = state;
  const tooMuch = beyondLimits(state, limits, { qty: Math.abs(delta), delta, location });
  if (tooMuch !== undefined) return tooMuch;
  const fromMs = evidence.asOfFromMs ?? Number.POSITIVE_INFINITY;
  if (state.backdated.since(evidence.asOfSeq, fromMs)) {
    const message = `${sku}: a backdated entry came after sequence ${evidence.asOfSeq}`;
    return refused('stock_changed', message, { sku, onHand });
  }
  const event: SkuEvent = {
    type: 'stock.corrected',
    ...changedBy(state, command, moment, delta, location),
    evidence: { ...evidence },
  };
  return accepted(state, event, { delta });
}

/** Whether the caller's idea of on hand is out of date: of the location it names, else of all. */
function onHandChanged(state: SkuState, command: Adjust | Count): Verdict | undefined {
  const { expectOnHand, location } = command;
  if (expectOnHand === undefined) return undefined;
  const onHand =
    location === undefined ? state.onHand : (locationStock(state, location)?.onHand ?? 0);
  if (onHand === expectOnHand) return undefined;
  const message = `${state.sku}: ${expectOnHand} expected on hand, ${onHand} found`;
  return refused('stock_changed', message, { sku: state.sku, onHand });
}

/** A quantity, a sum or a number of locations beyond what is configured. */
function beyondLimits(
  state: SkuState,
  limits: SkuLimits,
  change: { readonly qty: number; readonly delta: number; readonly location: string | undefined },
): Verdict | undefined {
  const { sku } = state;
  const { qty, delta, location } = change;
  if (qty > limits.quantityMax) {
    return limitExceeded(sku, 'quantityMax', `${qty} is more than ${limits.quantityMax}`);
  }
  const onHand = Math.abs(state.onHand + delta);
  const there = location === undefined ? undefined : locationStock(state, location);
  const atLocation = Math.abs((there?.onHand ?? 0) + (delta === 0 ? qty : delta));
  if (Math.max(onHand, atLocation) > limits.onHandMax) {
    return limitExceeded(sku, 'onHandMax', `on hand would pass ${limits.onHandMax}`);
  }
  const isNew = location !== undefined && there === undefined;
  if (isNew && state.locations.length >= limits.locationsPerSkuMax) {
    const message = `${limits.locationsPerSkuMax} locations hold it already`;
    return limitExceeded(sku, 'locationsPerSkuMax', message);
  }
  return undefined;
}

function moved(
  state: SkuState,
  command: Sell | Receive | Restock,
  moment: Moment,
  onHandDelta: number,
  qty: number,
  allocations: readonly Allocation[],
) {
  const { occurredAtMs, fact, fingerprint } = command;
  return {
    ...eventBase(state, command, moment, onHandDelta, 0),
    fingerprint,
    qty,
    allocations,
    ...(occurredAtMs !== undefined && { occurredAtMs }),
    ...(fact === true && { fact }),
  };
}

function changedBy(
  state: SkuState,
  command: Adjust | Count | Correct,
  moment: Moment,
  delta: number,
  location: string,
) {
  const occurredAtMs = 'occurredAtMs' in command ? command.occurredAtMs : undefined;
  return {
    ...eventBase(state, command, moment, delta, 0),
    fingerprint: command.fingerprint,
    delta,
    location,
    ...(occurredAtMs !== undefined && { occurredAtMs }),
  };
}
