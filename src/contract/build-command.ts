/**
 * From a checked request to the domain's command. Written out by hand: the hot verbs get objects of
 * few shapes, and nothing that the schema does not know can slip through.
 */

import type {
  Adjust,
  ChannelPolicyPatch,
  Confirm,
  Correct,
  Count,
  Receive,
  Release,
  Renew,
  Reserve,
  Restock,
  Sell,
  SetPolicy,
  SkuCommand,
  Transfer,
} from '../domain/commands.ts';
import type { RequestOf } from './requests.ts';
import type { Verb } from './verbs.ts';

type Builder<V extends Verb> = (
  request: RequestOf<V>,
  channel: string,
  fingerprint: number,
) => SkuCommand;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One builder per verb. `fingerprint` is that of verb and payload. */
export const builders: { readonly [V in Verb]: Builder<V> } = {
  reserve(r, channel, fingerprint) {
    const { sku, id, qty } = r;
    const command: Mutable<Reserve> = { verb: 'reserve', sku, channel, id, fingerprint, qty };
    if (r.ttlMs !== undefined) command.ttlMs = r.ttlMs;
    if (r.location !== undefined) command.location = r.location;
    if (r.ref !== undefined) command.ref = r.ref;
    if (r.issuedAtMs !== undefined) command.issuedAtMs = r.issuedAtMs;
    return command;
  },
  renew(r, channel, fingerprint) {
    const { sku, id, reservation, ttlMs } = r;
    const head = { verb: 'renew', sku, channel, id, fingerprint } as const;
    const command: Mutable<Renew> = { ...head, reservation, ttlMs };
    return heldByAnother(command, r);
  },
  confirm(r, channel, fingerprint) {
    const { sku, id, reservation, order } = r;
    const verb = 'confirm';
    const command: Mutable<Confirm> = {
      verb,
      sku,
      channel,
      id,
      fingerprint,
      reservation,
      order,
    };
    if (r.qty !== undefined) command.qty = r.qty;
    return heldByAnother(command, r);
  },
  release(r, channel, fingerprint) {
    const { sku, id, reservation } = r;
    const verb = 'release';
    const command: Mutable<Release> = { verb, sku, channel, id, fingerprint, reservation };
    return heldByAnother(command, r);
  },
  sell(r, channel, fingerprint) {
    const { sku, id, qty } = r;
    const command: Mutable<Sell> = { verb: 'sell', sku, channel, id, fingerprint, qty };
    if (r.order !== undefined) command.order = r.order;
    if (r.fact !== undefined) command.fact = r.fact;
    return movement(command, r);
  },
  receive(r, channel, fingerprint) {
    const { sku, id, qty } = r;
    const command: Mutable<Receive> = { verb: 'receive', sku, channel, id, fingerprint, qty };
    if (r.ref !== undefined) command.ref = r.ref;
    return movement(command, r);
  },
  restock(r, channel, fingerprint) {
    const { sku, id, qty } = r;
    const command: Mutable<Restock> = { verb: 'restock', sku, channel, id, fingerprint, qty };
    if (r.order !== undefined) command.order = r.order;
    return movement(command, r);
  },
  adjust(r, channel, fingerprint) {
    const { sku, id, delta, reason } = r;
    const head = { verb: 'adjust', sku, channel, id, fingerprint } as const;
    const command: Mutable<Adjust> = { ...head, delta, reason };
    if (r.expectOnHand !== undefined) command.expectOnHand = withoutMinusZero(r.expectOnHand);
    return movement(command, r);
  },
  count(r, channel, fingerprint) {
    const { sku, id } = r;
    const counted = withoutMinusZero(r.counted);
    const command: Mutable<Count> = { verb: 'count', sku, channel, id, fingerprint, counted };
    if (r.expectOnHand !== undefined) command.expectOnHand = withoutMinusZero(r.expectOnHand);
    return movement(command, r);
  },
  transfer(r, channel, fingerprint) {
    const { sku, id, qty, from, to } = r;
    const head = { verb: 'transfer', sku, channel, id, fingerprint } as const;
    const command: Mutable<Transfer> = { ...head, qty, from, to };
    if (r.occurredAtMs !== undefined) command.occurredAtMs = r.occurredAtMs;
    if (r.issuedAtMs !== undefined) command.issuedAtMs = r.issuedAtMs;
    return command;
  },
  policy(r, channel, fingerprint) {
    const { sku, id } = r;
    const command: Mutable<SetPolicy> = { verb: 'policy', sku, channel, id, fingerprint };
    if (r.safetyStock !== undefined) command.safetyStock = withoutMinusZero(r.safetyStock);
    if (r.backorderMax !== undefined) command.backorderMax = withoutMinusZero(r.backorderMax);
    if (r.lowStock !== undefined) command.lowStock = withoutMinusZero(r.lowStock);
    if (r.channels !== undefined) {
      const entries = Object.entries(r.channels);
      command.channels = Object.fromEntries(entries.map(([name, p]) => [name, patchOf(p)]));
    }
    if (r.issuedAtMs !== undefined) command.issuedAtMs = r.issuedAtMs;
    return command;
  },
  correct(r, channel, fingerprint) {
    const { sku, id, delta, evidence } = r;
    const head = { verb: 'correct', sku, channel, id, fingerprint } as const;
    const command: Mutable<Correct> = { ...head, delta, evidence };
    if (r.location !== undefined) command.location = r.location;
    if (r.issuedAtMs !== undefined) command.issuedAtMs = r.issuedAtMs;
    return command;
  },
  get(r, channel) {
    return { verb: 'get', sku: r.sku, channel };
  },
};

/** A holder named that is the caller itself is no other. */
function heldByAnother<C extends Mutable<Renew | Confirm | Release>>(
  command: C,
  request: { heldBy?: string; issuedAtMs?: number },
): C {
  const { heldBy, issuedAtMs } = request;
  if (heldBy !== undefined && heldBy !== command.channel) command.heldBy = heldBy;
  if (issuedAtMs !== undefined) command.issuedAtMs = issuedAtMs;
  return command;
}

function movement<C extends Mutable<Sell | Receive | Restock | Adjust | Count>>(
  command: C,
  request: { location?: string; occurredAtMs?: number; issuedAtMs?: number },
): C {
  const { location, occurredAtMs, issuedAtMs } = request;
  if (location !== undefined) command.location = location;
  if (occurredAtMs !== undefined) command.occurredAtMs = occurredAtMs;
  if (issuedAtMs !== undefined) command.issuedAtMs = issuedAtMs;
  return command;
}

function patchOf(patch: Mutable<ChannelPolicyPatch>): ChannelPolicyPatch {
  const { buffer, quota, ringFence } = patch;
  const result: Mutable<ChannelPolicyPatch> = {};
  if (buffer !== undefined) result.buffer = withoutMinusZero(buffer);
  if (quota !== undefined) result.quota = withoutMinusZero(quota);
  if (ringFence !== undefined) result.ringFence = withoutMinusZero(ringFence);
  return result;
}

/** JSON has a minus zero, stock has not. */
function withoutMinusZero<N extends number | null>(value: N): N {
  return value === 0 ? (0 as N) : value;
}
