/**
 * Carts (invariant 8): one verdict, written before anybody hears of it, the same for every line and
 * in every reply; never a cart with two fates, never a partial cart.
 */

import type { SeenCartEntry } from '../journal-view.ts';
import { livesOf } from '../lives.ts';
import type { HoldState } from '../model/stock.ts';
import type { Attempt, Intent, RunRecord } from '../run-record.ts';

type Reply = Readonly<Record<string, unknown>>;
type Decided = Extract<SeenCartEntry['entry'], { type: 'decided' }>;

interface Cart {
  readonly name: string;
  readonly skus: readonly string[];
  readonly verdicts: readonly { readonly entry: Decided; readonly storedMs: number }[];
}

export function checkCarts(run: RunRecord): readonly string[] {
  const carts = collect(run);
  const wrong: string[] = [];
  for (const cart of carts.values()) wrong.push(...checkFate(run, cart));
  for (const intent of run.intents) {
    if (intent.kind !== 'cart') continue;
    for (const attempt of intent.attempts) {
      const why = attempt.reply && checkReply(intent, attempt, attempt.reply, carts);
      if (why) {
        wrong.push(
          `${intent.channel} cart ${intent.verb} ${JSON.stringify(intent.payload)} asked at ${attempt.sentMs.toFixed(3)} answered at ${attempt.answeredMs?.toFixed(3)} ${JSON.stringify(attempt.reply)}: ${why}`,
        );
      }
    }
  }
  return wrong.slice(0, 8);
}

function collect(run: RunRecord): Map<string, Cart> {
  const carts = new Map<string, Cart & { verdicts: { entry: Decided; storedMs: number }[] }>();
  for (const { entry, storedMs } of livesOf(run).journal.carts) {
    const name = `${entry.channel}/${entry.id}`;
    if (entry.type === 'intended') {
      carts.set(name, { name, skus: entry.lines.map((line) => line.sku), verdicts: [] });
    }
    if (entry.type === 'decided') carts.get(name)?.verdicts.push({ entry, storedMs });
  }
  return carts;
}

const finalFates: ReadonlySet<string> = new Set(['refused', 'confirmed', 'released']);

function checkFate(run: RunRecord, cart: Cart): string[] {
  const wrong: string[] = [];
  let final: string | undefined;
  for (const { entry } of cart.verdicts) {
    if (final) wrong.push(`cart ${cart.name} was ${final} and then ${entry.fate}`);
    if (finalFates.has(entry.fate)) final = entry.fate;
  }
  const fate = cart.verdicts.at(-1)?.entry.fate;
  if (fate === undefined) return [...wrong, `cart ${cart.name} was never decided`];
  const allowed: Readonly<Record<string, readonly (HoldState | 'none')[]>> = {
    refused: ['none', 'spent', 'released'],
    open: ['open', 'expired'],
    confirmed: ['confirmed'],
    released: ['released', 'spent'],
  };
  for (const sku of cart.skus) {
    const stock = livesOf(run).bySku.get(sku)?.moments.at(-1)?.stock;
    const state = stock?.holds.get(cart.name)?.state ?? 'none';
    if (!allowed[fate]?.includes(state)) {
      wrong.push(`cart ${cart.name} is ${fate}, and its line of ${sku} is ${state}`);
    }
  }
  return wrong;
}

function checkReply(
  intent: Intent,
  attempt: Attempt,
  reply: Reply,
  carts: ReadonlyMap<string, Cart>,
): string | undefined {
  const error = reply.error as { code: string; retry: boolean } | undefined;
  if (error?.retry) return undefined;
  const id = intent.verb === 'reserve' ? intent.payload.id : intent.payload.reservation;
  const cart = carts.get(`${intent.channel}/${id}`);
  const heard = (cart?.verdicts ?? []).filter(
    ({ storedMs }) => storedMs <= (attempt.answeredMs as number),
  );
  const was = (fate: string) => heard.some(({ entry }) => entry.fate === fate);
  if (reply.ok !== true) {
    switch (error?.code) {
      case 'insufficient_stock':
        return was('refused') ? undefined : 'refused, and the journal has no such verdict';
      case 'already_confirmed':
        return was('confirmed') ? undefined : 'not confirmed by then';
      case 'already_released':
        return was('released') ? undefined : 'not released by then';
      default:
        return undefined;
    }
  }
  switch (intent.verb) {
    case 'reserve':
      return was('open') ? undefined : 'accepted, and the journal has no such verdict';
    case 'confirm':
      return was('confirmed') ? undefined : 'confirmed, and the journal has no such verdict';
    case 'release':
      return was('released') ? undefined : 'released, and the journal has no such verdict';
    default:
      return undefined;
  }
}
