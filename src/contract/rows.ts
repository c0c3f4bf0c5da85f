/**
 * What the system publishes of a SKU, as the JSON of the contract: the row of `inv_stock`, of each
 * channel's view, and the messages of the event history. Made from committed state and events only;
 * put together from fragments, because a busy node makes tens of thousands a second.
 *
 * 1. What only the journal needs (fingerprints, `bound`) is not shown.
 * 2. A view row is written when `visible` changes, and for nothing else.
 */

import { availableTo, availableToAll, statusFor } from '../domain/available.ts';
import type { SkuEvent } from '../domain/events.ts';
import type { ChannelRules } from '../domain/rules.ts';
import { channelState, type SkuState } from '../domain/state.ts';
import { jsonText } from './replies.ts';

/** Which commit a row shows, and when that was. */
export interface RowMoment {
  readonly asOfSeq: number;
  readonly updatedAtMs: number;
}

/** The row of `inv_stock`. */
export function stockRowOf(state: SkuState, at: RowMoment): string {
  const locations = state.locations.map(
    ({ name, onHand, reserved }) => `"${name}":{"onHand":${onHand},"reserved":${reserved}}`,
  );
  return (
    `{"sku":${jsonText(state.sku)},"onHand":${state.onHand},"reserved":${state.reserved},` +
    `"available":${availableToAll(state)},"safetyStock":${state.safetyStock},` +
    `"locations":{${locations.join(',')}},"reservations":${state.records.openCount},` +
    `"version":${state.version},"asOfSeq":${at.asOfSeq},"updatedAtMs":${at.updatedAtMs}}`
  );
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
  return {
    visible,
    payload:
      `{"sku":${jsonText(state.sku)},${visible},"version":${state.version},` +
      `"asOfSeq":${at.asOfSeq},"updatedAtMs":${at.updatedAtMs}}`,
  };
}

/** A message of the event history: consecutive events of one SKU, in order. */
export function historyMessage(sku: string, events: readonly SkuEvent[]): string {
  let json = `{"sku":${jsonText(sku)},"events":[`;
  for (let i = 0; i < events.length; i++) json += (i === 0 ? '' : ',') + eventJson(events[i]!);
  return `${json}]}`;
}

/** Fields that `eventJson` puts at its ends, or leaves out. */
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

function eventJson(event: SkuEvent): string {
  let json =
    `{"type":"${event.type}","version":${event.version},"atMs":${event.atMs},` +
    `"channel":${jsonText(event.channel)},"command":${jsonText(event.command)}`;
  const fields = event as unknown as Readonly<Record<string, unknown>>;
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined || apart.has(name)) continue;
    json += `,"${name}":${typeof value === 'string' ? jsonText(value) : JSON.stringify(value)}`;
  }
  // Whoever follows a reservation finds its id in the same field of all its events.
  if (event.type === 'reservation.created') json += `,"reservation":"${event.command}"`;
  return (
    `${json},"onHand":${event.onHand},"reserved":${event.reserved},` +
    `"available":${event.available}}`
  );
}
