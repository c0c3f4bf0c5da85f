/** Making a hold, for a buyer or as the line of a cart. This is the hot path. */

import type { CartHold, Reserve } from './commands.ts';
import type { ReservationCreated } from './events.ts';
import type { Moment } from './moment.ts';
import type { ChannelRules, SkuLimits } from './rules.ts';
import { grant } from './sourcing.ts';
import type { SkuState } from './state.ts';
import {
  accepted,
  insufficient,
  limitExceeded,
  type Mutable,
  unchanged,
  type Verdict,
} from './verdict.ts';

export function decideReserve(
  state: SkuState,
  command: Reserve | CartHold,
  channel: ChannelRules,
  moment: Moment,
  limits: SkuLimits,
): Verdict {
  const { sku } = state;
  const { qty, location } = command;
  const ttlMs = command.ttlMs ?? channel.defaultTtlMs;
  if (qty > limits.quantityMax) {
    return limitExceeded(sku, 'quantityMax', `${qty} is more than ${limits.quantityMax}`);
  }
  if (ttlMs > channel.longestTtlMs) {
    return limitExceeded(sku, 'longestTtlMs', `a hold lives at most ${channel.longestTtlMs} ms`);
  }
  if (state.records.openCount >= limits.holdsPerSkuMax) {
    return limitExceeded(sku, 'holdsPerSkuMax', `${limits.holdsPerSkuMax} holds are open`);
  }
  const allocations = grant(state, channel, qty, location);
  if (allocations === undefined) return insufficient(state, channel, qty, location);

  const isLine = command.verb === 'cart.hold';
  if (isLine && command.probe === true) return unchanged(state, state.version, { qty });
  const expiresAtMs = (isLine ? command.expiresAtMs : undefined) ?? moment.nowMs + ttlMs;
  const reserved = state.reserved + qty;
  const event: Mutable<ReservationCreated> = {
    type: 'reservation.created',
    version: state.version + 1,
    atMs: moment.nowMs,
    channel: command.channel,
    command: command.id,
    fingerprint: command.fingerprint,
    qty,
    allocations,
    expiresAtMs,
    onHand: state.onHand,
    reserved,
    available: Math.max(0, state.onHand - reserved - state.safetyStock - state.escrow),
  };
  if (command.ref !== undefined) event.ref = command.ref;
  if (location !== undefined) event.bound = true;
  if (isLine) event.cart = true;
  return accepted(state, event, {
    sku,
    qty,
    allocations,
    expiresAtMs,
    available: 0,
    version: 0,
  });
}
