/**
 * What deciding one command gives: events (maybe none) and the answer. A refusal is a value, never
 * an exception. Answers are plain data; the contract turns them into replies.
 */

import type { Allocation, SkuEvent } from './events.ts';

export const refusalCodes = [
  'invalid_request',
  'forbidden',
  'unknown_sku',
  'reservation_not_found',
  'insufficient_stock',
  'stock_changed',
  'already_confirmed',
  'already_released',
  'id_conflict',
  'no_longer_available',
  'id_expired',
  'limit_exceeded',
  'overloaded',
  'unavailable',
] as const;

export type RefusalCode = (typeof refusalCodes)[number];

/** A refusal with the fields that its code carries (see the contract's table). */
export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  readonly sku?: string;
  readonly requested?: number;
  readonly available?: number;
  readonly onHand?: number;
  readonly field?: string;
  readonly limit?: string;
  readonly retryAfterMs?: number;
  readonly lines?: readonly ShortLine[];
}

export interface ShortLine {
  readonly sku: string;
  readonly requested: number;
  readonly available: number;
}

export type HoldState = 'open' | 'expired' | 'released' | 'confirmed';

/** An acceptance: the fields of the contract's reply that apply to the verb. */
export interface Acceptance {
  readonly sku: string;
  readonly qty?: number;
  readonly delta?: number;
  readonly allocations?: readonly Allocation[];
  readonly expiresAtMs?: number;
  readonly available: number;
  readonly version: number;
  readonly state?: HoldState;
  readonly retaken?: true;
  readonly replayed?: true;
}

/** The strong read; `asOfSeq` is added by whoever knows the commit. */
export interface StockRead {
  readonly sku: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly safetyStock: number;
  readonly available: number;
  readonly locations: Readonly<Record<string, { onHand: number; reserved: number }>>;
  readonly reservations: number;
  readonly version: number;
}

export type Answer =
  | { readonly kind: 'accepted'; readonly acceptance: Acceptance }
  | { readonly kind: 'read'; readonly read: StockRead }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The reservation is a cart's line: only its home may decide this verb. */
  | { readonly kind: 'cart' };

export interface Decision {
  readonly events: readonly SkuEvent[];
  readonly answer: Answer;
}
