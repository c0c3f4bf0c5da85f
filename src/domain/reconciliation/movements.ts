/**
 * What a SKU's event moves at which location, and which document carries it to the ERP. Reservations
 * move nothing until they are confirmed: the ERP does not know them.
 */

import type { Allocation, SkuEvent } from '../events.ts';

/** One event's effect on one location. */
export interface Movement {
  readonly location: string;
  readonly delta: number;
  readonly occurredAtMs: number;
  /** The event's channel: the lane is a matter of configuration. */
  readonly channel: string;
  readonly document: string;
  /** Evidence of a correction, as the event recorded it. */
  readonly evidence?: Readonly<Record<string, unknown>>;
}

/** The event's movements on hand; none for events that change only what is reserved or visible. */
export function movementsOf(event: SkuEvent): readonly Movement[] {
  switch (event.type) {
    case 'stock.received':
      return allocated(event, 1, event.ref);
    case 'stock.restocked':
      return allocated(event, 1, event.order);
    case 'stock.sold':
    case 'reservation.confirmed':
      return allocated(event, -1, event.order);
    case 'stock.adjusted':
    case 'stock.counted':
      return moved(event, event.location, event.delta, event.command);
    case 'stock.corrected':
      return moved(event, event.location, event.delta, event.command).map((movement) => ({
        ...movement,
        evidence: event.evidence,
      }));
    case 'stock.transferred':
      return [
        ...moved(event, event.from, -event.qty, event.command),
        ...moved(event, event.to, event.qty, event.command),
      ];
    default:
      return [];
  }
}

type Moving = SkuEvent & { readonly occurredAtMs?: number };

function allocated(
  event: Moving & { readonly allocations: readonly Allocation[] },
  sign: 1 | -1,
  document: string | undefined,
): readonly Movement[] {
  return event.allocations.flatMap(({ location, qty }) =>
    moved(event, location, sign * qty, document ?? event.command),
  );
}

function moved(event: Moving, location: string, delta: number, document: string): Movement[] {
  if (delta === 0) return [];
  const occurredAtMs = event.occurredAtMs ?? event.atMs;
  return [{ location, delta, occurredAtMs, channel: event.channel, document }];
}
