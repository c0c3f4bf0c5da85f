// What clients asked about one SKU and what they heard. One attempt is one entry: a repetition under the same id is
// another one, because each of them may have been carried out.

export type Verb = 'receive' | 'reserve' | 'confirm' | 'release' | 'sell' | 'get';

/** The parts of a reply that the model looks at. */
export interface Heard {
  readonly ok: boolean;
  readonly qty?: number;
  readonly available?: number;
  readonly version?: number;
  readonly replayed?: boolean;
  readonly retaken?: boolean;
  readonly state?: string;
  readonly onHand?: number;
  readonly reserved?: number;
  readonly reservations?: number;
  readonly error?: { readonly code: string; readonly available?: number };
}

export interface Attempt {
  readonly client: string;
  /** Absent for `get`. */
  readonly id?: string;
  readonly verb: Verb;
  readonly sku: string;
  readonly qty?: number;
  readonly ttlMs?: number;
  readonly reservation?: string;
  readonly order?: string;
  readonly sentMs: number;
  /** Absent: nobody knows whether it was carried out, or will be. */
  readonly answeredMs?: number;
  readonly heard?: Heard;
}

/** Whether the reply says that the outcome is unknown. */
export function isUnknown(heard: Heard | undefined): boolean {
  return heard === undefined || heard.error?.code === 'unavailable';
}

/** One line per attempt, for people. */
export function describe(attempt: Attempt): string {
  const { client, id, verb, qty, reservation, sentMs, answeredMs, heard } = attempt;
  const what = [verb, id, qty, reservation].filter((part) => part !== undefined).join(' ');
  return `${sentMs}…${answeredMs ?? ''} ${client} ${what} → ${heard ? JSON.stringify(heard) : 'unknown'}`;
}
