/** Replies as sentences. */

import type { CartAccepted, Refused, StockReply } from '../../client/index.ts';
import type { Verb } from '../../contract/verbs.ts';
import type { Acceptance } from '../../domain/outcome.ts';
import { visible } from '../output.ts';
import { showClock, showDuration } from '../times.ts';

type SkuAccepted = Acceptance & { readonly ok: true; readonly id: string };

export type Reply = SkuAccepted | CartAccepted | StockReply | Refused;

const done: Readonly<Record<Exclude<Verb, 'get'>, string>> = {
  reserve: 'reserved',
  renew: 'renewed',
  confirm: 'confirmed',
  release: 'released',
  sell: 'sold',
  receive: 'received',
  restock: 'restocked',
  adjust: 'adjusted',
  count: 'counted',
  transfer: 'transferred',
  policy: 'policy set',
  correct: 'corrected',
};

/** The lines for a reply that is no refusal. */
export function replyLines(
  verb: Verb,
  channel: string,
  reply: Exclude<Reply, Refused>,
  nowMs: number,
): string[] {
  if (verb === 'get') return readLines(channel, reply as StockReply);
  if ('lines' in reply) {
    const head = `${done[verb]} cart ${reply.id}${marks(reply)}`;
    return [head, ...reply.lines.map((line) => `  ${sentence('', line, nowMs)}`)];
  }
  const accepted = reply as SkuAccepted;
  const lines = [
    `${sentence(`${done[verb]} `, accepted, nowMs)}${marks(accepted)}`,
    `available to ${channel}: ${accepted.available}`,
  ];
  if (verb === 'reserve' && (accepted.state ?? 'open') === 'open') {
    const hold = `${shellWord(accepted.sku)} --reservation ${accepted.id} --channel ${channel}`;
    lines.push(`confirm it with: lastunit confirm ${hold}`);
  }
  return lines;
}

function sentence(head: string, line: Acceptance, nowMs: number): string {
  const amount = line.qty === undefined ? signed(line.delta) : `${line.qty}`;
  const from = (line.allocations ?? []).map(({ location, qty }) => `${qty} at ${location}`);
  const where = from.length === 0 ? '' : ` (${from.join(', ')})`;
  const until =
    line.expiresAtMs === undefined
      ? ''
      : `, until ${showClock(line.expiresAtMs)} (${showDuration(line.expiresAtMs - nowMs)})`;
  return `${head}${amount === '' ? '' : `${amount} × `}${visible(line.sku)}${where}${until}`;
}

function signed(delta: number | undefined): string {
  return delta === undefined ? '' : delta > 0 ? `+${delta}` : String(delta);
}

function marks(reply: { state?: string; retaken?: true; replayed?: true }): string {
  const words = [
    reply.retaken === true ? 'taken again after its expiry' : '',
    reply.replayed === true ? 'answered again: this id was accepted before' : '',
    reply.state === undefined || reply.state === 'open' ? '' : `now ${reply.state}`,
  ].filter((word) => word !== '');
  return words.length === 0 ? '' : `, ${words.join(', ')}`;
}

function readLines(channel: string, read: StockReply): string[] {
  const places = Object.entries(read.locations).map(
    ([name, at]) => `  ${name}: ${at.onHand} on hand, ${at.reserved} reserved`,
  );
  return [
    `${visible(read.sku)}: ${read.onHand} on hand, ${read.reserved} reserved in ${read.reservations} holds, ` +
      `${read.available} available to ${channel} (version ${read.version})`,
    ...places,
  ];
}

/** A SKU as one word of a shell. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
