// A reply as the rest of this folder, and the client library, see it: nothing is decoded before it is asked for.

import type { Msg } from '@nats-io/transport-node';

const decoder = new TextDecoder();

export class Reply {
  readonly #message: Msg;

  constructor(message: Msg) {
    this.#message = message;
  }

  get payload(): Uint8Array {
    return this.#message.data;
  }

  /** The payload as text. */
  text(): string {
    return decoder.decode(this.#message.data);
  }

  /** Status of a message that the server made itself (`503`, `404`, `204`); 0 for everybody else's. */
  get status(): number {
    return this.#message.headers?.code ?? 0;
  }

  /** What the server says about the status. */
  get statusText(): string {
    return this.#message.headers?.description ?? '';
  }

  /** A header's value, or `undefined`. */
  header(name: string): string | undefined {
    const value = this.#message.headers?.get(name);
    return value === undefined || value === '' ? undefined : value;
  }
}
