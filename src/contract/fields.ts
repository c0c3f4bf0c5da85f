/**
 * The fields that messages are made of: each is a JSON Schema, and with it a TypeScript type.
 *
 * 1. Numbers are bounded by what JSON carries exactly (2^53 − 1), not by the configured limits:
 *    being above a limit is `limit_exceeded`, checked after the shape.
 * 2. Patterns are evaluated with the flag `u`, so `\p{…}` works and length counts code points.
 */

import Type from 'typebox';

const most = Number.MAX_SAFE_INTEGER;

/** Taken exactly as given: no control characters, no lone surrogates. */
export const skuPattern = '^[^\\p{Cc}\\p{Cs}]{1,128}$';
export const idPattern = '^[A-Za-z0-9_.:-]{1,128}$';
/** Of channels, sources and locations. */
export const namePattern = '^[a-z0-9-]{1,32}$';
export const nodeNamePattern = '^[A-Za-z0-9_-]{1,64}$';

export const Sku = Type.String({
  pattern: skuPattern,
  description: '1–128 code points, case-sensitive, taken exactly as given',
});
export const Id = Type.String({
  pattern: idPattern,
  description: 'Names one intent of the channel: the idempotency key',
});
export const ChannelName = Type.String({ pattern: namePattern });
export const LocationName = Type.String({ pattern: namePattern });
export const NodeName = Type.String({ pattern: nodeNamePattern });

/** A document number or reference of the caller's. */
export const Reference = Type.String({ minLength: 1, pattern: '^[^\\p{Cc}\\p{Cs}]*$' });
/** Prose; line breaks are fine. */
export const Text = Type.String({ minLength: 1, pattern: '^\\P{Cs}*$' });

export const Qty = Type.Integer({ minimum: 1, maximum: most });
/** Zero or more units. */
export const Units = Type.Integer({ minimum: 0, maximum: most });
/** Any whole number of units; on hand may be negative. */
export const SignedUnits = Type.Integer({ minimum: -most, maximum: most });
/** A change, so not zero. */
export const Delta = Type.Union([
  Type.Integer({ minimum: -most, maximum: -1 }),
  Type.Integer({ minimum: 1, maximum: most }),
]);
/** Absent leaves as it is, null clears. */
export const UnitsOrNull = Type.Union([Units, Type.Null()]);

export const TimeMs = Type.Integer({
  minimum: 0,
  maximum: most,
  description: 'Milliseconds since the Unix epoch',
});
export const DurationMs = Type.Integer({ minimum: 1, maximum: most, description: 'Milliseconds' });
export const Sequence = Type.Integer({ minimum: 0, maximum: most });
export const Version = Type.Integer({ minimum: 0, maximum: most });

/** An object with these fields and no others. */
export const closed = { additionalProperties: false } as const;
