/**
 * Answers as the JSON of the contract. Acceptances are written by hand, which costs a fifth of
 * `JSON.stringify`; ids, channels and locations need no escaping (their patterns allow nothing
 * that JSON escapes), SKUs and texts do.
 */

import type { Allocation } from '../domain/events.ts';
import type { Acceptance, Answer, Refusal, StockRead } from '../domain/outcome.ts';
import { TextWriter } from '../domain/text-writer.ts';
import type { CartAnswer } from './cart.ts';
import { codes } from './codes.ts';

/** What a reply needs to know of its command: `get` has no id. */
export interface Answered {
  readonly verb: string;
  readonly id?: string;
}

const writer = new TextWriter();

/**
 * The reply to a command. `asOfSeq` is the journal sequence of the commit behind a strong read.
 * An answer that only a cart's home may give is our own mistake and throws.
 */
export function encodeReply(command: Answered, answer: Answer, asOfSeq = 0): string {
  writeReply(writer.clear(), command, answer, asOfSeq);
  return writer.take();
}

/** The same, appended to what has been written already. */
export function writeReply(to: TextWriter, command: Answered, answer: Answer, asOfSeq = 0): void {
  switch (answer.kind) {
    case 'accepted':
      to.ascii('{"ok":true,"id":"')
        .ascii(command.id ?? '')
        .ascii('",');
      writeAcceptance(to, answer.acceptance);
      to.ascii('}');
      return;
    case 'refused':
      to.any(encodeError(command.id ?? null, answer.refusal));
      return;
    case 'read':
      to.any(encodeRead(answer.read, asOfSeq));
      return;
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

function acceptanceFields(acceptance: Acceptance): string {
  writeAcceptance(writer.clear(), acceptance);
  return writer.take();
}

function writeAcceptance(to: TextWriter, acceptance: Acceptance): void {
  const { qty, delta, allocations, expiresAtMs } = acceptance;
  to.ascii('"sku":').quoted(acceptance.sku);
  if (qty !== undefined) to.ascii(',"qty":').number(qty);
  if (delta !== undefined) to.ascii(',"delta":').number(delta);
  if (allocations !== undefined) writeAllocations(to, allocations);
  if (expiresAtMs !== undefined) to.ascii(',"expiresAtMs":').number(expiresAtMs);
  to.ascii(',"available":').number(acceptance.available);
  to.ascii(',"version":').number(acceptance.version);
  if (acceptance.state !== undefined) to.ascii(',"state":').quoted(acceptance.state);
  if (acceptance.retaken) to.ascii(',"retaken":true');
  if (acceptance.replayed) to.ascii(',"replayed":true');
}

/** `,"allocations":[…]` */
export function writeAllocations(to: TextWriter, allocations: readonly Allocation[]): void {
  to.ascii(',"allocations":[');
  for (let i = 0; i < allocations.length; i++) {
    const { location, qty } = allocations[i]!;
    to.ascii(i === 0 ? '{"location":' : ',{"location":').quoted(location);
    to.ascii(',"qty":').number(qty).ascii('}');
  }
  to.ascii(']');
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
