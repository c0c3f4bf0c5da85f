/**
 * The limits of one request. Each name appears in `limit_exceeded` as `error.limit`; the
 * configuration may change the numbers, never the names.
 */

export interface RequestLimits {
  /** Largest `qty` and largest number in a policy, in units. */
  readonly quantityMax: number;
  /** Largest `counted` and `delta`, in units. */
  readonly onHandMax: number;
  /** Lines of a cart as sent, before equal SKUs are summed. */
  readonly cartLinesMax: number;
  /** Commands of one frame. */
  readonly frameCommandsMax: number;
  /** Bytes of one request or frame. */
  readonly requestBytesMax: number;
  /** Code points of `order`, `ref` and `reason`. */
  readonly textLengthMax: number;
  /** Characters of a correction's evidence as JSON: it stays in the journal for ever. */
  readonly evidenceLengthMax: number;
}

export const defaultRequestLimits: RequestLimits = {
  quantityMax: 1_000_000_000,
  onHandMax: Number.MAX_SAFE_INTEGER,
  cartLinesMax: 100,
  frameCommandsMax: 1_000,
  requestBytesMax: 1_048_576,
  textLengthMax: 256,
  evidenceLengthMax: 16_384,
};
