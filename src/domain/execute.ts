/**
 * Running the rules on a state that its actor owns: decide, fold, and what follows. Afterwards the
 * state has run ahead of the journal; who executes answers nobody before the commit is acknowledged
 * (invariant 2) and throws the state away if it is refused (invariant 3).
 */

import { availableTo } from './available.ts';
import type { SkuCommand } from './commands.ts';
import { consequences } from './consequences.ts';
import { decide, rulesFor } from './decide.ts';
import type { ReservationExpired, SkuEvent } from './events.ts';
import { evolve } from './evolve.ts';
import { forget } from './forget.ts';
import type { Moment } from './moment.ts';
import type { Acceptance, Decision } from './outcome.ts';
import { NumberField } from './record-layout.ts';
import type { Rules } from './rules.ts';
import { type ChannelState, nextExpiryAtMs, type SkuState } from './state.ts';
import type { Mutable } from './verdict.ts';

export type { Moment } from './moment.ts';

const nothing: readonly SkuEvent[] = [];

/** Decides a command and folds its events, with all that follows from them. */
export function execute(
  state: SkuState,
  command: SkuCommand,
  moment: Moment,
  rules: Rules,
): Decision {
  forget(state, moment.nowMs, rules.limits);
  const channel = rulesFor(command, rules);
  const { event, answer } = decide(state, command, channel, moment, rules);
  let events = nothing;
  if (event !== undefined) {
    evolve(state, event, moment.afterSeq);
    const all = [event];
    consequences(state, moment, rules, all);
    events = all;
  }
  if (answer.kind === 'accepted' && channel !== undefined) {
    (answer.acceptance as Mutable<Acceptance>).available = availableTo(state, channel);
  }
  return { events, answer };
}

/** Ends the holds whose time has come, at most `expiriesPerStepMax`, with all that follows. */
export function expireDue(state: SkuState, moment: Moment, rules: Rules): readonly SkuEvent[] {
  const due = nextExpiryAtMs(state);
  if (due === undefined || due > moment.nowMs) return nothing;
  const events: SkuEvent[] = [];
  const { expiries } = state;
  while (events.length < rules.limits.expiriesPerStepMax) {
    const timeMs = nextExpiryAtMs(state);
    if (timeMs === undefined || timeMs > moment.nowMs) break;
    const event = expired(state, expiries.earliestSlot(), moment);
    expiries.drop();
    evolve(state, event, moment.afterSeq);
    events.push(event);
  }
  consequences(state, moment, rules, events);
  return events;
}

function expired(state: SkuState, slot: number, moment: Moment): ReservationExpired {
  const { store } = state.records;
  const qty = store.number(slot, NumberField.qty);
  const reserved = state.reserved - qty;
  return {
    type: 'reservation.expired',
    version: state.version + 1,
    atMs: moment.nowMs,
    channel: (state.channels[store.channel(slot)] as ChannelState).name,
    command: '',
    reservation: store.id(slot),
    qty,
    expiresAtMs: store.number(slot, NumberField.expiresAtMs),
    onHand: state.onHand,
    reserved,
    available: Math.max(0, state.onHand - reserved - state.safetyStock - state.escrow),
  };
}
