/** Stock that moves without a hold, and the policy. */

import { type Asked, type Judgement, mainLocation, type Reply } from './asked.ts';
import { judgeGrant } from './judge-grant.ts';
import { soldBy, sum } from './parts.ts';
import type { Part } from './stock.ts';

export function judgeSell(asked: Asked): Judgement {
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

export function judgeIn(asked: Asked): Judgement {
  const wrong = asked.mustAccept();
  if (wrong) return wrong;
  const qty = asked.number('qty');
  const location = (asked.p.location as string | undefined) ?? mainLocation;
  asked.stock.move([{ location, qty }], 'onHand', 1);
  if (asked.verb === 'restock') soldBy(asked.stock, asked.channel.name, -qty);
  asked.remember({ qty, parts: [{ location, qty }] });
  return asked.after();
}

export function judgeExpectation(asked: Asked): Judgement | 'fits' {
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

export function judgeAdjust(asked: Asked): Judgement {
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

export function judgeCount(asked: Asked): Judgement {
  const expectation = judgeExpectation(asked);
  if (expectation !== 'fits') return expectation;
  const location = (asked.p.location as string | undefined) ?? mainLocation;
  const onHand = asked.stock.places.get(location)?.onHand ?? 0;
  return changeBy(asked, location, asked.number('counted') - onHand);
}

export function changeBy(asked: Asked, location: string, delta: number): Judgement {
  const wrong = asked.mustAccept();
  if (wrong) return wrong;
  const said = asked.reply.delta;
  // Two reconcilers may have asked under the same id for different amounts.
  if (said !== undefined && said !== delta) return `changed by ${said}, ${delta} was asked for`;
  asked.stock.place(location).onHand += delta;
  asked.stock.known = true;
  asked.remember({ delta });
  return asked.after();
}

export function judgeTransfer(asked: Asked): Judgement {
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

export function judgePolicy(asked: Asked): Judgement {
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
export function judgeCorrect(asked: Asked): Judgement {
  if (!asked.accepted && asked.code === 'stock_changed') return undefined;
  const { evidence } = asked.reply;
  if (evidence !== undefined && JSON.stringify(evidence) !== JSON.stringify(asked.p.evidence)) {
    return 'recorded with the evidence of another correction';
  }
  const location = (asked.p.location as string | undefined) ?? mainLocation;
  return changeBy(asked, location, asked.number('delta'));
}
