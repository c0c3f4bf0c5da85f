// Who acknowledged what: a load numbers its commands, so that the journal can be compared with what callers were told.
// The ids are `<load>.<number>`; a number that is not listed below was acknowledged.

export interface Receipts {
  readonly load: string;
  /** Commands were numbered 1 … last. */
  readonly last: number;
  /** Refused, so not in the journal. */
  readonly refused: readonly number[];
  /** Neither: their outcome is unknown. */
  readonly unknown: readonly number[];
}

export class ReceiptBook {
  readonly #load: string;
  readonly #refused: number[] = [];
  readonly #unknown: number[] = [];
  #last = 0;
  accepted = 0;
  readonly codes: Record<string, number> = {};

  constructor(load: string) {
    this.#load = load;
  }

  nextId(): string {
    this.#last += 1;
    return `${this.#load}.${this.#last}`;
  }

  /** Notes what became of a command; answers whether it was accepted. */
  note(id: string, reply: { readonly ok: boolean; readonly error?: { readonly code: string } }) {
    if (reply.ok) {
      this.accepted += 1;
      return true;
    }
    const code = reply.error?.code ?? 'unknown';
    this.codes[code] = (this.codes[code] ?? 0) + 1;
    this.#refused.push(numberOf(id));
    return false;
  }

  lost(id: string, error: unknown): void {
    const code = error instanceof Error ? error.name : 'unknown';
    this.codes[code] = (this.codes[code] ?? 0) + 1;
    this.#unknown.push(numberOf(id));
  }

  get receipts(): Receipts {
    return {
      load: this.#load,
      last: this.#last,
      refused: this.#refused,
      unknown: this.#unknown,
    };
  }
}

function numberOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('.') + 1));
}
