/**
 * What a channel may send: one schema per verb gives the validator, the TypeScript type and the
 * published JSON Schema. The subject names channel and verb, so requests do not carry them; an
 * element of a frame carries `verb` besides. Unknown fields are refused.
 */

import Type, { type Static, type TProperties } from 'typebox';
import * as f from './fields.ts';

/** Every command but `get` has these. */
const base = { id: f.Id, issuedAtMs: Type.Optional(f.TimeMs) };
const location = Type.Optional(f.LocationName);
const occurredAtMs = Type.Optional(f.TimeMs);
const onHold = { reservation: f.Id, heldBy: Type.Optional(f.ChannelName) };

/** Fields of each verb that concerns one SKU. */
const fields = {
  reserve: {
    ...base,
    sku: f.Sku,
    qty: f.Qty,
    ttlMs: Type.Optional(f.DurationMs),
    location,
    ref: Type.Optional(f.Reference),
  },
  renew: { ...base, ...onHold, sku: f.Sku, ttlMs: f.DurationMs },
  confirm: { ...base, ...onHold, sku: f.Sku, order: f.Reference, qty: Type.Optional(f.Qty) },
  release: { ...base, ...onHold, sku: f.Sku },
  sell: {
    ...base,
    sku: f.Sku,
    qty: f.Qty,
    location,
    order: Type.Optional(f.Reference),
    occurredAtMs,
    fact: Type.Optional(Type.Boolean()),
  },
  receive: {
    ...base,
    sku: f.Sku,
    qty: f.Qty,
    location,
    ref: Type.Optional(f.Reference),
    occurredAtMs,
  },
  restock: {
    ...base,
    sku: f.Sku,
    qty: f.Qty,
    location,
    order: Type.Optional(f.Reference),
    occurredAtMs,
  },
  adjust: {
    ...base,
    sku: f.Sku,
    delta: f.Delta,
    reason: f.Text,
    location,
    expectOnHand: Type.Optional(f.SignedUnits),
    occurredAtMs,
  },
  count: {
    ...base,
    sku: f.Sku,
    counted: f.Units,
    location,
    expectOnHand: Type.Optional(f.SignedUnits),
    occurredAtMs,
  },
  transfer: {
    ...base,
    sku: f.Sku,
    qty: f.Qty,
    from: f.LocationName,
    to: f.LocationName,
    occurredAtMs,
  },
  policy: {
    ...base,
    sku: f.Sku,
    safetyStock: Type.Optional(f.UnitsOrNull),
    backorderMax: Type.Optional(f.UnitsOrNull),
    lowStock: Type.Optional(f.UnitsOrNull),
    channels: Type.Optional(
      Type.Record(
        Type.String({ pattern: f.namePattern }),
        Type.Object(
          {
            buffer: Type.Optional(f.UnitsOrNull),
            quota: Type.Optional(f.UnitsOrNull),
            ringFence: Type.Optional(f.UnitsOrNull),
          },
          f.closed,
        ),
        f.closed,
      ),
    ),
  },
  correct: {
    ...base,
    sku: f.Sku,
    delta: f.Delta,
    location,
    evidence: Type.Object(
      {
        asOfSeq: f.Sequence,
        source: Type.Optional(f.Text),
        snapshotIds: Type.Optional(Type.Array(f.Text, { maxItems: 100 })),
        observed: Type.Optional(Type.Number()),
        lo: Type.Optional(Type.Number()),
        hi: Type.Optional(Type.Number()),
        rule: Type.Optional(f.Text),
        asOfFromMs: Type.Optional(f.TimeMs),
      },
      // Evidence is recorded as it is; more of it changes no meaning. Flat, so that it stays small.
      {
        maxProperties: 32,
        additionalProperties: Type.Union([
          Type.String(),
          Type.Number(),
          Type.Boolean(),
          Type.Null(),
          Type.Array(Type.Union([Type.String(), Type.Number()]), { maxItems: 1_000 }),
        ]),
      },
    ),
  },
  get: { sku: f.Sku },
} as const satisfies Record<string, TProperties>;

const elementOf = <V extends string>(verb: V) => ({ verb: Type.Literal(verb) });

export const ReserveRequest = Type.Object(fields.reserve, f.closed);
export const RenewRequest = Type.Object(fields.renew, f.closed);
export const ConfirmRequest = Type.Object(fields.confirm, f.closed);
export const ReleaseRequest = Type.Object(fields.release, f.closed);
export const SellRequest = Type.Object(fields.sell, f.closed);
export const ReceiveRequest = Type.Object(fields.receive, f.closed);
export const RestockRequest = Type.Object(fields.restock, f.closed);
export const AdjustRequest = Type.Object(fields.adjust, f.closed);
export const CountRequest = Type.Object(fields.count, f.closed);
export const TransferRequest = Type.Object(fields.transfer, f.closed);
export const PolicyRequest = Type.Object(fields.policy, f.closed);
export const CorrectRequest = Type.Object(fields.correct, f.closed);
export const GetRequest = Type.Object(fields.get, f.closed);

export type ReserveRequest = Static<typeof ReserveRequest>;
export type RenewRequest = Static<typeof RenewRequest>;
export type ConfirmRequest = Static<typeof ConfirmRequest>;
export type ReleaseRequest = Static<typeof ReleaseRequest>;
export type SellRequest = Static<typeof SellRequest>;
export type ReceiveRequest = Static<typeof ReceiveRequest>;
export type RestockRequest = Static<typeof RestockRequest>;
export type AdjustRequest = Static<typeof AdjustRequest>;
export type CountRequest = Static<typeof CountRequest>;
export type TransferRequest = Static<typeof TransferRequest>;
export type PolicyRequest = Static<typeof PolicyRequest>;
export type CorrectRequest = Static<typeof CorrectRequest>;
export type GetRequest = Static<typeof GetRequest>;

/** The request of each verb that concerns one SKU. */
export const requestSchemas = {
  reserve: ReserveRequest,
  renew: RenewRequest,
  confirm: ConfirmRequest,
  release: ReleaseRequest,
  sell: SellRequest,
  receive: ReceiveRequest,
  restock: RestockRequest,
  adjust: AdjustRequest,
  count: CountRequest,
  transfer: TransferRequest,
  policy: PolicyRequest,
  correct: CorrectRequest,
  get: GetRequest,
} as const;

/** The same as elements of a frame: with `verb`. */
export const frameElementSchemas = {
  reserve: Type.Object({ ...elementOf('reserve'), ...fields.reserve }, f.closed),
  renew: Type.Object({ ...elementOf('renew'), ...fields.renew }, f.closed),
  confirm: Type.Object({ ...elementOf('confirm'), ...fields.confirm }, f.closed),
  release: Type.Object({ ...elementOf('release'), ...fields.release }, f.closed),
  sell: Type.Object({ ...elementOf('sell'), ...fields.sell }, f.closed),
  receive: Type.Object({ ...elementOf('receive'), ...fields.receive }, f.closed),
  restock: Type.Object({ ...elementOf('restock'), ...fields.restock }, f.closed),
  adjust: Type.Object({ ...elementOf('adjust'), ...fields.adjust }, f.closed),
  count: Type.Object({ ...elementOf('count'), ...fields.count }, f.closed),
  transfer: Type.Object({ ...elementOf('transfer'), ...fields.transfer }, f.closed),
  policy: Type.Object({ ...elementOf('policy'), ...fields.policy }, f.closed),
  correct: Type.Object({ ...elementOf('correct'), ...fields.correct }, f.closed),
  get: Type.Object({ ...elementOf('get'), ...fields.get }, f.closed),
} as const;

/** What a channel sends for one SKU, by verb. */
export type RequestOf<V extends keyof typeof requestSchemas> = Static<(typeof requestSchemas)[V]>;
