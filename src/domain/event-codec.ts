/**
 * Events as the journal stores them: one tuple each, because what is written once is read for ever
 * and paid for at every replay. `[code, channel, command, onHand, reserved, available, …]`; time and
 * version are told once for a SKU's events of a commit. Codes and places are fixed: a change gets a
 * new code, and the old ones stay readable (invariant 13).
 */

import { decodeTuple } from './event-decode.ts';
import { type EventCode, eventCodes } from './event-tuples.ts';
import type { Allocation, SkuEvent } from './events.ts';
import { TextWriter } from './text-writer.ts';

/** The events' tuples, for `JSON.stringify`. */
export function encodeEvents(events: readonly SkuEvent[]): unknown[][] {
  return events.map(tupleOf);
}

const writer = new TextWriter();

/** The tuples as JSON, joined by commas and without brackets around them: the way to a commit. */
export function encodeEventsText(events: readonly SkuEvent[]): string {
  writer.clear();
  for (let at = 0; at < events.length; at += 1) {
    if (at > 0) writer.ascii(',');
    write(writer, events[at] as SkuEvent);
  }
  return writer.take();
}

/**
 * The events of one SKU in one commit. Throws on a code that this version does not know.
 * @param atMs time of the commit's round
 */
export function decodeEvents(
  sku: string,
  firstVersion: number,
  atMs: number,
  tuples: readonly (readonly unknown[])[],
): SkuEvent[] {
  return tuples.map((tuple, index) => decodeTuple(sku, firstVersion + index, atMs, tuple));
}

/**
 * The earliest time at which a hold that these tuples made or prolonged may end, without decoding
 * them; undefined: they made none. It may have ended otherwise since.
 */
export function earliestExpiryOf(tuples: readonly (readonly unknown[])[]): number | undefined {
  let earliest: number | undefined;
  for (const tuple of tuples) {
    const code = tuple[0];
    if (
      code !== eventCodes['reservation.created'] &&
      code !== eventCodes['reservation.renewed'] &&
      code !== eventCodes['reservation.held']
    ) {
      continue;
    }
    // In all three the expiry follows the fingerprint.
    const expiresAtMs = tuple[7] as number;
    if (earliest === undefined || expiresAtMs < earliest) earliest = expiresAtMs;
  }
  return earliest;
}

function tupleOf(event: SkuEvent): unknown[] {
  const tuple: unknown[] = [
    eventCodes[event.type] satisfies EventCode,
    event.channel,
    event.command,
    event.onHand,
    event.reserved,
    event.available,
  ];
  pushRest(tuple, event);
  while (tuple[tuple.length - 1] === undefined) tuple.pop();
  return tuple;
}

/** What each type adds; absent fields stand last and are left out. */
function pushRest(tuple: unknown[], event: SkuEvent): void {
  switch (event.type) {
    case 'stock.received':
      tuple.push(event.fingerprint, event.qty, places(event.allocations, event.qty));
      tuple.push(event.ref, event.occurredAtMs, flag(event.fact));
      return;
    case 'stock.sold':
    case 'stock.restocked':
      tuple.push(event.fingerprint, event.qty, places(event.allocations, event.qty));
      tuple.push(event.order, event.occurredAtMs, flag(event.fact));
      return;
    case 'stock.adjusted':
      tuple.push(event.fingerprint, event.delta, event.location);
      tuple.push(event.reason, event.occurredAtMs);
      return;
    case 'stock.counted':
      tuple.push(event.fingerprint, event.delta, event.location);
      tuple.push(event.counted, event.occurredAtMs);
      return;
    case 'stock.corrected':
      tuple.push(event.fingerprint, event.delta, event.location);
      tuple.push(event.evidence, event.occurredAtMs);
      return;
    case 'stock.transferred':
      tuple.push(event.fingerprint, event.qty, event.from, event.to, event.occurredAtMs);
      return;
    case 'reservation.created':
      tuple.push(event.fingerprint, event.expiresAtMs, event.qty);
      tuple.push(places(event.allocations, event.qty), event.ref);
      tuple.push(flag(event.bound), flag(event.cart));
      return;
    case 'reservation.renewed':
      tuple.push(event.fingerprint, event.expiresAtMs, event.reservation);
      tuple.push(event.heldBy, event.retaken && places(event.retaken));
      return;
    case 'reservation.prepared':
      tuple.push(event.fingerprint, event.reservation);
      tuple.push(event.heldBy, event.retaken && places(event.retaken), event.step);
      return;
    case 'reservation.held':
      tuple.push(event.fingerprint, event.expiresAtMs, event.reservation);
      tuple.push(event.heldBy, event.step);
      return;
    case 'reservation.lapsed':
      tuple.push(event.fingerprint, event.reservation, event.heldBy, event.step);
      return;
    case 'reservation.confirmed':
      tuple.push(event.fingerprint, event.reservation, event.qty);
      tuple.push(places(event.allocations, event.qty), event.order);
      tuple.push(event.heldBy, event.released, event.retaken && places(event.retaken));
      return;
    case 'reservation.released':
      tuple.push(event.fingerprint, event.reservation, event.qty, event.heldBy, flag(event.cart));
      return;
    case 'reservation.expired':
      tuple.push(event.reservation, event.qty, event.expiresAtMs, event.heldBy);
      return;
    case 'availability.out':
    case 'availability.low':
    case 'availability.back':
      tuple.push(event.availableToChannel, event.status);
      return;
    case 'shortfall.raised':
      tuple.push(event.qty, event.atRiskCount);
      for (const { channel, reservation, qty } of event.atRisk) {
        tuple.push(channel, reservation, qty);
      }
      return;
    case 'shortfall.cleared':
      return;
    case 'policy.changed':
      tuple.push(event.fingerprint, event.safetyStock, event.backorderMax, event.lowStock);
      tuple.push(event.channels, event.quotaSet, event.ringFenceSet);
      return;
    case 'escrow.lent':
    case 'escrow.used':
    case 'escrow.returned':
    case 'escrow.lost':
      tuple.push(event.edge, event.epoch, event.lent, event.used, event.returned);
      return;
  }
}

/** A name where one location has all of `qty`, else names and quantities in turn. */
function places(allocations: readonly Allocation[], qty?: number): unknown {
  const [first] = allocations;
  if (allocations.length === 1 && first?.qty === qty) return first?.location;
  return allocations.flatMap((allocation) => [allocation.location, allocation.qty]);
}

function flag(value: true | undefined): 1 | undefined {
  return value === undefined ? undefined : 1;
}

/**
 * The texts of the frequent types are put together here, four times as fast as from a tuple: most of a
 * busy journal is this. They are the same to the letter; what is rare about them goes the long way.
 */
function write(to: TextWriter, event: SkuEvent): void {
  switch (event.type) {
    case 'reservation.created': {
      const place = onlyPlace(event.allocations, event.qty);
      if (place === undefined || event.ref !== undefined) break;
      if (event.bound !== undefined || event.cart !== undefined) break;
      writeBase(to, event).ascii(',').number(event.fingerprint).ascii(',');
      to.number(event.expiresAtMs).ascii(',').number(event.qty).ascii(',').quoted(place).ascii(']');
      return;
    }
    case 'reservation.confirmed': {
      const place = onlyPlace(event.allocations, event.qty);
      if (place === undefined || event.heldBy !== undefined) break;
      if (event.released !== undefined || event.retaken !== undefined) break;
      writeBase(to, event).ascii(',').number(event.fingerprint).ascii(',');
      to.quoted(event.reservation).ascii(',').number(event.qty).ascii(',');
      to.quoted(place).ascii(',').quoted(event.order).ascii(']');
      return;
    }
    case 'reservation.released':
      if (event.heldBy !== undefined || event.cart !== undefined) break;
      writeBase(to, event).ascii(',').number(event.fingerprint).ascii(',');
      to.quoted(event.reservation).ascii(',').number(event.qty).ascii(']');
      return;
    case 'reservation.expired':
      if (event.heldBy !== undefined) break;
      writeBase(to, event).ascii(',').quoted(event.reservation).ascii(',');
      to.number(event.qty).ascii(',').number(event.expiresAtMs).ascii(']');
      return;
  }
  to.any(JSON.stringify(tupleOf(event)));
}

function writeBase(to: TextWriter, event: SkuEvent): TextWriter {
  to.ascii('[').number(eventCodes[event.type]).ascii(',').quoted(event.channel).ascii(',');
  to.quoted(event.command).ascii(',').number(event.onHand).ascii(',');
  return to.number(event.reserved).ascii(',').number(event.available);
}

function onlyPlace(allocations: readonly Allocation[], qty: number): string | undefined {
  const first = allocations.length === 1 ? allocations[0] : undefined;
  return first?.qty === qty ? first.location : undefined;
}
