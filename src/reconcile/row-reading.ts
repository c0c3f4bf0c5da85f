/**
 * What a row of a read model shows, and what it should show by what the journal says of the SKU. Both
 * as one text, so that they can be compared and remembered.
 *
 * 1. Nothing is said of a SKU whose policy decides what a channel sees: its owner knows.
 */

import { skuKeyOf } from '../domain/names.ts';

/** What a row shows that is not one: unreadable, of another SKU, with fields missing. */
export const broken = 'broken';
export const gone = 'gone';

/** A row as it stands. */
export interface ShownRow {
  readonly shows: string;
  /** Version of the SKU and journal sequence that the row says it comes from; 0 where it says nothing. */
  readonly version: number;
  readonly seq: number;
}

/** A SKU after its last event. */
export interface SkuTotals {
  readonly version: number;
  readonly onHand: number;
  readonly reserved: number;
  /** Of `inv_stock`. */
  readonly available: number;
}

type Row = Readonly<Record<string, unknown>>;

/** What the row under a key shows; `version` of views is that of their last visible change, and not shown. */
export function shownBy(bucket: string, key: string, payload: string | undefined): ShownRow {
  if (payload === undefined) return { shows: gone, version: 0, seq: 0 };
  const row = parsed(payload);
  const isOfKey = typeof row?.sku === 'string' && skuKeyOf(row.sku) === key;
  const { version, asOfSeq: seq } = row ?? {};
  if (!isOfKey || !isCount(version) || !isCount(seq)) return { shows: broken, version: 0, seq: 0 };
  return { shows: bucket === 'stock' ? stockShown(row!) : viewShown(row!), version, seq };
}

/** What the SKU's rows should show: that of `inv_stock`, and that of a channel unless a policy decides. */
export function expectedOf({ version, onHand, reserved, available }: SkuTotals): {
  readonly stock: string;
  readonly view: string;
} {
  return {
    stock: stockText(version, onHand, reserved, available),
    view: viewText(available, available > 0 ? 'in_stock' : 'out_of_stock'),
  };
}

function parsed(payload: string): Row | undefined {
  try {
    const row: unknown = JSON.parse(payload);
    return typeof row === 'object' && row !== null ? (row as Row) : undefined;
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function stockShown(row: Row): string {
  const { onHand, reserved, available, safetyStock, reservations, version, locations } = row;
  if (![onHand, reserved, available, safetyStock, reservations].every(isCount)) return broken;
  if (typeof locations !== 'object' || locations === null) return broken;
  const parts = Object.values(locations) as { onHand: number; reserved: number }[];
  const sum = (field: 'onHand' | 'reserved') =>
    parts.reduce((total, part) => total + Number(part?.[field]), 0);
  if (sum('onHand') !== onHand || sum('reserved') !== reserved) return broken;
  return stockText(version as number, onHand, reserved as number, available as number);
}

function viewShown({ available, status, updatedAtMs }: Row): string {
  if (!isCount(available) || !isCount(updatedAtMs) || typeof status !== 'string') return broken;
  return viewText(available, status);
}

function stockText(version: number, onHand: number, reserved: number, available: number): string {
  return `${version} ${onHand} ${reserved} ${available}`;
}

function viewText(available: number, status: string): string {
  return `${available} ${status}`;
}
