// Headers of the messages that we send, in the wire format of NATS.
//
// The client's own header class validates and copies every value, which costs more than the publish itself
// (2.6 µs). Its `publish` only ever calls `encode()`, so that is all this class has; headers.test proves it
// against a real server. 1. A value never contains a line break: values are numbers, ids and subjects of ours.

import type { MsgHdrs } from '@nats-io/transport-node';

/** One header block, ready to be sent; immutable, so one block may go out with many messages. */
export class HeaderBlock {
  readonly #bytes: Uint8Array;

  constructor(text: string) {
    // From Node's pool: an allocation of its own for every message is felt by the garbage collector.
    this.#bytes = Buffer.from(text, 'utf8');
  }

  /** In bytes. */
  get size(): number {
    return this.#bytes.length;
  }

  /** What the client calls when it publishes. */
  encode(): Uint8Array {
    return this.#bytes;
  }
}

/** Builds a block from names and values; entries whose value is `undefined` are left out. */
export function headerBlock(
  values: Readonly<Record<string, string | number | undefined>>,
): HeaderBlock {
  let text = 'NATS/1.0\r\n';
  for (const name in values) {
    const value = values[name];
    if (value === undefined) continue;
    if (typeof value === 'string' && /[\r\n]/.test(value)) {
      throw new TypeError(`header ${name} contains a line break`);
    }
    text += `${name}: ${value}\r\n`;
  }
  return new HeaderBlock(`${text}\r\n`);
}

/** Passes a block where the client's types ask for its own header class. */
export function asClientHeaders(block: HeaderBlock): MsgHdrs {
  return block as unknown as MsgHdrs;
}

/** The names that JetStream gives a meaning to. */
export const header = {
  messageId: 'Nats-Msg-Id',
  expectedSequence: 'Nats-Expected-Last-Subject-Sequence',
  expectedSubject: 'Nats-Expected-Last-Subject-Sequence-Subject',
  rollup: 'Nats-Rollup',
  ttl: 'Nats-TTL',
  markerReason: 'Nats-Marker-Reason',
  keyValueOperation: 'KV-Operation',
  serviceErrorNumber: 'Nats-Service-Error-Code',
  serviceErrorCode: 'Nats-Service-Error',
} as const;
