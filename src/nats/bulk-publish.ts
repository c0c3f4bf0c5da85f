// Many messages without reply as one piece of the wire protocol. The client's `publish` makes three small arrays per
// message, and copies them together again before it writes: with views and history that was a fifth of a node's
// time. Everything here is written once, where it is sent from.
//
// 1. The client takes ready bytes only in a part of it that is not public (`protocol.sendCommand`, pinned with its
//    version in package.json). Where that is missing, messages go out one by one.
// 2. Order is kept: what is published before or after goes through the same buffer.

import type { NatsConnection } from '@nats-io/transport-node';
import { asClientHeaders, type HeaderBlock } from './headers.ts';

export interface BulkMessage {
  readonly subject: string;
  readonly payload: string;
  readonly headers: HeaderBlock;
}

interface WireProtocol {
  readonly info?: { readonly max_payload: number };
  sendCommand(bytes: Uint8Array): void;
}

const lineBreak = '\r\n';
/** `HPUB`, blanks, two lengths and the line breaks of one message. */
const frameBytesMax = 5 + 1 + 10 + 1 + 10 + 2 + 2;

/** Publishes all in order. Throws what the client's `publish` throws. */
export function publishBulk(connection: NatsConnection, messages: readonly BulkMessage[]): void {
  const protocol = protocolOf(connection);
  const sizes = protocol && sizesOf(messages, protocol.info?.max_payload ?? 0);
  if (protocol === undefined || sizes === undefined || connection.isClosed()) {
    for (const { subject, payload, headers } of messages) {
      connection.publish(subject, payload, { headers: asClientHeaders(headers) });
    }
    return;
  }
  if (messages.length > 0) protocol.sendCommand(encoded(messages, sizes));
}

function protocolOf(connection: NatsConnection): WireProtocol | undefined {
  const { protocol } = connection as { protocol?: Partial<WireProtocol> };
  return typeof protocol?.sendCommand === 'function' ? (protocol as WireProtocol) : undefined;
}

/** Bytes of each payload; undefined: one of them is too large, and the client says so better. */
function sizesOf(messages: readonly BulkMessage[], largest: number): number[] | undefined {
  const sizes = new Array<number>(messages.length);
  for (let at = 0; at < messages.length; at++) {
    const { payload, headers } = messages[at] as BulkMessage;
    const bytes = Buffer.byteLength(payload);
    if (bytes + headers.size > largest) return undefined;
    sizes[at] = bytes;
  }
  return sizes;
}

function encoded(messages: readonly BulkMessage[], sizes: readonly number[]): Uint8Array {
  let room = 0;
  for (let at = 0; at < messages.length; at++) {
    const { subject, headers } = messages[at] as BulkMessage;
    room += frameBytesMax + subject.length + headers.size + (sizes[at] as number);
  }
  // Fresh for every call: it belongs to the client until the socket has taken it.
  const bytes = Buffer.allocUnsafeSlow(room);
  let end = 0;
  for (let at = 0; at < messages.length; at++) {
    const { subject, payload, headers } = messages[at] as BulkMessage;
    const size = sizes[at] as number;
    end += bytes.write(`HPUB ${subject} ${headers.size} ${headers.size + size}\r\n`, end, 'latin1');
    bytes.set(headers.encode(), end);
    end += headers.size;
    end += bytes.write(payload, end, 'utf8');
    end += bytes.write(lineBreak, end, 'latin1');
  }
  return bytes.subarray(0, end);
}
