/**
 * JSON, written byte by byte. Putting strings together with `+` leaves a tree of fragments behind for
 * every text, and a busy node makes three texts per command: half of its time went to collecting
 * them. This writes into one array that is used again and again, and makes one flat string at the end.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const firstSize = 16_384;
/** Digits of the largest safe integer and a sign. */
const numberCharsMax = 17;
/** What is below it, and what is left of a safe integer above it, is quick to divide. */
const billion = 1_000_000_000;

export class TextWriter {
  #bytes = new Uint8Array(firstSize);
  #at = 0;
  /** Bytes that are no characters of their own: what lies beyond ASCII takes several. */
  #surplus = 0;

  /** Bytes since the last `take`. */
  get bytes(): number {
    return this.#at;
  }

  /** Characters since the last `take`, as strings count them. */
  get characters(): number {
    return this.#at - this.#surplus;
  }

  /** Appends text as it is; only ASCII, so fragments of our own and names that cannot be otherwise. */
  ascii(text: string): this {
    const length = text.length;
    if (this.#at + length > this.#bytes.length) this.#grow(length);
    const bytes = this.#bytes;
    const start = this.#at;
    for (let index = 0; index < length; index++) bytes[start + index] = text.charCodeAt(index);
    this.#at = start + length;
    return this;
  }

  /** Appends text of any kind as it is. */
  any(text: string): this {
    const most = text.length * 3;
    if (this.#at + most > this.#bytes.length) this.#grow(most);
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#at));
    this.#at += written;
    this.#surplus += written - text.length;
    return this;
  }

  /** Appends a string as JSON, in quotes. */
  quoted(text: string): this {
    const length = text.length;
    if (this.#at + length + 2 > this.#bytes.length) this.#grow(length + 2);
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = 0x22;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) {
        return this.any(JSON.stringify(text));
      }
      bytes[at++] = code;
    }
    bytes[at++] = 0x22;
    this.#at = at;
    return this;
  }

  /** Appends a number; whole ones are what this is for. */
  number(value: number): this {
    if (!Number.isSafeInteger(value)) return this.ascii(String(value));
    if (this.#at + numberCharsMax > this.#bytes.length) this.#grow(numberCharsMax);
    const bytes = this.#bytes;
    let rest = value;
    if (rest < 0) {
      bytes[this.#at++] = 0x2d;
      rest = -rest;
    }
    if (rest < billion) {
      this.#digits(rest, digitsOf(rest));
      return this;
    }
    const high = Math.floor(rest / billion);
    this.#digits(high, digitsOf(high));
    this.#digits(rest - high * billion, 9);
    return this;
  }

  #digits(value: number, count: number): void {
    const bytes = this.#bytes;
    let at = this.#at + count;
    this.#at = at;
    let rest = value | 0;
    for (let digit = 0; digit < count; digit++) {
      const next = (rest / 10) | 0;
      bytes[--at] = 0x30 + rest - next * 10;
      rest = next;
    }
  }

  /** Everything since the last `take`, and starts anew. */
  take(): string {
    const text = decoder.decode(this.#bytes.subarray(0, this.#at));
    this.clear();
    return text;
  }

  /** Starts anew; for a writer that is shared, after whoever threw in the middle of a text. */
  clear(): this {
    this.#at = 0;
    this.#surplus = 0;
    return this;
  }

  #grow(by: number): void {
    const bytes = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + by));
    bytes.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = bytes;
  }
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits += 1;
  return digits;
}
