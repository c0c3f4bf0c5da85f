/**
 * What a row of a read model shows, and what it should show by what the journal says of the SKU. Both
 * as one text, so that they can be compared and remembered.
 *
 * 1. Nothing is said of a SKU whose policy decides what a channel sees: its owner knows.
 */

import type { SkuFacts } from './store/row-store.ts';

/** What a row shows that is not one: unreadable, of another SKU, with fields missing. */
export const broken = 'broken';
export const gone = 'gone';

type Row = Readonly<Record<string, unknown>>;

/** What the row shows; `version` of views is that of their last visible change, and not shown. */
export function shownBy(bucket: string, sku: string, payload: string | undefined): string {
  if (payload === undefined) return gone;
  let row: Row;
  try {
    row = JSON.parse(payload);
  } catch {
    return broken;
  }
  if (typeof row !== 'object' || row === null || row.sku !== sku) return broken;
  return bucket === 'stock' ? stockShown(row) : viewShown(row);
}

/** What it should show; undefined: only the owner knows. */
export function expectedOf(bucket: string, facts: SkuFacts): string | undefined {
  const { version, onHand, reserved, available, hasPolicy } = facts;
  if (bucket === 'stock') return stockText(version, onHand, reserved, available);
  if (hasPolicy) return undefined;
  return viewText(available, available > 0 ? 'in_stock' : 'out_of_stock');
}

/** Whether a view's row claims to be newer than the SKU is. */
export function isFromTheFuture(payload: string, facts: SkuFacts): boolean {
  const { version, asOfSeq } = JSON.parse(payload) as Row;
  return Number(version) > facts.version || Number(asOfSeq) > facts.seq;
}

function stockShown(row: Row): string {
  const { onHand, reserved, available, safetyStock, reservations, version, asOfSeq, locations } =
    row;
  const numbers = [onHand, reserved, available, safetyStock, reservations, version, asOfSeq];
  if (!numbers.every(Number.isSafeInteger)) return broken;
  if (typeof locations !== 'object' || locations === null) return broken;
  const parts = Object.values(locations) as { onHand: number; reserved: number }[];
  const sum = (field: 'onHand' | 'reserved') =>
    parts.reduce((total, part) => total + Number(part?.[field]), 0);
  if (sum('onHand') !== onHand || sum('reserved') !== reserved) return broken;
  return stockText(version as number, onHand, reserved as number, available as number);
}

function viewShown({ available, status, version, asOfSeq, updatedAtMs }: Row): string {
  const numbers = [available, version, asOfSeq, updatedAtMs];
  if (!numbers.every(Number.isSafeInteger) || typeof status !== 'string') return broken;
  return viewText(available as number, status);
}

function stockText(version: number, onHand: number, reserved: number, available: number): string {
  return `${version} ${onHand} ${reserved} ${available}`;
}

function viewText(available: number, status: string): string {
  return `${available} ${status}`;
}
