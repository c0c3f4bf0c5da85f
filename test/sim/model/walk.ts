/**
 * A SKU's life by the independent model: every event of the journal is asked whether the rules allow
 * it in the state before it, and what it says of the state after it is compared with the model's.
 */

import type { SkuEvent } from '../../../src/domain/events.ts';
import type { SkuCommit } from '../journal-view.ts';
import type { Request, Terms } from './asked.ts';
import { endHold, sellHeld, spentHold } from './parts.ts';
import { admit } from './rules.ts';
import { type Hold, Stock } from './stock.ts';

/** The state between two events, and when it was the truth. */
export interface Moment {
  readonly stock: Stock;
  readonly version: number;
  readonly fromMs: number;
  untilMs: number;
  /** Events that made it; empty at the beginning. */
  readonly event: SkuEvent | undefined;
}

export interface Life {
  readonly moments: readonly Moment[];
  readonly wrong: readonly string[];
}

/** Finds what a client meant by an id; several, where an id was used for two things. */
export type FindRequests = (channel: string, id: string) => readonly Request[];

export function walk(
  sku: string,
  commits: readonly SkuCommit[],
  terms: Terms,
  find: FindRequests,
): Life {
  const wrong: string[] = [];
  const moments: Moment[] = [
    {
      stock: new Stock(),
      version: 0,
      fromMs: Number.NEGATIVE_INFINITY,
      untilMs: Number.POSITIVE_INFINITY,
      event: undefined,
    },
  ];
  for (const commit of commits) {
    for (const event of commit.events) {
      const before = moments.at(-1) as Moment;
      const stock = before.stock.copy();
      const where = `${sku} version ${event.version} at ${commit.seq} (${event.type} ${event.channel}/${event.command})`;
      if (event.version !== before.version + 1) wrong.push(`${where}: follows ${before.version}`);
      const step = applyEvent(stock, event, terms, find);
      if (step) wrong.push(`${where}: ${step}`);
      const difference = compare(stock, event);
      if (difference) wrong.push(`${where}: ${difference}`);
      before.untilMs = commit.storedMs;
      moments.push({
        stock,
        version: event.version,
        fromMs: commit.storedMs,
        untilMs: Number.POSITIVE_INFINITY,
        event,
      });
      if (wrong.length > 5) return { moments, wrong };
    }
  }
  return { moments, wrong };
}

function compare(stock: Stock, event: SkuEvent): string | undefined {
  const available = Math.max(0, stock.onHand - stock.reserved - stock.safetyStock);
  if (event.onHand !== stock.onHand) return `says on hand ${event.onHand}, it is ${stock.onHand}`;
  if (event.reserved !== stock.reserved) {
    return `says reserved ${event.reserved}, it is ${stock.reserved}`;
  }
  if (event.available !== available) return `says available ${event.available}, it is ${available}`;
  for (const [name, place] of stock.places) {
    if (place.reserved < 0) return `${place.reserved} reserved at ${name}`;
  }
  return undefined;
}

/** The event's effect, judged by the rules where somebody asked for it. */
export function applyEvent(
  stock: Stock,
  event: SkuEvent,
  terms: Terms,
  find: FindRequests,
): string | undefined {
  switch (event.type) {
    case 'reservation.expired':
      return expire(stock, event);
    case 'reservation.prepared':
    case 'reservation.held':
    case 'reservation.lapsed':
      return onLine(stock, event, terms);
    case 'availability.out':
    case 'availability.low':
    case 'availability.back':
      return checkAvailability(stock, event, terms);
    case 'shortfall.raised':
    case 'shortfall.cleared':
      return undefined;
    case 'escrow.lent':
    case 'escrow.used':
    case 'escrow.returned':
    case 'escrow.lost':
      return 'escrow, and there is no edge here';
    case 'reservation.created':
      if (event.cart) return makeLine(stock, event, terms);
      break;
    case 'reservation.confirmed':
    case 'reservation.released': {
      const hold = stock.holds.get(`${event.heldBy ?? event.channel}/${event.reservation}`);
      if (hold?.cart || (event.type === 'reservation.released' && event.cart)) {
        return settleLine(stock, event);
      }
      break;
    }
  }
  return judge(stock, event, terms, find);
}

/** Somebody asked for this: with the reply that the event amounts to, do the rules allow it? */
function judge(
  stock: Stock,
  event: SkuEvent,
  terms: Terms,
  find: FindRequests,
): string | undefined {
  const requests = find(event.channel, event.command).filter((request) => causes(request, event));
  if (requests.length === 0) return 'nobody asked for it';
  if (stock.ids.has(`${event.channel}/${event.command}`))
    return 'this id has had its effect before';
  const window = { fromMs: event.atMs, toMs: event.atMs };
  let why: string | undefined;
  for (const request of requests) {
    const spends = event.type === 'reservation.released' && !holdOf(stock, event);
    const reply = spends
      ? { ok: false, error: { code: 'reservation_not_found' } }
      : { ok: true, ...event, available: undefined, ...extra(event) };
    const tried = stock.copy();
    why = admit(tried, request, reply, window, terms);
    if (why !== undefined) continue;
    admit(stock, request, reply, window, terms);
    return undefined;
  }
  return why;
}

/** Of several requests with one id only one is the cause: a hold says whether it named a location. */
function causes({ verb, payload }: Request, event: SkuEvent): boolean {
  if (eventOf[verb] !== event.type) return false;
  if (event.type !== 'reservation.created') return true;
  return (payload.location !== undefined) === (event.bound === true);
}

const eventOf: Readonly<Record<string, string>> = {
  reserve: 'reservation.created',
  renew: 'reservation.renewed',
  confirm: 'reservation.confirmed',
  release: 'reservation.released',
  sell: 'stock.sold',
  receive: 'stock.received',
  restock: 'stock.restocked',
  adjust: 'stock.adjusted',
  count: 'stock.counted',
  transfer: 'stock.transferred',
  policy: 'policy.changed',
  correct: 'stock.corrected',
};

function holdOf(
  stock: Stock,
  event: { channel: string; heldBy?: string; reservation: string },
): Hold | undefined {
  return stock.change(`${event.heldBy ?? event.channel}/${event.reservation}`);
}

/** What the reply says in other words than the event. */
function extra(event: SkuEvent): Record<string, unknown> {
  const more: Record<string, unknown> = {};
  if ('retaken' in event && event.retaken) {
    more.retaken = true;
    more.allocations = event.retaken;
  }
  return more;
}

function expire(
  stock: Stock,
  event: Extract<SkuEvent, { type: 'reservation.expired' }>,
): string | undefined {
  const hold = holdOf(stock, event);
  if (!hold) return 'expires a hold that there is not';
  if (hold.state !== 'open') return `expires a hold that is ${hold.state}`;
  if (event.atMs < hold.expiresAtMs) return `expires ${hold.expiresAtMs - event.atMs} ms too early`;
  endHold(stock, hold, event.heldBy ?? event.channel, 'expired');
  return undefined;
}

function makeLine(
  stock: Stock,
  event: Extract<SkuEvent, { type: 'reservation.created' }>,
  terms: Terms,
): string | undefined {
  const key = `${event.channel}/${event.command}`;
  if (stock.holds.has(key)) return 'a line that was made before';
  const location = event.bound ? event.allocations[0]?.location : undefined;
  const payload = { id: event.command, qty: event.qty, ttlMs: 1, ...(location && { location }) };
  const reply = { ok: true, ...event, expiresAtMs: event.atMs + 1, available: undefined };
  const request = { verb: 'reserve', channel: event.channel, payload };
  const why = admit(stock, request, reply, { fromMs: event.atMs, toMs: event.atMs }, terms);
  if (why) return why;
  const hold = stock.holds.get(key) as Hold;
  stock.holds.set(key, { ...hold, cart: true, expiresAtMs: event.expiresAtMs });
  stock.ids.set(key, { meaning: `cart ${event.qty}`, atMs: event.atMs });
  return undefined;
}

function onLine(
  stock: Stock,
  event: Extract<
    SkuEvent,
    { type: 'reservation.prepared' | 'reservation.held' | 'reservation.lapsed' }
  >,
  terms: Terms,
): string | undefined {
  const hold = holdOf(stock, event);
  if (!hold?.cart) return 'a step on a line that there is not';
  const owner = event.heldBy ?? event.channel;
  if (event.type === 'reservation.lapsed') {
    return hold.state === 'expired' ? undefined : `lapses, and it is ${hold.state}`;
  }
  if (event.type === 'reservation.held') {
    if (hold.state !== 'open' && hold.state !== 'prepared') return `held, and it is ${hold.state}`;
    hold.state = 'open';
    hold.expiresAtMs = event.expiresAtMs;
    return undefined;
  }
  if (event.retaken) {
    if (hold.state !== 'expired') return `taken again, and it is ${hold.state}`;
    const channel = terms.channels.get(owner);
    const free = stock.availableTo(owner, channel?.sourcing ?? []);
    if (stock.backorderMax === 0 && hold.bound === undefined && hold.qty > free) {
      return `taken again with ${free} available`;
    }
    stock.move(event.retaken, 'reserved', 1);
    stock.use(owner).held += hold.qty;
    hold.parts = event.retaken;
  } else if (hold.state !== 'open') return `prepared, and it is ${hold.state}`;
  hold.state = 'prepared';
  return undefined;
}

function settleLine(
  stock: Stock,
  event: Extract<SkuEvent, { type: 'reservation.confirmed' | 'reservation.released' }>,
): string | undefined {
  const owner = event.heldBy ?? event.channel;
  const hold = holdOf(stock, event);
  if (!hold) {
    stock.holds.set(`${owner}/${event.reservation}`, { ...spentHold(), cart: true });
    return undefined;
  }
  if (event.type === 'reservation.released') {
    if (hold.state === 'confirmed') return 'released, and it is confirmed';
    endHold(stock, hold, owner, 'released');
    return undefined;
  }
  if (hold.state !== 'prepared') return `confirmed, and it is ${hold.state}`;
  sellHeld(stock, hold, owner, event.allocations, event.order);
  return undefined;
}

function checkAvailability(
  stock: Stock,
  event: Extract<SkuEvent, { type: 'availability.out' | 'availability.low' | 'availability.back' }>,
  terms: Terms,
): string | undefined {
  const available = stock.availableTo(
    event.channel,
    terms.channels.get(event.channel)?.sourcing ?? [],
  );
  if (available === event.availableToChannel) return undefined;
  return `says ${event.availableToChannel} available to the channel, it is ${available}`;
}
