/**
 * What a channel gets back, as published schemas and types. Replies may grow, so unknown fields in
 * them are no error for a reader; `replies.ts` writes them.
 */

import Type, { type Static, type TProperties } from 'typebox';
import { refusalCodes } from '../domain/outcome.ts';
import * as f from './fields.ts';

export const AllocationSchema = Type.Object({ location: f.LocationName, qty: f.Qty });
export const HoldStateSchema = Type.Enum(['open', 'expired', 'released', 'confirmed']);

const allocations = Type.Array(AllocationSchema);
const replayed = Type.Optional(
  Type.Literal(true, { description: 'The first acceptance again: nothing happened this time' }),
);
const state = Type.Optional(HoldStateSchema);
const retaken = Type.Optional(
  Type.Literal(true, { description: 'The hold had expired and its units were taken again' }),
);
/** What every acceptance of one SKU carries. */
const base = { sku: f.Sku, available: f.Units, version: f.Version, replayed };

/** The fields of each verb's acceptance; a cart's lines have the same. */
const fields = {
  reserve: { ...base, qty: f.Qty, allocations, expiresAtMs: Type.Optional(f.TimeMs), state },
  renew: {
    ...base,
    qty: Type.Optional(f.Qty),
    allocations: Type.Optional(allocations),
    expiresAtMs: Type.Optional(f.TimeMs),
    state,
    retaken,
  },
  confirm: { ...base, qty: f.Qty, allocations, state, retaken },
  release: { ...base, qty: f.Units, state },
  sell: { ...base, qty: f.Qty, allocations },
  receive: { ...base, qty: f.Qty, allocations },
  restock: { ...base, qty: f.Qty, allocations },
  adjust: { ...base, delta: f.SignedUnits },
  count: { ...base, delta: f.SignedUnits },
  transfer: { ...base, qty: f.Qty },
  policy: base,
  correct: { ...base, delta: f.SignedUnits },
} as const satisfies Record<string, TProperties>;

const accepted = { ok: Type.Literal(true), id: f.Id };

export const acceptanceSchemas = {
  reserve: Type.Object({ ...accepted, ...fields.reserve }),
  renew: Type.Object({ ...accepted, ...fields.renew }),
  confirm: Type.Object({ ...accepted, ...fields.confirm }),
  release: Type.Object({ ...accepted, ...fields.release }),
  sell: Type.Object({ ...accepted, ...fields.sell }),
  receive: Type.Object({ ...accepted, ...fields.receive }),
  restock: Type.Object({ ...accepted, ...fields.restock }),
  adjust: Type.Object({ ...accepted, ...fields.adjust }),
  count: Type.Object({ ...accepted, ...fields.count }),
  transfer: Type.Object({ ...accepted, ...fields.transfer }),
  policy: Type.Object({ ...accepted, ...fields.policy }),
  correct: Type.Object({ ...accepted, ...fields.correct }),
} as const;

/** The acceptance of one SKU's command, by verb. */
export type AcceptanceOf<V extends keyof typeof acceptanceSchemas> = Static<
  (typeof acceptanceSchemas)[V]
>;

const cart = { ...accepted, state, retaken, replayed };

export const cartAcceptanceSchemas = {
  reserve: Type.Object({ ...cart, lines: Type.Array(Type.Object(fields.reserve)) }),
  renew: Type.Object({ ...cart, lines: Type.Array(Type.Object(fields.renew)) }),
  confirm: Type.Object({ ...cart, lines: Type.Array(Type.Object(fields.confirm)) }),
  release: Type.Object({ ...cart, lines: Type.Array(Type.Object(fields.release)) }),
} as const;

/** The acceptance of a cart, by verb. */
export type CartAcceptanceOf<V extends keyof typeof cartAcceptanceSchemas> = Static<
  (typeof cartAcceptanceSchemas)[V]
>;

export const LocationsSchema = Type.Record(
  Type.String({ pattern: f.namePattern }),
  Type.Object({ onHand: f.SignedUnits, reserved: f.Units }),
);

export const GetReply = Type.Object({
  ok: Type.Literal(true),
  sku: f.Sku,
  onHand: f.SignedUnits,
  reserved: f.Units,
  safetyStock: f.Units,
  available: f.Units,
  locations: LocationsSchema,
  reservations: Type.Integer({ minimum: 0, description: 'Open holds' }),
  version: f.Version,
  asOfSeq: f.Sequence,
});
export type GetReply = Static<typeof GetReply>;

export const ErrorReply = Type.Object({
  ok: Type.Literal(false),
  id: Type.Union([f.Id, Type.Null()], { description: 'null where none could be read' }),
  error: Type.Object({
    code: Type.Enum([...refusalCodes]),
    message: Type.String(),
    retry: Type.Boolean({ description: 'Whether the same command with the same id may succeed' }),
    sku: Type.Optional(f.Sku),
    requested: Type.Optional(f.Units),
    available: Type.Optional(f.Units),
    onHand: Type.Optional(f.SignedUnits),
    field: Type.Optional(Type.String({ description: 'Of invalid_request: `qty`, `lines[0].qty`' })),
    limit: Type.Optional(Type.String({ description: 'Of limit_exceeded: the limit’s name' })),
    retryAfterMs: Type.Optional(f.DurationMs),
    lines: Type.Optional(
      Type.Array(Type.Object({ sku: f.Sku, requested: f.Units, available: f.Units }), {
        description: 'Every short line of a cart',
      }),
    ),
  }),
});
export type ErrorReply = Static<typeof ErrorReply>;
