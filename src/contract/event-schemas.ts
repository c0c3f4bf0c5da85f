/**
 * The events as `INV_EVENTS` shows them, one schema per type. They are the domain's events without
 * what only the journal needs; `rows.ts` writes them, and a test holds the two together.
 */

import Type, { type Static, type TProperties } from 'typebox';
import * as f from './fields.ts';
import { AllocationSchema } from './reply-schemas.ts';

const optional = Type.Optional;
const allocations = Type.Array(AllocationSchema);
const text = Type.String();
const counter = f.Units;

function event<T extends string, P extends TProperties>(type: T, more: P) {
  return Type.Object({
    type: Type.Literal(type),
    version: f.Version,
    atMs: f.TimeMs,
    channel: Type.String({
      pattern: '^[a-z0-9-]{0,32}$',
      description: 'Empty where the event concerns the SKU as a whole (a shortfall)',
    }),
    command: Type.String({ description: 'Id of the command; empty where none was behind it' }),
    ...more,
    onHand: f.SignedUnits,
    reserved: f.Units,
    available: f.Units,
  });
}

const moved = {
  qty: f.Qty,
  allocations,
  occurredAtMs: optional(f.TimeMs),
  fact: optional(Type.Literal(true)),
};
const changed = {
  delta: f.SignedUnits,
  location: f.LocationName,
  occurredAtMs: optional(f.TimeMs),
};
const onHold = { reservation: f.Id, heldBy: optional(f.ChannelName) };
/** Of a cart's line. */
const cartStep = Type.Integer({ minimum: 1, description: 'Number of the cart’s step' });
const step = optional(cartStep);
const status = Type.Enum(['in_stock', 'low_stock', 'out_of_stock', 'backorder']);
const availability = { availableToChannel: f.Units, status };
const escrow = {
  edge: text,
  epoch: counter,
  lent: counter,
  used: counter,
  returned: counter,
};

export const eventSchemas = {
  'stock.received': event('stock.received', { ...moved, ref: optional(text) }),
  'stock.sold': event('stock.sold', { ...moved, order: optional(text) }),
  'stock.restocked': event('stock.restocked', { ...moved, order: optional(text) }),
  'stock.adjusted': event('stock.adjusted', { ...changed, reason: text }),
  'stock.counted': event('stock.counted', { ...changed, counted: f.Units }),
  'stock.corrected': event('stock.corrected', {
    ...changed,
    evidence: Type.Record(Type.String(), Type.Unknown()),
  }),
  'stock.transferred': event('stock.transferred', {
    qty: f.Qty,
    from: f.LocationName,
    to: f.LocationName,
    occurredAtMs: optional(f.TimeMs),
  }),
  'reservation.created': event('reservation.created', {
    qty: f.Qty,
    allocations,
    expiresAtMs: f.TimeMs,
    ref: optional(text),
    cart: optional(Type.Literal(true)),
    reservation: f.Id,
  }),
  'reservation.renewed': event('reservation.renewed', {
    ...onHold,
    expiresAtMs: f.TimeMs,
    retaken: optional(allocations),
  }),
  'reservation.prepared': event('reservation.prepared', {
    ...onHold,
    retaken: optional(allocations),
    step,
  }),
  'reservation.held': event('reservation.held', { ...onHold, expiresAtMs: f.TimeMs, step }),
  'reservation.lapsed': event('reservation.lapsed', { ...onHold, step: cartStep }),
  'reservation.confirmed': event('reservation.confirmed', {
    ...onHold,
    order: text,
    qty: f.Qty,
    allocations,
    released: optional(f.Units),
    retaken: optional(allocations),
  }),
  'reservation.released': event('reservation.released', {
    ...onHold,
    qty: f.Units,
    cart: optional(Type.Literal(true)),
  }),
  'reservation.expired': event('reservation.expired', {
    ...onHold,
    qty: f.Qty,
    expiresAtMs: f.TimeMs,
  }),
  'availability.out': event('availability.out', availability),
  'availability.low': event('availability.low', availability),
  'availability.back': event('availability.back', availability),
  'shortfall.raised': event('shortfall.raised', {
    qty: f.Qty,
    atRisk: Type.Array(Type.Object({ channel: f.ChannelName, reservation: f.Id, qty: f.Qty }), {
      maxItems: 100,
      description: 'Youngest first',
    }),
    atRiskCount: counter,
  }),
  'shortfall.cleared': event('shortfall.cleared', {}),
  'policy.changed': event('policy.changed', {
    safetyStock: f.Units,
    backorderMax: f.Units,
    lowStock: f.Units,
    channels: Type.Record(
      Type.String({ pattern: f.namePattern }),
      Type.Object({ buffer: f.Units, quota: f.UnitsOrNull, ringFence: f.Units }),
    ),
    quotaSet: Type.Array(f.ChannelName),
    ringFenceSet: Type.Array(f.ChannelName),
  }),
  'escrow.lent': event('escrow.lent', escrow),
  'escrow.used': event('escrow.used', escrow),
  'escrow.returned': event('escrow.returned', escrow),
  'escrow.lost': event('escrow.lost', escrow),
} as const;

/** One event as published, by type. */
export type PublishedEvent<T extends keyof typeof eventSchemas = keyof typeof eventSchemas> =
  Static<(typeof eventSchemas)[T]>;

/** A message of `INV_EVENTS`: consecutive events of one SKU. */
export const HistoryMessage = Type.Object({
  sku: f.Sku,
  events: Type.Array(Type.Union(Object.values(eventSchemas)), { minItems: 1 }),
});

export interface HistoryMessage {
  readonly sku: string;
  readonly events: readonly PublishedEvent[];
}
