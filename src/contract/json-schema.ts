/**
 * Every published schema under its `$id`. The ids are stable: `urn:lastunit:v1:<kind>:<name>`. They
 * are the same objects that validate, so what is published is what is checked.
 */

import type { TSchema } from 'typebox';
import { cartRequestSchemas } from './cart.ts';
import { eventSchemas, HistoryMessage } from './event-schemas.ts';
import { acceptanceSchemas, cartAcceptanceSchemas, ErrorReply, GetReply } from './reply-schemas.ts';
import { frameElementSchemas, requestSchemas } from './requests.ts';
import { MetaRow, NodeRow, PostingAck, StockRow, ViewRowSchema } from './row-schemas.ts';
import { factVerbs } from './verbs.ts';

export const schemaIdPrefix = 'urn:lastunit:v1:';

/** A schema as plain JSON, with its `$id`. */
export interface PublishedSchema {
  readonly $id: string;
  readonly [keyword: string]: unknown;
}

/** Facts are the requests of their verbs: the source counts as the channel. */
const factSchemas = Object.fromEntries(factVerbs.map((verb) => [verb, requestSchemas[verb]]));

const kinds: Readonly<Record<string, Readonly<Record<string, TSchema>>>> = {
  command: requestSchemas,
  'cart-command': cartRequestSchemas,
  'frame-element': frameElementSchemas,
  fact: factSchemas,
  reply: { ...acceptanceSchemas, get: GetReply, error: ErrorReply },
  'cart-reply': cartAcceptanceSchemas,
  event: { ...eventSchemas, message: HistoryMessage },
  row: { stock: StockRow, view: ViewRowSchema, node: NodeRow, meta: MetaRow },
  reconcile: { 'posting-ack': PostingAck },
};

/** All of them by name: `command:reserve`, `event:stock.sold`, … */
export const publishedSchemas: ReadonlyMap<string, PublishedSchema> = new Map(
  Object.entries(kinds).flatMap(([kind, schemas]) =>
    Object.entries(schemas).map(([name, schema]) => [
      `${kind}:${name}`,
      published(`${kind}:${name}`, schema),
    ]),
  ),
);

/** Through JSON, which drops what only the compiler of types needs. */
function published(name: string, schema: TSchema): PublishedSchema {
  return { $id: `${schemaIdPrefix}${name}`, ...JSON.parse(JSON.stringify(schema)) };
}
