/** The rows of the buckets that others read, as published schemas and types. */

import Type, { type Static } from 'typebox';
import * as f from './fields.ts';
import { LocationsSchema } from './reply-schemas.ts';

const asOf = { version: f.Version, asOfSeq: f.Sequence, updatedAtMs: f.TimeMs };

/** `inv_stock`, key = skuKey. */
export const StockRow = Type.Object({
  sku: f.Sku,
  onHand: f.SignedUnits,
  reserved: f.Units,
  available: f.Units,
  safetyStock: f.Units,
  locations: LocationsSchema,
  reservations: Type.Integer({ minimum: 0, description: 'Open holds' }),
  ...asOf,
});
export type StockRow = Static<typeof StockRow>;

/** `inv_view_<channel>`, key = skuKey: what this channel may still sell. */
export const ViewRowSchema = Type.Object({
  sku: f.Sku,
  available: f.Units,
  status: Type.Enum(['in_stock', 'low_stock', 'out_of_stock', 'backorder']),
  ...asOf,
});
export type ViewRowMessage = Static<typeof ViewRowSchema>;

/** `inv_nodes`, key `node.<name>`: a living node. */
export const NodeRow = Type.Object({
  name: f.NodeName,
  incarnation: Type.String({ description: 'Names one run of the process' }),
  partitions: Type.Array(Type.Integer({ minimum: 0 })),
  startedAtMs: f.TimeMs,
  renewedAtMs: f.TimeMs,
  leaving: Type.Optional(Type.Boolean()),
  httpUrl: Type.Optional(Type.String()),
});
export type NodeRow = Static<typeof NodeRow>;

/** `inv_nodes`, key `meta`: what all nodes of a journal agree on. */
export const MetaRow = Type.Object({
  partitions: Type.Integer({ minimum: 1, description: "Fixed for the journal's life" }),
  schema: Type.Integer({ minimum: 1, description: 'Schema version of the journal when made' }),
  epoch: Type.Optional(Type.String({ description: 'Tells a restored journal from the first' })),
  genesis: Type.Optional(Type.Array(Type.Integer({ minimum: 0 }))),
});
export type MetaRow = Static<typeof MetaRow>;

/** What an ERP's posting path says about documents that it has posted, by the ERP's clock. */
export const PostingAck = Type.Object(
  {
    lane: f.ChannelName,
    documents: Type.Array(f.Reference, { minItems: 1, maxItems: 10_000 }),
    postedAtMs: f.TimeMs,
  },
  f.closed,
);
export type PostingAck = Static<typeof PostingAck>;
