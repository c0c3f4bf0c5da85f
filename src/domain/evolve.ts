/**
 * Folding: an event becomes state, in place. Nothing is judged here. What is checked is the chain
 * itself: versions without gaps, and that the event's totals are the fold's; a difference is our bug
 * and is thrown as a `FoldError`, never passed on as stock.
 */

import { availableToAll, shortfallOf } from './available.ts';
import type { EscrowChanged, PolicyChanged, SkuEvent } from './events.ts';
import { evolveHold } from './evolve-holds.ts';
import { addOnHand, channelFor, remember } from './evolve-parts.ts';
import { countPolicies, newChannelState, type SkuState } from './state.ts';

/** The journal and the fold contradict each other: a bug, or a damaged journal. */
export class FoldError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FoldError';
  }
}

/**
 * Folds one event into the state.
 * @param afterSeq last sequence of the partition's journal before the event's commit
 */
export function evolve(state: SkuState, event: SkuEvent, afterSeq: number): void {
  if (event.version !== state.version + 1) {
    throw new FoldError(
      `${state.sku}: event ${event.version} (${event.type}) does not follow version ${state.version}`,
    );
  }
  state.version = event.version;
  apply(state, event, afterSeq);
  if (state.shortfall > 0) easeShortfall(state);
  if (
    event.onHand !== state.onHand ||
    event.reserved !== state.reserved ||
    event.available !== availableToAll(state)
  ) {
    throw new FoldError(
      `${state.sku}: version ${event.version} (${event.type}) says on hand ${event.onHand}, ` +
        `reserved ${event.reserved}, available ${event.available}; the fold has ` +
        `${state.onHand}, ${state.reserved}, ${availableToAll(state)}`,
    );
  }
}

/** Folds events of one commit. */
export function foldAll(state: SkuState, events: Iterable<SkuEvent>, afterSeq: number): SkuState {
  for (const event of events) evolve(state, event, afterSeq);
  return state;
}

function apply(state: SkuState, event: SkuEvent, afterSeq: number): void {
  switch (event.type) {
    case 'reservation.created':
    case 'reservation.renewed':
    case 'reservation.prepared':
    case 'reservation.held':
    case 'reservation.lapsed':
    case 'reservation.confirmed':
    case 'reservation.released':
    case 'reservation.expired':
      evolveHold(state, event);
      return;
    case 'stock.received':
      for (const part of event.allocations) addOnHand(state, part.location, part.qty);
      remember(state, event, event.qty, event.allocations);
      recordBackdated(state, event, afterSeq);
      return;
    case 'stock.sold': {
      for (const part of event.allocations) addOnHand(state, part.location, -part.qty);
      const channel = channelFor(state, event.channel);
      channel.soldSinceQuota += event.qty;
      channel.soldSinceRingFence += event.qty;
      remember(state, event, event.qty, event.allocations);
      recordBackdated(state, event, afterSeq);
      return;
    }
    case 'stock.restocked': {
      for (const part of event.allocations) addOnHand(state, part.location, part.qty);
      const channel = channelFor(state, event.channel);
      channel.soldSinceQuota -= event.qty;
      channel.soldSinceRingFence -= event.qty;
      remember(state, event, event.qty, event.allocations);
      recordBackdated(state, event, afterSeq);
      return;
    }
    case 'stock.adjusted':
    case 'stock.counted':
    case 'stock.corrected':
      addOnHand(state, event.location, event.delta);
      remember(state, event, event.delta, [{ location: event.location, qty: event.delta }]);
      recordBackdated(state, event, afterSeq);
      return;
    case 'stock.transferred':
      addOnHand(state, event.from, -event.qty);
      addOnHand(state, event.to, event.qty);
      remember(state, event, event.qty, [{ location: event.to, qty: event.qty }]);
      recordBackdated(state, event, afterSeq);
      return;
    case 'policy.changed':
      applyPolicy(state, event);
      remember(state, event, 0, undefined);
      return;
    case 'availability.out':
    case 'availability.low':
    case 'availability.back':
      channelFor(state, event.channel).status = event.status;
      return;
    case 'shortfall.raised':
      state.shortfall = event.qty;
      return;
    case 'shortfall.cleared':
      state.shortfall = 0;
      return;
    case 'escrow.lent':
    case 'escrow.used':
    case 'escrow.returned':
    case 'escrow.lost':
      applyEscrow(state, event);
      return;
  }
}

function applyPolicy(state: SkuState, event: PolicyChanged): void {
  state.safetyStock = event.safetyStock;
  state.backorderMax = event.backorderMax;
  state.lowStock = event.lowStock;
  for (const name of Object.keys(event.channels)) channelFor(state, name);
  for (const channel of state.channels) {
    const policy = event.channels[channel.name] ?? newChannelState(channel.name);
    channel.buffer = policy.buffer;
    channel.quota = policy.quota;
    channel.ringFence = policy.ringFence;
    if (event.quotaSet.includes(channel.name)) channel.soldSinceQuota = 0;
    if (event.ringFenceSet.includes(channel.name)) channel.soldSinceRingFence = 0;
  }
  countPolicies(state);
}

function applyEscrow(state: SkuState, event: EscrowChanged): void {
  let escrow = state.escrows.find((one) => one.edge === event.edge);
  if (escrow === undefined) {
    escrow = { edge: event.edge, epoch: 0, lent: 0, used: 0, returned: 0 };
    state.escrows.push(escrow);
  }
  escrow.epoch = event.epoch;
  escrow.lent = event.lent;
  escrow.used = event.used;
  escrow.returned = event.returned;
  state.escrow = state.escrows.reduce(
    (sum, one) => sum + Math.max(0, one.lent - one.used - one.returned),
    0,
  );
}

function recordBackdated(
  state: SkuState,
  event: { readonly type: string; readonly occurredAtMs?: number },
  afterSeq: number,
): void {
  if (event.occurredAtMs !== undefined) {
    state.backdated.record(afterSeq, event.occurredAtMs);
  } else if (event.type === 'stock.corrected') {
    // Whoever computed another correction without this one would correct the same drift twice.
    state.backdated.record(afterSeq, 0);
  }
}

/** A shortfall that shrinks says nothing; one that grows again is raised anew. */
function easeShortfall(state: SkuState): void {
  const now = shortfallOf(state);
  if (now > 0 && now < state.shortfall) state.shortfall = now;
}
