// What the system publishes, for people: rows of the KV buckets, histories, living nodes, dead letters. Read
// through the streams' leaders; changes come as republished messages, which survive a server's death where a
// watch does not (traps). Rows are handed over as parsed JSON of the contract's shapes.

import type { Names } from '../contract/subjects.ts';
import { keyValueSubject } from '../contract/subjects.ts';
import { skuKeyOf, skuOf } from '../domain/names.ts';
import type { NodeRecord, Subscription } from '../ports.ts';
import { bucketStream } from './adapter-names.ts';
import { guarded } from './guarded.ts';
import { header } from './headers.ts';
import {
  ApiError,
  apiError,
  type JetStreamApi,
  type StoredMessage,
  unavailable,
} from './jetstream-api.ts';
import { readInOrder } from './ordered-read.ts';
import { readAll } from './read-all.ts';

/** A row of `inv_stock`. */
export interface StockRow {
  readonly sku: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
  readonly safetyStock: number;
  readonly locations: Readonly<Record<string, { onHand: number; reserved: number }>>;
  readonly reservations: number;
  readonly version: number;
  readonly asOfSeq: number;
  readonly updatedAtMs: number;
}

/** A row of `inv_view_<channel>`. */
export interface ViewRow {
  readonly sku: string;
  readonly available: number;
  readonly status: string;
  readonly version: number;
  readonly asOfSeq: number;
  readonly updatedAtMs: number;
}

/** An event of a SKU's history, with the fields of its type. */
export interface HistoryEvent {
  readonly type: string;
  readonly version: number;
  readonly atMs: number;
  readonly channel: string;
  readonly command: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
  readonly [field: string]: unknown;
}

/** A row has changed. `channel` is absent for `inv_stock`; `row` is absent when it was deleted. */
export type RowChange =
  | { readonly sku: string; readonly channel?: undefined; readonly row: StockRow | undefined }
  | { readonly sku: string; readonly channel: string; readonly row: ViewRow | undefined };

export interface ReadModels {
  stock(sku: string): Promise<StockRow | undefined>;
  view(channel: string, sku: string): Promise<ViewRow | undefined>;
  /** Names of SKUs in `inv_stock`, at most so many, and how many there are. */
  skus(limit: number): Promise<{ readonly skus: string[]; readonly total: number }>;
  /** Hands over every row of `inv_stock`; returns how many. */
  allStock(each: (row: StockRow) => void): Promise<number>;
  /** Hands over every row of a channel's view; returns how many. */
  allViews(channel: string, each: (row: ViewRow) => void): Promise<number>;
  /** A SKU's events in order, from the oldest kept. */
  history(sku: string, each: (event: HistoryEvent) => void): Promise<void>;
  /** Calls back for every changed row, of one SKU or of all, of the given channels' views and of `inv_stock`. */
  onChange(
    what: { readonly sku?: string; readonly channels: readonly string[] },
    changed: (change: RowChange) => void,
  ): Subscription;
  /** Hands over all messages of the history: consecutive events of one SKU, in order per SKU. */
  allHistory(
    each: (message: { readonly sku: string; readonly events: readonly HistoryEvent[] }) => void,
  ): Promise<number>;
  /** Last version in a SKU's history; 0: it has none. */
  historyVersion(sku: string): Promise<number>;
  /** The living nodes as they last said. */
  nodes(): Promise<NodeRecord[]>;
  /** The newest value under a key of any of our buckets, parsed; undefined: there is none. */
  value(bucket: string, key: string): Promise<unknown>;
  /** Every key of a bucket with its parsed value; `keys` may end in `>`. */
  values(bucket: string, keys: string): Promise<Map<string, unknown>>;
}

const decoder = new TextDecoder();

/** `api` speaks to any server of the deployment. */
export function createReadModels(api: JetStreamApi, names: Names): ReadModels {
  const { buckets, streams, subjects } = names;

  async function value(bucket: string, key: string): Promise<unknown> {
    const message = await newest(api, bucketStream(bucket), keyValueSubject(bucket, key));
    return message === undefined || isDeletion(message) ? undefined : parsed(message.payload);
  }

  async function values(bucket: string, keys: string): Promise<Map<string, unknown>> {
    const found = new Map<string, unknown>();
    await eachValue(bucket, keys, (key, item) => {
      if (item === undefined) found.delete(key);
      else found.set(key, item);
    });
    return found;
  }

  /** A key may come twice, with a newer value or, deleted, with none. */
  function eachValue(
    bucket: string,
    keys: string,
    each: (key: string, item: unknown) => void,
  ): Promise<number> {
    const head = keyValueSubject(bucket, '').length;
    return readAll(
      api,
      {
        stream: bucketStream(bucket),
        subjects: [keyValueSubject(bucket, keys)],
        deliver: 'newest',
      },
      (message) =>
        each(
          message.subject.slice(head),
          isDeletion(message) ? undefined : parsed(message.payload),
        ),
    );
  }

  async function allRows<T>(bucket: string, each: (row: T) => void): Promise<number> {
    let rows = 0;
    await eachValue(bucket, '>', (_key, item) => {
      if (item === undefined) return;
      rows += 1;
      each(item as T);
    });
    return rows;
  }

  return {
    value,
    values,
    stock: async (sku) => (await value(buckets.stock, skuKeyOf(sku))) as StockRow | undefined,
    view: async (channel, sku) =>
      (await value(buckets.view(channel), skuKeyOf(sku))) as ViewRow | undefined,
    skus: (limit) => skuNames(api, buckets.stock, limit),
    allStock: (each) => allRows(buckets.stock, each),
    allViews: (channel, each) => allRows(buckets.view(channel), each),

    async history(sku, each) {
      const subject = subjects.event(skuKeyOf(sku));
      const last = await newest(api, streams.events, subject);
      if (last === undefined) return;
      const range = { stream: streams.events, subject, from: 1, to: last.seq };
      await readInOrder(api, { ...range, stallMs: 2_000, giveUpMs: 10_000 }, (message) => {
        const { events } = JSON.parse(message.text()) as { events: HistoryEvent[] };
        for (const event of events) each(event);
      });
    },

    allHistory(each) {
      let from = 1;
      const what = { stream: streams.events, subjects: [subjects.allEvents] };
      return readAll(api, what, (message) => {
        // A reading that starts again hands over what has been seen.
        if (message.seq < from) return;
        from = message.seq + 1;
        each(parsed(message.payload) as Parameters<typeof each>[0]);
      });
    },

    async historyVersion(sku) {
      const subject = subjects.event(skuKeyOf(sku));
      const last = await newest(api, streams.events, subject);
      if (last === undefined) return 0;
      const { events } = parsed(last.payload) as { events: readonly HistoryEvent[] };
      return events.at(-1)?.version ?? 0;
    },

    onChange({ sku, channels }, changed) {
      const key = sku === undefined ? '>' : skuKeyOf(sku);
      const feeds = [
        { subject: subjects.publishedStock(key), channel: undefined },
        ...channels.map((channel) => ({ subject: subjects.publishedView(channel, key), channel })),
      ];
      const subscriptions = feeds.map(({ subject, channel }) =>
        api.mux.connection.subscribe(subject, {
          callback: (error, message) => {
            if (error !== null) return;
            const skuKey = message.subject.slice(message.subject.lastIndexOf('.') + 1);
            const whose = skuOf(skuKey);
            if (whose === undefined) return;
            const deleted = (message.headers?.get(header.keyValueOperation) ?? '') !== '';
            const row = deleted ? undefined : parsed(message.data);
            guarded(() => changed({ sku: whose, channel, row } as RowChange));
          },
        }),
      );
      return {
        unsubscribe: () => {
          if (api.mux.connection.isClosed()) return;
          for (const subscription of subscriptions) subscription.unsubscribe();
        },
      };
    },

    async nodes() {
      const records = await values(buckets.nodes, 'node.>');
      return [...records.values()].map((record) => record as NodeRecord);
    },
  };
}

/** A subject's newest message; also undefined where no node has made the stream yet. */
async function newest(
  api: JetStreamApi,
  stream: string,
  subject: string,
): Promise<StoredMessage | undefined> {
  try {
    return await api.message(stream, { last_by_subj: subject });
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    if (cause instanceof ApiError && cause.apiCode === apiError.streamNotFound) return undefined;
    throw error;
  }
}

/** The server lists a stream's subjects in pages, without reading the messages. */
async function skuNames(
  api: JetStreamApi,
  bucket: string,
  limit: number,
): Promise<{ skus: string[]; total: number }> {
  const head = keyValueSubject(bucket, '').length;
  const skus: string[] = [];
  for (let offset = 0; ; ) {
    const page = await api
      .call<SubjectsPage>(`STREAM.INFO.${bucketStream(bucket)}`, {
        subjects_filter: keyValueSubject(bucket, '>'),
        offset,
      })
      .catch((error: unknown) => {
        if (error instanceof ApiError && error.apiCode === apiError.streamNotFound) return nothing;
        throw unavailable(error);
      });
    const keys = Object.keys(page.state.subjects ?? {});
    for (const key of keys) {
      const sku = skuOf(key.slice(head));
      if (sku !== undefined && skus.length < limit) skus.push(sku);
    }
    offset += keys.length;
    const total = page.total ?? skus.length;
    if (keys.length === 0 || offset >= total || skus.length >= limit) return { skus, total };
  }
}

const nothing: SubjectsPage = { total: 0, state: {} };

interface SubjectsPage {
  /** Subjects that match the filter, on all pages. */
  readonly total?: number;
  readonly state: { readonly subjects?: Readonly<Record<string, number>> };
}

function isDeletion(message: Pick<StoredMessage, 'header'>): boolean {
  return (
    message.header(header.keyValueOperation) !== undefined ||
    message.header(header.markerReason) !== undefined
  );
}

/** Undefined for what is not JSON: nobody of ours wrote it. */
function parsed(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload));
  } catch {
    return undefined;
  }
}
