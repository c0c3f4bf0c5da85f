/**
 * What moves on hand, and what a snapshot of an ERP may contain of it: the first steps of
 * reconciliation once more, from its description and sharing no code with
 * `src/domain/reconciliation`. A line is a SKU at a location.
 */

import type { SkuEvent } from '../../../src/domain/events.ts';
import type { SkuCommit } from '../journal-view.ts';

export interface Move {
  readonly location: string;
  readonly delta: number;
  readonly lane: string;
  readonly document: string;
  readonly occurredAtMs: number;
  /** The event said itself when it happened. */
  readonly saysWhen: boolean;
  /** Of a correction. */
  readonly evidence?: Evidence;
}

export type Evidence = Readonly<Record<string, unknown>>;

export interface Entry extends Move {
  readonly recordedAtMs: number;
  readonly seq: number;
  readonly storedMs: number;
  readonly version: number;
}

/** What is known of the lanes. All but `fromOccurrence` post what has been recorded. */
export interface LaneTerms {
  readonly lagMs: number;
  readonly skewMs: number;
  readonly fromOccurrence: ReadonlySet<string>;
}

export interface SeenWindow {
  readonly asOfFromMs: number;
  readonly asOfToMs: number;
  /** Per lane, everything that happened up to then is posted. */
  readonly throughMs: ReadonlyMap<string, number>;
}

/** When the ERP said that it posted a document: `lane document` → milliseconds. */
export type Posted = ReadonlyMap<string, number>;

export const lineOf = (sku: string, location: string) => `${location} ${sku}`;

/** Whether a correction takes an earlier one back, because a late fact explains it. */
export function isNetting({ evidence }: Move): boolean {
  return evidence?.rule === 'late_fact';
}

export function movesOf(event: SkuEvent): readonly Move[] {
  const saysWhen = 'occurredAtMs' in event && event.occurredAtMs !== undefined;
  const occurredAtMs = saysWhen ? (event.occurredAtMs as number) : event.atMs;
  const move = (location: string, delta: number, document = event.command): Move => {
    return { location, delta, lane: event.channel, document, occurredAtMs, saysWhen };
  };
  switch (event.type) {
    case 'stock.received':
      return event.allocations.map(({ location, qty }) => move(location, qty, event.ref));
    case 'stock.restocked':
      return event.allocations.map(({ location, qty }) => move(location, qty, event.order));
    case 'stock.sold':
    case 'reservation.confirmed':
      return event.allocations.map(({ location, qty }) => move(location, -qty, event.order));
    case 'stock.adjusted':
    case 'stock.counted':
      return event.delta === 0 ? [] : [move(event.location, event.delta)];
    case 'stock.corrected':
      return [{ ...move(event.location, event.delta), evidence: event.evidence }];
    case 'stock.transferred':
      return [move(event.from, -event.qty), move(event.to, event.qty)];
    default:
      return [];
  }
}

/** Every line's entries in the journal's order. */
export function ledgerOf(
  skus: ReadonlyMap<string, readonly SkuCommit[]>,
): ReadonlyMap<string, readonly Entry[]> {
  const lines = new Map<string, Entry[]>();
  for (const [sku, commits] of skus) {
    for (const { seq, storedMs, atMs, events } of commits) {
      for (const event of events) {
        for (const move of movesOf(event)) {
          const line = lineOf(sku, move.location);
          const entries = lines.get(line) ?? [];
          const { version } = event;
          entries.push({ ...move, recordedAtMs: atMs, seq, storedMs, version });
          lines.set(line, entries);
        }
      }
    }
  }
  return lines;
}

/** How far `qty` lies outside what the snapshot may show; 0: it proves nothing. */
export function driftOf(
  qty: number,
  entries: readonly Entry[],
  window: SeenWindow,
  posted: Posted,
  terms: LaneTerms,
): number {
  let lo = 0;
  let hi = 0;
  for (const entry of entries) {
    const [least, most] = partOf(entry, window, posted, terms);
    lo += least;
    hi += most;
  }
  if (qty > hi) return qty - hi;
  return qty < lo ? qty - lo : 0;
}

/** What the snapshot contains of an entry, at least and at most. */
function partOf(
  entry: Entry,
  window: SeenWindow,
  posted: Posted,
  terms: LaneTerms,
): readonly [number, number] {
  const { delta, lane, document } = entry;
  const all: readonly [number, number] = [delta, delta];
  const none: readonly [number, number] = [0, 0];
  const maybe: readonly [number, number] = [Math.min(0, delta), Math.max(0, delta)];
  if (entry.evidence) return all;
  const postedMs = posted.get(`${lane} ${document}`);
  if (postedMs !== undefined) {
    if (postedMs <= window.asOfFromMs) return all;
    return postedMs > window.asOfToMs ? none : maybe;
  }
  if (entry.occurredAtMs <= (window.throughMs.get(lane) ?? Number.NEGATIVE_INFINITY)) return all;
  const { lagMs, skewMs, fromOccurrence } = terms;
  const startMs = fromOccurrence.has(lane)
    ? entry.occurredAtMs
    : Math.max(entry.occurredAtMs, entry.recordedAtMs);
  // A lane with a watermark tells by it what is posted, and nothing by its lag.
  const isOld = startMs + lagMs + skewMs <= window.asOfFromMs && !window.throughMs.has(lane);
  if (isOld) return all;
  return startMs > window.asOfToMs + skewMs ? none : maybe;
}
