/**
 * What the system publishes of a SKU, as the JSON of the contract: the row of `inv_stock`, of each
 * channel's view, and the messages of the event history. Made from committed state and events only;
 * written by hand, because a busy node makes tens of thousands a second.
 *
 * 1. What only the journal needs (fingerprints, `bound`) is not shown.
 * 2. A view row is written when `visible` changes, and for nothing else.
 */

import { availableTo, availableToAll, statusFor } from '../domain/available.ts';
import type { Allocation, SkuEvent } from '../domain/events.ts';
import type { ChannelRules } from '../domain/rules.ts';
import { channelState, type SkuState } from '../domain/state.ts';
import { TextWriter } from '../domain/text-writer.ts';
import { writeAllocations } from './replies.ts';

/** Which commit a row shows, and when that was. */
export interface RowMoment {
  readonly asOfSeq: number;
  readonly updatedAtMs: number;
}

const writer = new TextWriter();

/** The row of `inv_stock`. */
export function stockRowOf(state: SkuState, at: RowMoment): string {
  writer.clear().ascii('{"sku":').quoted(state.sku);
  writer.ascii(',"onHand":').number(state.onHand).ascii(',"reserved":').number(state.reserved);
  writer.ascii(',"available":').number(availableToAll(state));
  writer.ascii(',"safetyStock":').number(state.safetyStock).ascii(',"locations":{');
  for (let i = 0; i < state.locations.length; i++) {
    const { name, onHand, reserved } = state.locations[i]!;
    if (i > 0) writer.ascii(',');
    writer.quoted(name).ascii(':{"onHand":').number(onHand);
    writer.ascii(',"reserved":').number(reserved).ascii('}');
  }
  writer.ascii('},"reservations":').number(state.records.openCount);
  return finish(state, at);
}

export interface ViewRow {
  readonly payload: string;
  /** What the channel sees of it; equal strings need not be written again. */
  readonly visible: string;
}

/** The row of `inv_view_<channel>`. */
export function viewRowOf(state: SkuState, channel: ChannelRules, at: RowMoment): ViewRow {
  const available = availableTo(state, channel);
  const status = statusFor(state, channelState(state, channel.name), available);
  const visible = `"available":${available},"status":"${status}"`;
  writer.clear().ascii('{"sku":').quoted(state.sku).ascii(',').ascii(visible);
  return { visible, payload: finish(state, at) };
}

function finish(state: SkuState, at: RowMoment): string {
  writer.ascii(',"version":').number(state.version).ascii(',"asOfSeq":').number(at.asOfSeq);
  return writer.ascii(',"updatedAtMs":').number(at.updatedAtMs).ascii('}').take();
}

/** A message of the event history: consecutive events of one SKU, in order. */
export function historyMessage(sku: string, events: readonly SkuEvent[]): string {
  writer.clear().ascii('{"sku":').quoted(sku).ascii(',"events":[');
  for (let i = 0; i < events.length; i++) {
    if (i > 0) writer.ascii(',');
    writeEvent(events[i]!);
  }
  return writer.ascii(']}').take();
}

/** Fields that `writeEvent` puts at its ends, or leaves out. */
const apart: ReadonlySet<string> = new Set([
  'type',
  'version',
  'atMs',
  'channel',
  'command',
  'onHand',
  'reserved',
  'available',
  'fingerprint',
  'bound',
]);

function writeEvent(event: SkuEvent): void {
  writer.ascii('{"type":"').ascii(event.type).ascii('","version":').number(event.version);
  writer.ascii(',"atMs":').number(event.atMs).ascii(',"channel":').quoted(event.channel);
  writer.ascii(',"command":').quoted(event.command);
  const fields = event as unknown as Readonly<Record<string, unknown>>;
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined || apart.has(name)) continue;
    if (name === 'allocations') {
      writeAllocations(writer, value as readonly Allocation[]);
      continue;
    }
    writer.ascii(',"').ascii(name).ascii('":');
    if (typeof value === 'number') writer.number(value);
    else if (typeof value === 'string') writer.quoted(value);
    else writer.any(JSON.stringify(value));
  }
  // Whoever follows a reservation finds its id in the same field of all its events.
  if (event.type === 'reservation.created') writer.ascii(',"reservation":').quoted(event.command);
  writer.ascii(',"onHand":').number(event.onHand).ascii(',"reserved":').number(event.reserved);
  writer.ascii(',"available":').number(event.available).ascii('}');
}
