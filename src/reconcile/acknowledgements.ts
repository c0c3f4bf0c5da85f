/**
 * What the ERP says it has posted, taken into the ledger. A message is
 * `{"documents": [{"document": "…", "lane"?: "…", "postedAtMs"?: …}], "lanes"?: {"<lane>": {"throughMs": …}}}`;
 * a document may also be its bare reference. Without a time of its own it is only known that it had been
 * posted when the message came.
 *
 * 1. What is not understood is counted and passed over: it must not hold up the others.
 * 2. A lane's time holds for snapshots read after the message.
 * 3. Nothing has been posted in the future: such a time would prove what has not happened yet.
 */

import type { Watermark } from '../domain/reconciliation/ledger.ts';
import type { ErpAcknowledgement, ErpAcknowledgements } from '../ports.ts';
import { type PostedDocument, type PostedStore, unmatchedMax } from './store/posted-store.ts';

export interface PostingLag {
  documents: number;
  maxMs: number;
}

export interface TakenAcknowledgements {
  /** Documents that were named since the run before. */
  readonly documents: number;
  /** Documents that are none of ours, as far as is known yet. */
  readonly unknown: number;
  /** Messages, or parts of them, that could not be read. */
  readonly notUnderstood: number;
  readonly lag: Readonly<Record<string, PostingLag>>;
}

/** The server's clock, by which messages are stored, may be this far from the ERP's. */
const clockMarginMs = 2 * 60_000;

/** Documents that are recorded in one transaction. */
const documentsPerWrite = 2_000;

/** Reads what has come since, records it, and counts. Rejects with a `PortError`. */
export async function takeAcknowledgements(
  port: ErpAcknowledgements,
  store: PostedStore,
  source: string,
): Promise<TakenAcknowledgements> {
  const taking = new Taking(store);
  // What came before its document was known here is tried again as long as it is remembered.
  taking.record(store.unmatched());
  await port.read(source, store.takenTo, (acknowledgement) => taking.add(acknowledgement));
  return taking.end();
}

class Taking {
  readonly #store: PostedStore;
  readonly #lag: Record<string, PostingLag> = {};
  #to: number;
  #documents = 0;
  #notUnderstood = 0;
  #waiting: PostedDocument[] = [];
  #unmatched: PostedDocument[] = [];

  constructor(store: PostedStore) {
    this.#store = store;
    this.#to = store.takenTo;
  }

  add(acknowledgement: ErpAcknowledgement): void {
    this.#to = acknowledgement.seq;
    const { documents, lanes, notUnderstood } = understood(acknowledgement);
    this.#documents += documents.length;
    this.#notUnderstood += notUnderstood;
    for (const [lane, throughMs] of lanes) {
      this.#store.laneIsPosted(lane, throughMs, latestOf(acknowledgement));
    }
    this.#waiting.push(...documents);
    if (this.#waiting.length >= documentsPerWrite) this.record(this.#waiting.splice(0));
  }

  /** Records documents; those that are not known yet are kept for later, the newest of them. */
  record(posted: readonly PostedDocument[]): void {
    for (const { one, entries } of this.#store.acknowledge(posted)) {
      if (entries.length === 0) this.#unmatched.push(one);
      for (const { lane, occurredAtMs } of entries) {
        const ofLane = this.#lag[lane] ?? { documents: 0, maxMs: 0 };
        this.#lag[lane] = {
          documents: ofLane.documents + 1,
          maxMs: Math.max(ofLane.maxMs, one.atMs - occurredAtMs),
        };
      }
    }
    this.#unmatched = this.#unmatched.slice(-unmatchedMax);
  }

  end(): TakenAcknowledgements {
    this.record(this.#waiting.splice(0));
    this.#store.setTakenTo(this.#to, this.#unmatched);
    return {
      documents: this.#documents,
      unknown: this.#unmatched.length,
      notUnderstood: this.#notUnderstood,
      lag: this.#lag,
    };
  }
}

interface Understood {
  readonly documents: readonly PostedDocument[];
  readonly lanes: readonly (readonly [lane: string, throughMs: number])[];
  readonly notUnderstood: number;
}

const nothing: Understood = { documents: [], lanes: [], notUnderstood: 1 };

function understood(acknowledgement: ErpAcknowledgement): Understood {
  let value: unknown;
  try {
    value = JSON.parse(acknowledgement.payload);
  } catch {
    return nothing;
  }
  if (typeof value !== 'object' || value === null) return nothing;
  const { documents = [], lanes = {} } = value as { documents?: unknown; lanes?: unknown };
  if (!Array.isArray(documents) || typeof lanes !== 'object' || lanes === null) return nothing;
  const latestMs = latestOf(acknowledgement);
  const posted = documents.map((item) => postedOf(item, latestMs));
  const marks = Object.entries(lanes).map(([lane, mark]: [string, Watermark | null]) => {
    return isTime(mark?.throughMs, latestMs) ? ([lane, mark.throughMs] as const) : undefined;
  });
  return {
    documents: posted.filter((one) => one !== undefined),
    lanes: marks.filter((one) => one !== undefined),
    notUnderstood: [...posted, ...marks].filter((one) => one === undefined).length,
  };
}

function postedOf(item: unknown, latestMs: number): PostedDocument | undefined {
  if (typeof item === 'string') return { document: item, isExact: false, atMs: latestMs };
  const { document, lane, postedAtMs } = (item ?? {}) as Record<string, unknown>;
  const isExact = isTime(postedAtMs, latestMs);
  if (typeof document !== 'string' || (postedAtMs !== undefined && !isExact)) return undefined;
  const atMs = isExact ? postedAtMs : latestMs;
  return { document, isExact, atMs, ...(typeof lane === 'string' ? { lane } : {}) };
}

/** When the message was sent at the latest, by the ERP's clock. */
function latestOf({ storedAtMs }: ErpAcknowledgement): number {
  return storedAtMs + clockMarginMs;
}

function isTime(value: unknown, latestMs: number): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= latestMs;
}
