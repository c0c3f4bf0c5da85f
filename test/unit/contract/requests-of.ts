// A request of every verb: the smallest that is accepted, and one with every field. Tests vary them.

import { resolveConfig } from '../../../src/config/resolve.ts';
import { type Parsed, parseCommand } from '../../../src/contract/parse-command.ts';
import type { CartVerb, Verb } from '../../../src/contract/verbs.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** The default configuration. */
export const settings = resolveConfig({}).config!;

export const smallest: { readonly [V in Verb]: Fields } = {
  reserve: { id: 'r-1', sku: '85123A', qty: 1 },
  renew: { id: 'n-1', reservation: 'r-1', sku: '85123A', ttlMs: 60_000 },
  confirm: { id: 'c-1', reservation: 'r-1', sku: '85123A', order: 'O-77' },
  release: { id: 'x-1', reservation: 'r-1', sku: '85123A' },
  sell: { id: 's-1', sku: '85123A', qty: 2 },
  receive: { id: 'i-1', sku: '85123A', qty: 40 },
  restock: { id: 'b-1', sku: '85123A', qty: 1 },
  adjust: { id: 'a-1', sku: '85123A', delta: -3, reason: 'damaged' },
  count: { id: 'k-1', sku: '85123A', counted: 17 },
  transfer: { id: 't-1', sku: '85123A', qty: 5, from: 'main', to: 'store-1' },
  policy: { id: 'p-1', sku: '85123A' },
  correct: { id: 'e-1', sku: '85123A', delta: 2, evidence: { asOfSeq: 900 } },
  get: { sku: '85123A' },
};

export const fullest: { readonly [V in Verb]: Fields } = {
  reserve: {
    ...{ ...smallest.reserve, issuedAtMs: 1_794_900_000_000 },
    ...{ ttlMs: 900_000, location: 'main', ref: 'basket 9' },
  },
  renew: { ...smallest.renew, issuedAtMs: 1_794_900_000_000, heldBy: 'mobile' },
  confirm: { ...smallest.confirm, issuedAtMs: 1_794_900_000_000, heldBy: 'mobile', qty: 1 },
  release: { ...smallest.release, issuedAtMs: 1_794_900_000_000, heldBy: 'mobile' },
  sell: {
    ...{ ...smallest.sell, issuedAtMs: 1_794_900_000_000, location: 'store-1' },
    ...{ order: 'O-78', occurredAtMs: 1_794_899_000_000, fact: true },
  },
  receive: {
    ...{ ...smallest.receive, issuedAtMs: 1_794_900_000_000 },
    ...{ location: 'main', ref: 'PO-5', occurredAtMs: 1_794_899_000_000 },
  },
  restock: {
    ...{ ...smallest.restock, issuedAtMs: 1_794_900_000_000 },
    ...{ location: 'main', order: 'O-77', occurredAtMs: 1_794_899_000_000 },
  },
  adjust: {
    ...{ ...smallest.adjust, issuedAtMs: 1_794_900_000_000 },
    ...{ location: 'main', expectOnHand: 20, occurredAtMs: 1_794_899_000_000 },
  },
  count: {
    ...{ ...smallest.count, issuedAtMs: 1_794_900_000_000 },
    ...{ location: 'main', expectOnHand: -2, occurredAtMs: 1_794_899_000_000 },
  },
  transfer: {
    ...{ ...smallest.transfer, issuedAtMs: 1_794_900_000_000 },
    occurredAtMs: 1_794_899_000_000,
  },
  policy: {
    ...{ ...smallest.policy, issuedAtMs: 1_794_900_000_000 },
    ...{ safetyStock: 2, backorderMax: 10, lowStock: null },
    channels: { web: { buffer: 1, quota: null, ringFence: 3 }, pos: {} },
  },
  correct: {
    ...{ ...smallest.correct, issuedAtMs: 1_794_900_000_000, location: 'main' },
    evidence: {
      ...{ asOfSeq: 900, source: 'sap', snapshotIds: ['s-1', 's-2'], rule: 'proven twice' },
      ...{ observed: 12, lo: 14, hi: 15, asOfFromMs: 1_794_890_000_000, approvedBy: 'ops' },
    },
  },
  get: smallest.get,
};

export const carts: { readonly [V in CartVerb]: Fields } = {
  reserve: {
    id: 'cart-1',
    lines: [
      { sku: '85123A', qty: 1 },
      { sku: 'BANK CHARGES', qty: 2, location: 'main' },
    ],
    ttlMs: 900_000,
    ref: 'basket 9',
  },
  renew: { id: 'n-9', reservation: 'cart-1', ttlMs: 60_000 },
  confirm: { id: 'c-9', reservation: 'cart-1', order: 'O-79', skus: ['85123A', 'BANK CHARGES'] },
  release: { id: 'x-9', reservation: 'cart-1', heldBy: 'mobile' },
};

/** A channel of the default configuration that may use the verb. */
export function channelFor(verb: Verb): string {
  if (verb === 'correct') return 'reconciler';
  return settings.rules.channels.get('web')!.verbs.has(verb) ? 'web' : 'ops';
}

export function parse(verb: Verb, fields: unknown, channel = channelFor(verb)): Parsed {
  return parseCommand(verb, channel, JSON.stringify(fields), settings);
}

/** `code` and what it names; `accepted` for a command. */
export function verdict(parsed: Parsed): string {
  if (parsed.ok) return 'accepted';
  const { code, field, limit } = parsed.refusal;
  return [code, field ?? limit].filter((part) => part !== undefined).join(' ');
}
