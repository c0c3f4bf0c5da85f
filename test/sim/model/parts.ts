/** Small steps on holds and allocations, for judging as for folding. */

import type { Hold, Part, Stock } from './stock.ts';

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
export function firstUnits(parts: readonly Part[], qty: number): readonly Part[] {
  let left = qty;
  const first: Part[] = [];
  for (const part of parts) {
    const units = Math.min(left, part.qty);
    if (units > 0) first.push({ location: part.location, qty: units });
    left -= units;
  }
  return first;
}

export function sameParts(parts: readonly Part[], said: unknown): boolean {
  if (!Array.isArray(said) || said.length !== parts.length) return false;
  return parts.every(
    (part, index) => said[index]?.location === part.location && said[index]?.qty === part.qty,
  );
}
