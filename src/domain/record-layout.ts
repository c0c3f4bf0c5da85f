/** What stands in a record of `record-store.ts`, and what its values mean. */

/** Numbers of a record, by index in 8 bytes. */
export const NumberField = {
  fingerprint: 0,
  /** Version of the event that made it. */
  version: 1,
  /** Units held, or the quantity or delta of a remembered command. */
  qty: 2,
  /** When the hold was made, or the remembered command was accepted. */
  createdAtMs: 3,
  expiresAtMs: 4,
  endedAtMs: 5,
  /** Units confirmed. */
  confirmedQty: 6,
  confirmedVersion: 7,
  /** Of a cart's line that is not confirmed, in the same place: the last step it has heard of. */
  step: 7,
  /** Fingerprint of the order that confirmed it. */
  order: 8,
} as const;

/** What a record is. Everything from `open` to `spent` is a hold. */
export const RecordKind = {
  free: 0,
  open: 1,
  /** A cart's line whose home is deciding: neither expires nor ends otherwise. */
  prepared: 2,
  expired: 3,
  released: 4,
  confirmed: 5,
  /** Released before it was ever made: its id can make no hold any more. */
  spent: 6,
  /** The id of an accepted command that made no hold. */
  command: 7,
} as const;

export const RecordFlag = {
  cart: 1,
  /** The location was asked for: taking the units again must not look elsewhere. */
  bound: 2,
  manyAllocations: 4,
  longId: 8,
  retaken: 16,
  /** Taken again from elsewhere: what the first acceptance said is kept beside. */
  firstAllocations: 32,
  noAllocation: 64,
} as const;
