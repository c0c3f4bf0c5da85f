/**
 * Answers as the JSON of the contract. Replies are put together from fragments, which costs a third
 * of `JSON.stringify`; ids, channels and locations need no escaping (their patterns allow nothing
 * that JSON escapes), SKUs and texts do.
 */

import type { Allocation } from '../domain/events.ts';
import type { Acceptance, Answer, Refusal, StockRead } from '../domain/outcome.ts';
import type { CartAnswer } from './cart.ts';
import { codes } from './codes.ts';

/** What a reply needs to know of its command: `get` has no id. */
export interface Answered {
  readonly verb: string;
  readonly id?: string;
}

/**
 * The reply to a command. `asOfSeq` is the journal sequence of the commit behind a strong read.
 * An answer that only a cart's home may give is our own mistake and throws.
 */
export function encodeReply(command: Answered, answer: Answer, asOfSeq = 0): string {
  switch (answer.kind) {
    case 'accepted':
      return encodeAcceptance(command.id ?? '', answer.acceptance);
    case 'refused':
      return encodeError(command.id ?? null, answer.refusal);
    case 'read':
      return encodeRead(answer.read, asOfSeq);
    case 'cart':
      throw new Error(`${command.verb} of a cart's line must be answered by its home`);
  }
}

/** The reply of a cart's home: `lines` with the fields of a single acceptance. */
export function encodeCartReply(command: { readonly id: string }, answer: CartAnswer): string {
  if (answer.kind === 'refused') return encodeError(command.id, answer.refusal);
  let json = `{"ok":true,"id":"${command.id}"`;
  if (answer.state !== undefined) json += `,"state":"${answer.state}"`;
  if (answer.retaken) json += ',"retaken":true';
  if (answer.replayed) json += ',"replayed":true';
  const lines = answer.lines.map((line) => `{${acceptanceFields(line)}}`);
  return `${json},"lines":[${lines.join(',')}]}`;
}

/** An error reply; `id` is null where none could be read. */
export function encodeError(id: string | null, refusal: Refusal): string {
  const head = id === null ? '{"ok":false,"id":null' : `{"ok":false,"id":"${id}"`;
  const { code, message, ...fields } = refusal;
  return `${head},"error":${JSON.stringify({ code, message, retry: codes[code].retry, ...fields })}}`;
}

/** The reply to a frame from the replies of its elements, in their order. */
export function encodeFrameReply(replies: readonly string[]): string {
  return `[${replies.join(',')}]`;
}

function encodeAcceptance(id: string, acceptance: Acceptance): string {
  return `{"ok":true,"id":"${id}",${acceptanceFields(acceptance)}}`;
}

function acceptanceFields(acceptance: Acceptance): string {
  let json = `"sku":${jsonText(acceptance.sku)}`;
  if (acceptance.qty !== undefined) json += `,"qty":${acceptance.qty}`;
  if (acceptance.delta !== undefined) json += `,"delta":${acceptance.delta}`;
  if (acceptance.allocations !== undefined) {
    json += `,"allocations":${allocationsJson(acceptance.allocations)}`;
  }
  if (acceptance.expiresAtMs !== undefined) json += `,"expiresAtMs":${acceptance.expiresAtMs}`;
  json += `,"available":${acceptance.available},"version":${acceptance.version}`;
  if (acceptance.state !== undefined) json += `,"state":"${acceptance.state}"`;
  if (acceptance.retaken) json += ',"retaken":true';
  if (acceptance.replayed) json += ',"replayed":true';
  return json;
}

function allocationsJson(allocations: readonly Allocation[]): string {
  let json = '[';
  for (let i = 0; i < allocations.length; i++) {
    const { location, qty } = allocations[i]!;
    json += `${i === 0 ? '' : ','}{"location":"${location}","qty":${qty}}`;
  }
  return `${json}]`;
}

function encodeRead(read: StockRead, asOfSeq: number): string {
  return (
    `{"ok":true,"sku":${jsonText(read.sku)},"onHand":${read.onHand},"reserved":${read.reserved},` +
    `"safetyStock":${read.safetyStock},"available":${read.available},` +
    `"locations":${JSON.stringify(read.locations)},"reservations":${read.reservations},` +
    `"version":${read.version},"asOfSeq":${asOfSeq}}`
  );
}

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** A string as JSON; most need nothing but the quotes. */
export function jsonText(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}
