/**
 * What the ERP says it has posted, taken into the ledger. A message is
 * `{"documents": [{"document": "…", "lane"?: "…", "postedAtMs"?: …}], "lanes"?: {"<lane>": {"throughMs": …}}}`;
 * a document may also be its bare reference. Without a time of its own it is only known that it had been
 * posted when the message came.
 *
 * 1. A message that is not understood is counted and passed over: it must not hold up the others.
 * 2. A lane's time holds for snapshots read after the message.
 */

import type { Watermark } from '../domain/reconciliation/ledger.ts';
import type { ErpAcknowledgement, ErpAcknowledgements } from '../ports.ts';
import type { PostedDocument, PostedStore } from './store/posted-store.ts';

export interface PostingLag {
  documents: number;
  maxMs: number;
}

export interface TakenAcknowledgements {
  readonly documents: number;
  readonly unknown: number;
  readonly notUnderstood: number;
  readonly lag: Readonly<Record<string, PostingLag>>;
}

/** The server's clock, by which messages are stored, may be this far from the ERP's. */
const clockMarginMs = 2 * 60_000;

/** Reads what has come since, records it, and counts. Rejects with a `PortError`. */
export async function takeAcknowledgements(
  port: ErpAcknowledgements,
  store: PostedStore,
  source: string,
): Promise<TakenAcknowledgements> {
  const after = store.takenTo;
  let to = after;
  let notUnderstood = 0;
  const posted: PostedDocument[] = [];
  await port.read(source, after, (acknowledgement) => {
    to = acknowledgement.seq;
    const message = parsed(acknowledgement);
    if (message === undefined) {
      notUnderstood += 1;
      return;
    }
    posted.push(...message.documents);
    for (const [lane, throughMs] of message.lanes) {
      store.laneIsPosted(lane, throughMs, acknowledgement.storedAtMs + clockMarginMs);
    }
  });
  // What came before its document was known here is tried again as long as it is remembered.
  const waiting = store.unmatched();
  const { lag, unmatched } = record(store, [...waiting, ...posted]);
  store.setTakenTo(to, unmatched);
  return {
    documents: posted.length,
    unknown: unmatched.length,
    notUnderstood,
    lag,
  };
}

function record(store: PostedStore, posted: readonly PostedDocument[]) {
  const lag: Record<string, PostingLag> = {};
  const unmatched: PostedDocument[] = [];
  for (const one of posted) {
    const entries = store.acknowledge(one);
    if (entries.length === 0) unmatched.push(one);
    for (const { lane, occurredAtMs } of entries) {
      const ofLane = lag[lane] ?? { documents: 0, maxMs: 0 };
      lag[lane] = {
        documents: ofLane.documents + 1,
        maxMs: Math.max(ofLane.maxMs, one.atMs - occurredAtMs),
      };
    }
  }
  return { lag, unmatched };
}

function parsed({ payload, storedAtMs }: ErpAcknowledgement) {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { documents = [], lanes = {} } = value as { documents?: unknown; lanes?: unknown };
  if (!Array.isArray(documents) || typeof lanes !== 'object' || lanes === null) return undefined;
  return {
    documents: documents.flatMap((item) => postedOf(item, storedAtMs)),
    lanes: Object.entries(lanes).flatMap(([lane, mark]: [string, Watermark | null]) =>
      isTime(mark?.throughMs) ? [[lane, mark.throughMs] as const] : [],
    ),
  };
}

function postedOf(item: unknown, storedAtMs: number): PostedDocument[] {
  if (typeof item === 'string') {
    return [{ document: item, isExact: false, atMs: storedAtMs + clockMarginMs }];
  }
  const { document, lane, postedAtMs } = (item ?? {}) as Record<string, unknown>;
  const isExact = isTime(postedAtMs);
  if (typeof document !== 'string' || (postedAtMs !== undefined && !isExact)) return [];
  const atMs = isExact ? postedAtMs : storedAtMs + clockMarginMs;
  return [{ document, isExact, atMs, ...(typeof lane === 'string' ? { lane } : {}) }];
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}
