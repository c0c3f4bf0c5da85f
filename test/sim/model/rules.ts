/**
 * What each command may answer and does, from the contract's text. The answer that a client saw is an
 * argument: the model says whether the contract allows it, and then does what it says. Where time or
 * taste leaves room (the moment of a round, the wording, how far backorder goes) it asks no more than
 * the contract does.
 */

import {
  Asked,
  type ChannelTerms,
  type Judgement,
  type Reply,
  type Request,
  type Terms,
  type Window,
} from './asked.ts';
import { judgeOnHold, judgeReserve } from './judge-holds.ts';
import {
  judgeAdjust,
  judgeCorrect,
  judgeCount,
  judgeIn,
  judgePolicy,
  judgeSell,
  judgeTransfer,
} from './judge-stock.ts';
import { sameParts } from './parts.ts';
import type { Stock } from './stock.ts';

/**
 * Judges `reply` to `request` in this state and carries it out.
 * @returns why the contract does not allow the reply; undefined: it does, and `stock` has changed
 */
export function admit(
  stock: Stock,
  request: Request,
  reply: Reply,
  window: Window,
  terms: Terms,
): Judgement {
  const channel = termsOf(request, terms);
  if (!channel) return reply.ok === false ? undefined : 'accepted for a channel that there is not';
  const asked = new Asked(stock, request, reply, window, channel, terms);
  if (!channel.verbs.includes(request.verb)) return asked.mustRefuse('forbidden');
  if ((request.payload.ttlMs as number) > channel.longestTtlMs) {
    return asked.mustRefuse('limit_exceeded');
  }
  if (request.verb === 'transfer' && request.payload.from === request.payload.to) {
    return asked.mustRefuse('invalid_request');
  }
  if (request.verb === 'get') return judgeGet(asked);
  const repeated = judgeRepetition(asked);
  if (repeated !== 'new') return repeated;
  if (reply.replayed === true && request.verb !== 'confirm') return 'calls something new repeated';
  const issuedAtMs = request.payload.issuedAtMs as number | undefined;
  if (issuedAtMs !== undefined) {
    if (issuedAtMs < window.fromMs - terms.idempotencyWindowMs) {
      return asked.mustRefuse('id_expired');
    }
    if (asked.code === 'id_expired' && issuedAtMs < window.toMs - terms.idempotencyWindowMs) {
      return undefined;
    }
  }
  if (!stock.known && !creates(request)) return asked.mustRefuse('unknown_sku');
  switch (request.verb) {
    case 'reserve':
      return judgeReserve(asked);
    case 'renew':
    case 'confirm':
    case 'release':
      return judgeOnHold(asked);
    case 'sell':
      return judgeSell(asked);
    case 'receive':
    case 'restock':
      return judgeIn(asked);
    case 'adjust':
      return judgeAdjust(asked);
    case 'count':
      return judgeCount(asked);
    case 'transfer':
      return judgeTransfer(asked);
    case 'policy':
      return judgePolicy(asked);
    case 'correct':
      return judgeCorrect(asked);
    default:
      return `a verb that the model does not know: ${request.verb}`;
  }
}

/** A source of facts need not be a channel. */
function termsOf(request: Request, terms: Terms): ChannelTerms | undefined {
  const channel = terms.channels.get(request.channel);
  if (channel || request.payload.fact !== true) return channel;
  return {
    name: request.channel,
    verbs: [request.verb],
    sourcing: [],
    split: true,
    defaultTtlMs: 0,
    longestTtlMs: 0,
    endsHoldsOf: [],
  };
}

function creates(request: Request): boolean {
  if (request.verb === 'receive' || request.verb === 'count') return true;
  return request.payload.fact === true && ['sell', 'restock'].includes(request.verb);
}

function judgeGet(asked: Asked): Judgement {
  const { stock, reply } = asked;
  if (!stock.known) return asked.mustRefuse('unknown_sku');
  const wrong = asked.mustAccept();
  if (wrong) return wrong;
  const expected = {
    onHand: stock.onHand,
    reserved: stock.reserved,
    safetyStock: stock.safetyStock,
    available: asked.available(),
    reservations: stock.openHolds,
  };
  for (const [name, value] of Object.entries(expected)) {
    if (reply[name] !== value) return `get says ${name} ${reply[name]}, it is ${value}`;
  }
  const locations = reply.locations as Record<string, { onHand: number; reserved: number }>;
  for (const [name, place] of stock.places) {
    const said = locations[name] ?? { onHand: 0, reserved: 0 };
    if (said.onHand !== place.onHand || said.reserved !== place.reserved) {
      return `get says ${JSON.stringify(said)} at ${name}, it is ${JSON.stringify(place)}`;
    }
  }
  return undefined;
}

/** `new`: the id has not been seen. */
function judgeRepetition(asked: Asked): Judgement | 'new' {
  const { stock, reply, verb } = asked;
  const hold = stock.holds.get(asked.key);
  if (hold?.state === 'spent' && verb === 'reserve') return asked.mustRefuse('already_released');
  const known = stock.ids.get(asked.key);
  if (!known && !hold) return 'new';
  if (known?.meaning !== asked.meaning) return asked.mustRefuse('id_conflict');
  const wrong = asked.mustAccept();
  if (wrong) return wrong;
  if (reply.replayed !== true) return 'a repetition that does not say so';
  if (known.qty !== undefined && reply.qty !== known.qty) {
    return `repetition says qty ${reply.qty}, it was ${known.qty}`;
  }
  if (verb === 'reserve' && hold) {
    const state = hold.state === 'prepared' ? 'open' : hold.state;
    if (reply.state !== state) return `repetition says ${reply.state}, the hold is ${state}`;
  }
  if (known.parts && !sameParts(known.parts, reply.allocations)) {
    return 'repetition says other allocations';
  }
  return asked.after();
}
