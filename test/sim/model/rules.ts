/**
 * What each command may answer and does, from the contract's text. The answer that a client saw is an
 * argument: the model says whether the contract allows it, and then does what it says. Where time or
 * taste leaves room (the moment of a round, the wording, how far backorder goes) it asks no more than
 * the contract does.
 */

import type { Hold, Part, Stock } from './stock.ts';

export interface ChannelTerms {
  readonly name: string;
  readonly verbs: readonly string[];
  readonly sourcing: readonly string[];
  readonly split: boolean;
  readonly defaultTtlMs: number;
  readonly longestTtlMs: number;
  readonly endsHoldsOf: readonly string[];
}

export interface Request {
  readonly verb: string;
  readonly channel: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export type Reply = Readonly<Record<string, unknown>>;

/** What a deployment configures, as far as the rules ask for it. */
export interface Terms {
  readonly channels: ReadonlyMap<string, ChannelTerms>;
  readonly holdsPerSkuMax: number;
  readonly idempotencyWindowMs: number;
}

/** When the round that answered can have been, by the clocks involved. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Either allowed, or why not. */
export type Judgement = undefined | string;

const mainLocation = 'main';

export function meaningOf(request: Request): string {
  const entries = Object.entries(request.payload).filter(([name]) => name !== 'issuedAtMs');
  return `${request.verb} ${JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

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

/** One question with all that belongs to it. */
class Asked {
  readonly stock: Stock;
  readonly verb: string;
  readonly p: Readonly<Record<string, unknown>>;
  readonly reply: Reply;
  readonly window: Window;
  readonly channel: ChannelTerms;
  readonly terms: Terms;
  readonly meaning: string;

  constructor(
    stock: Stock,
    request: Request,
    reply: Reply,
    window: Window,
    channel: ChannelTerms,
    terms: Terms,
  ) {
    this.stock = stock;
    this.verb = request.verb;
    this.p = request.payload;
    this.reply = reply;
    this.window = window;
    this.channel = channel;
    this.terms = terms;
    this.meaning = meaningOf(request);
  }

  get key(): string {
    return `${this.channel.name}/${this.p.id}`;
  }

  get accepted(): boolean {
    return this.reply.ok === true;
  }

  get code(): string {
    return (this.reply.error as { code?: string } | undefined)?.code ?? '';
  }

  number(name: string): number {
    return this.p[name] as number;
  }

  mustRefuse(code: string): Judgement {
    if (this.accepted) return `accepted where ${code} was due`;
    return this.code === code ? undefined : `${this.code} where ${code} was due`;
  }

  mustAccept(): Judgement {
    return this.accepted ? undefined : `${this.code} where nothing stood against it`;
  }

  available(channel = this.channel): number {
    return this.stock.availableTo(channel.name, channel.sourcing);
  }

  /** What every acceptance says of the state after it. */
  after(): Judgement {
    // Judging an event and not a reply: events do not say what one channel may sell.
    if (!('available' in this.reply) || this.reply.available === undefined) return undefined;
    if (this.reply.available === this.available()) return undefined;
    return `says ${this.reply.available} available, there are ${this.available()}`;
  }

  remember(more: {
    qty?: number;
    delta?: number;
    parts?: readonly Part[];
    retaken?: boolean;
  }): void {
    this.stock.ids.set(this.key, { meaning: this.meaning, atMs: this.window.toMs, ...more });
  }

  /** Whether the reply's `expiresAtMs` is now + ttl for a now within the window. */
  expiryFits(ttlMs: number): boolean {
    const at = (this.reply.expiresAtMs as number) - ttlMs;
    return at >= this.window.fromMs && at <= this.window.toMs;
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

function judgeReserve(asked: Asked): Judgement {
  const { stock, reply, channel } = asked;
  const ttlMs = (asked.p.ttlMs as number | undefined) ?? channel.defaultTtlMs;
  if (stock.openHolds >= asked.terms.holdsPerSkuMax) return asked.mustRefuse('limit_exceeded');
  const qty = asked.number('qty');
  const refusal = judgeGrant(asked, channel, qty, asked.p.location as string | undefined);
  if (!asked.accepted) return refusal;
  if (refusal) return refusal;
  if (!asked.expiryFits(ttlMs)) return `expires at ${reply.expiresAtMs}, which no moment explains`;
  if (reply.qty !== qty) return `reserved ${reply.qty} of ${qty}`;
  const parts = reply.allocations as readonly Part[];
  stock.move(parts, 'reserved', 1);
  stock.use(channel.name).held += qty;
  stock.holds.set(asked.key, {
    state: 'open',
    qty,
    parts,
    firstParts: parts,
    createdAtMs: (reply.expiresAtMs as number) - ttlMs,
    expiresAtMs: reply.expiresAtMs as number,
    bound: asked.p.location as string | undefined,
    cart: false,
    confirmedQty: 0,
    order: undefined,
  });
  asked.remember({ qty, parts });
  return asked.after();
}

/**
 * Whether a new promise of `qty` may be made, or refused, as the reply says; and if made, whether its
 * allocations are where the contract takes units from.
 */
function judgeGrant(
  asked: Asked,
  channel: ChannelTerms,
  qty: number,
  location: string | undefined,
  refusal = 'insufficient_stock',
): Judgement {
  const { stock, reply } = asked;
  const free = grantable(stock, channel, location);
  const fitsInOne =
    channel.split ||
    location !== undefined ||
    order(stock, channel).some((l) => stock.freeAt(l) >= qty);
  const enough = qty <= free && qty <= stock.quotaLeft(channel.name) && fitsInOne;
  if (!asked.accepted) {
    if (asked.code !== refusal) return `${asked.code} where only ${refusal} can be`;
    if (enough) return `refused ${qty} with ${free} available`;
    const said = (reply.error as { available?: number }).available;
    if (
      refusal === 'insufficient_stock' &&
      said !== stock.availableTo(channel.name, channel.sourcing)
    ) {
      return `refusal says ${said} available`;
    }
    return undefined;
  }
  if (qty > stock.quotaLeft(channel.name)) return 'granted beyond the quota';
  const parts = reply.allocations as readonly Part[] | undefined;
  if (!parts || sum(parts) !== qty) return `allocations ${JSON.stringify(parts)} for ${qty}`;
  if (enough) return judgeSourcing(stock, channel, qty, location, parts);
  // Beyond what is there, backorder is the only way, and it has a limit.
  const promised = stock.reserved + qty;
  const there = Math.max(0, stock.onHand - stock.safetyStock);
  if (stock.backorderMax === 0) return `granted ${qty} with ${free} available`;
  return promised > there + stock.backorderMax ? 'granted beyond backorder' : undefined;
}

/** What stock allows the channel, at the location if one is named. */
function grantable(stock: Stock, channel: ChannelTerms, location: string | undefined): number {
  if (location === undefined) return Math.max(0, stock.stockFor(channel.name, channel.sourcing));
  return Math.max(0, Math.min(stock.stockFor(channel.name, []), stock.freeAt(location)));
}

function order(stock: Stock, channel: ChannelTerms): readonly string[] {
  return channel.sourcing.length > 0 ? channel.sourcing : [...stock.places.keys()].sort();
}

/** Units come from the locations in the channel's order, as many from each as are free. */
function judgeSourcing(
  stock: Stock,
  channel: ChannelTerms,
  qty: number,
  location: string | undefined,
  parts: readonly Part[],
): Judgement {
  const expected: Part[] = [];
  if (location !== undefined) expected.push({ location, qty });
  else if (!channel.split) {
    const first = order(stock, channel).find((name) => stock.freeAt(name) >= qty);
    if (first) expected.push({ location: first, qty });
  } else {
    let left = qty;
    for (const name of order(stock, channel)) {
      const units = Math.min(left, stock.freeAt(name));
      if (units > 0) expected.push({ location: name, qty: units });
      left -= units;
    }
  }
  if (sameParts(expected, parts)) return undefined;
  return `allocations ${JSON.stringify(parts)}, not ${JSON.stringify(expected)}`;
}

function judgeOnHold(asked: Asked): Judgement {
  const { stock, verb, channel, p } = asked;
  const owner = (p.heldBy as string | undefined) ?? channel.name;
  const key = `${owner}/${p.reservation}`;
  const mayEnd = owner === channel.name || channel.endsHoldsOf.includes(owner);
  const hold = mayEnd ? stock.change(key) : undefined;
  if (!hold || hold.state === 'spent') {
    const wrong = asked.mustRefuse('reservation_not_found');
    if (wrong || verb !== 'release' || !mayEnd) return wrong;
    // A later reserve with that id is refused: unless the id names another intent already.
    if (!hold && !stock.ids.has(key) && key !== asked.key) stock.holds.set(key, spentHold());
    return undefined;
  }
  const ownerTerms = asked.terms.channels.get(owner) ?? channel;
  if (verb === 'release') return judgeRelease(asked, hold, owner);
  if (verb === 'renew') return judgeRenew(asked, hold, owner, ownerTerms);
  return judgeConfirm(asked, hold, owner, ownerTerms);
}

function judgeRelease(asked: Asked, hold: Hold, owner: string): Judgement {
  if (hold.state === 'confirmed') return asked.mustRefuse('already_confirmed');
  const wrong = asked.mustAccept();
  if (wrong) return wrong;
  const freed = hold.state === 'open' ? hold.qty : 0;
  if (asked.reply.qty !== freed) return `released ${asked.reply.qty}, it held ${freed}`;
  endHold(asked.stock, hold, owner, 'released');
  asked.remember({ qty: freed });
  return asked.after();
}

function judgeRenew(asked: Asked, hold: Hold, owner: string, terms: ChannelTerms): Judgement {
  const { stock, reply, window } = asked;
  if (hold.state === 'released') return asked.mustRefuse('already_released');
  if (hold.state === 'confirmed') return asked.mustRefuse('already_confirmed');
  const ttlMs = asked.number('ttlMs');
  const lastMs = hold.createdAtMs + terms.longestTtlMs;
  if (!asked.accepted && asked.code === 'limit_exceeded') {
    const tooLong = ttlMs > terms.longestTtlMs || window.toMs + ttlMs > lastMs;
    return tooLong ? undefined : 'limit_exceeded within the longest lifetime';
  }
  if (hold.state === 'expired') {
    const wrong = judgeGrant(asked, terms, hold.qty, hold.bound, 'no_longer_available');
    if (wrong || !asked.accepted) return wrong;
    if (reply.retaken !== true) return 'taken again without saying so';
    const parts = reply.allocations as readonly Part[];
    stock.move(parts, 'reserved', 1);
    stock.use(owner).held += hold.qty;
    hold.parts = parts;
    hold.state = 'open';
  } else {
    const wrong = asked.mustAccept();
    if (wrong) return wrong;
  }
  if (!asked.expiryFits(ttlMs) && reply.expiresAtMs !== lastMs) {
    return `renewed until ${reply.expiresAtMs}, which no moment explains`;
  }
  hold.expiresAtMs = reply.expiresAtMs as number;
  asked.remember({ qty: hold.qty, retaken: reply.retaken === true });
  return asked.after();
}

function judgeConfirm(asked: Asked, hold: Hold, owner: string, terms: ChannelTerms): Judgement {
  const { stock, reply, p } = asked;
  const qty = (p.qty as number | undefined) ?? hold.qty;
  if (hold.state === 'released') return asked.mustRefuse('already_released');
  if (hold.state === 'confirmed') {
    const same = hold.order === p.order && hold.confirmedQty === qty;
    if (!same) return asked.mustRefuse('already_confirmed');
    const wrong = asked.mustAccept();
    if (wrong) return wrong;
    return reply.replayed === true ? asked.after() : 'a repetition that does not say so';
  }
  if (reply.replayed === true) return 'calls something new repeated';
  if (qty > hold.qty) return asked.mustRefuse('invalid_request');
  let parts = firstUnits(hold.parts, qty);
  if (hold.state === 'expired') {
    const wrong = judgeGrant(asked, terms, qty, hold.bound, 'no_longer_available');
    if (wrong || !asked.accepted) return wrong;
    if (reply.retaken !== true) return 'taken again without saying so';
    parts = reply.allocations as readonly Part[];
    hold.parts = parts;
  } else {
    const wrong = asked.mustAccept();
    if (wrong) return wrong;
    if (!sameParts(parts, reply.allocations)) return 'confirmed other allocations than it held';
  }
  if (reply.qty !== qty) return `confirmed ${reply.qty} of ${qty}`;
  sellHeld(stock, hold, owner, parts, p.order as string);
  asked.remember({ qty, parts, retaken: reply.retaken === true });
  return asked.after();
}

function judgeSell(asked: Asked): Judgement {
  const { stock, channel, reply, p } = asked;
  const qty = asked.number('qty');
  const location = p.location as string | undefined;
  if (p.fact === true) {
    const wrong = asked.mustAccept();
    if (wrong) return wrong;
  } else {
    const wrong = judgeGrant(asked, channel, qty, location);
    if (wrong || !asked.accepted) return wrong;
  }
  const parts = reply.allocations as readonly Part[];
  if (sum(parts) !== qty) return `sold ${JSON.stringify(parts)} for ${qty}`;
  if (location !== undefined && parts.some((part) => part.location !== location)) {
    return 'sold from another location than the one asked for';
  }
  stock.move(parts, 'onHand', -1);
  soldBy(stock, channel.name, qty);
  asked.remember({ qty, parts });
  return asked.after();
}

function judgeIn(asked: Asked): Judgement {
  const wrong = asked.mustAccept();
  if (wrong) return wrong;
  const qty = asked.number('qty');
  const location = (asked.p.location as string | undefined) ?? mainLocation;
  asked.stock.move([{ location, qty }], 'onHand', 1);
  if (asked.verb === 'restock') soldBy(asked.stock, asked.channel.name, -qty);
  asked.remember({ qty, parts: [{ location, qty }] });
  return asked.after();
}

function judgeExpectation(asked: Asked): Judgement | 'fits' {
  const expected = asked.p.expectOnHand as number | undefined;
  const location = asked.p.location as string | undefined;
  const { stock } = asked;
  const onHand = location === undefined ? stock.onHand : (stock.places.get(location)?.onHand ?? 0);
  if (expected === undefined || expected === onHand) return 'fits';
  const wrong = asked.mustRefuse('stock_changed');
  if (wrong) return wrong;
  const said = (asked.reply.error as { onHand?: number }).onHand;
  return said === onHand ? undefined : `stock_changed says ${said} on hand, there are ${onHand}`;
}

function judgeAdjust(asked: Asked): Judgement {
  const expectation = judgeExpectation(asked);
  if (expectation !== 'fits') return expectation;
  const delta = asked.number('delta');
  const location = (asked.p.location as string | undefined) ?? mainLocation;
  const onHand = asked.stock.places.get(location)?.onHand ?? 0;
  if (delta < 0 && onHand + delta < 0 && asked.p.fact !== true) {
    return asked.mustRefuse('insufficient_stock');
  }
  return changeBy(asked, location, delta);
}

function judgeCount(asked: Asked): Judgement {
  const expectation = judgeExpectation(asked);
  if (expectation !== 'fits') return expectation;
  const location = (asked.p.location as string | undefined) ?? mainLocation;
  const onHand = asked.stock.places.get(location)?.onHand ?? 0;
  return changeBy(asked, location, asked.number('counted') - onHand);
}

function changeBy(asked: Asked, location: string, delta: number): Judgement {
  const wrong = asked.mustAccept();
  if (wrong) return wrong;
  asked.stock.place(location).onHand += delta;
  asked.stock.known = true;
  asked.remember({ delta });
  return asked.after();
}

function judgeTransfer(asked: Asked): Judgement {
  const { stock, p } = asked;
  const qty = asked.number('qty');
  if (qty > stock.freeAt(p.from as string) && p.fact !== true) {
    return asked.mustRefuse('insufficient_stock');
  }
  const wrong = asked.mustAccept();
  if (wrong) return wrong;
  stock.place(p.from as string).onHand -= qty;
  stock.place(p.to as string).onHand += qty;
  asked.remember({ qty });
  return asked.after();
}

function judgePolicy(asked: Asked): Judgement {
  const wrong = asked.mustAccept();
  if (wrong) return wrong;
  const { stock, p } = asked;
  const patched = (patch: unknown, before: number) =>
    patch === undefined ? before : ((patch as number | null) ?? 0);
  stock.safetyStock = patched(p.safetyStock, stock.safetyStock);
  stock.backorderMax = patched(p.backorderMax, stock.backorderMax);
  stock.lowStock = patched(p.lowStock, stock.lowStock);
  for (const [name, patch] of Object.entries((p.channels ?? {}) as Record<string, Reply>)) {
    const use = stock.use(name);
    use.buffer = patched(patch.buffer, use.buffer);
    if (patch.quota !== undefined) {
      use.quota = patch.quota as number | null;
      use.soldSinceQuota = 0;
    }
    if (patch.ringFence !== undefined) {
      use.ringFence = patched(patch.ringFence, use.ringFence);
      use.soldSinceRingFence = 0;
    }
  }
  asked.remember({});
  return asked.after();
}

/** Whether the ledger has changed behind the reconciler's back is its own affair: both may be. */
function judgeCorrect(asked: Asked): Judgement {
  if (!asked.accepted && asked.code === 'stock_changed') return undefined;
  const location = (asked.p.location as string | undefined) ?? mainLocation;
  return changeBy(asked, location, asked.number('delta'));
}

// --- what the fold shares with the judgement -------------------------------------------------------

export function endHold(stock: Stock, hold: Hold, owner: string, state: Hold['state']): void {
  if (hold.state === 'open' || hold.state === 'prepared') {
    stock.move(hold.parts, 'reserved', -1);
    stock.use(owner).held -= hold.qty;
  }
  hold.state = state;
}

/** The hold's units leave, from `parts`. */
export function sellHeld(
  stock: Stock,
  hold: Hold,
  owner: string,
  parts: readonly Part[],
  order: string,
): void {
  endHold(stock, hold, owner, 'confirmed');
  stock.move(parts, 'onHand', -1);
  hold.confirmedQty = sum(parts);
  hold.order = order;
  soldBy(stock, owner, hold.confirmedQty);
}

export function soldBy(stock: Stock, channel: string, qty: number): void {
  const use = stock.use(channel);
  use.soldSinceQuota += qty;
  use.soldSinceRingFence += qty;
}

export function spentHold(): Hold {
  return {
    state: 'spent',
    qty: 0,
    parts: [],
    firstParts: [],
    createdAtMs: 0,
    expiresAtMs: 0,
    bound: undefined,
    cart: false,
    confirmedQty: 0,
    order: undefined,
  };
}

export function sum(parts: readonly Part[] | undefined): number {
  return (parts ?? []).reduce((total, part) => total + part.qty, 0);
}

/** The first `qty` units of an allocation. */
function firstUnits(parts: readonly Part[], qty: number): readonly Part[] {
  let left = qty;
  const first: Part[] = [];
  for (const part of parts) {
    const units = Math.min(left, part.qty);
    if (units > 0) first.push({ location: part.location, qty: units });
    left -= units;
  }
  return first;
}

function sameParts(parts: readonly Part[], said: unknown): boolean {
  if (!Array.isArray(said) || said.length !== parts.length) return false;
  return parts.every(
    (part, index) => said[index]?.location === part.location && said[index]?.qty === part.qty,
  );
}
