/** Reserve, and the table of hold states by verbs. */

import type { Asked, ChannelTerms, Judgement } from './asked.ts';
import { judgeGrant } from './judge-grant.ts';
import { endHold, firstUnits, sameParts, sellHeld, spentHold } from './parts.ts';
import type { Hold, Part } from './stock.ts';

export function judgeReserve(asked: Asked): Judgement {
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

export function judgeOnHold(asked: Asked): Judgement {
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

export function judgeRelease(asked: Asked, hold: Hold, owner: string): Judgement {
  if (hold.state === 'confirmed') return asked.mustRefuse('already_confirmed');
  const wrong = asked.mustAccept();
  if (wrong) return wrong;
  const freed = hold.state === 'open' ? hold.qty : 0;
  if (asked.reply.qty !== freed) return `released ${asked.reply.qty}, it held ${freed}`;
  endHold(asked.stock, hold, owner, 'released');
  asked.remember({ qty: freed });
  return asked.after();
}

export function judgeRenew(
  asked: Asked,
  hold: Hold,
  owner: string,
  terms: ChannelTerms,
): Judgement {
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

export function judgeConfirm(
  asked: Asked,
  hold: Hold,
  owner: string,
  terms: ChannelTerms,
): Judgement {
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
