/**
 * The interfaces between the runtime and the outside. Each has an adapter for the real thing and an
 * in-memory twin that passes the same contract suite (`test/contract`). Nothing here knows NATS.
 *
 * Three kinds of result: what the other side decided is a value (`refused`, `displaced`, `taken`);
 * trouble in the world is a `PortError`, which says whether repeating helps; the rest is our bug.
 */

/** Trouble in the world: nobody listens, a time-out, a disconnect. */
export class PortError extends Error {
  readonly code: 'no_responders' | 'timeout' | 'disconnected' | 'unavailable' | 'misconfigured';

  constructor(code: PortError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PortError';
    this.code = code;
  }
}

// --- time -------------------------------------------------------------------------------------

export interface Timer {
  cancel(): void;
}

/** The node's own clock, before correction by the servers' timestamps. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Rings once after `ms`; never keeps the process alive by itself. */
  after(ms: number, ring: () => void): Timer;
}

// --- journal ----------------------------------------------------------------------------------

export interface JournalAppend {
  readonly partition: number;
  /** Sequence of the partition's last message that we know (invariant 1); 0: it has none. */
  readonly expect: number;
  /** Node incarnation + counter, never reused for other bytes (invariant 4). */
  readonly messageId: string;
  readonly payload: string;
}

export type AppendOutcome =
  /** Durable at `seq`. */
  | { readonly kind: 'appended'; readonly seq: number }
  /** Something else is last in the partition: we are fenced (invariant 3). */
  | { readonly kind: 'refused' }
  /** Certainly not stored, and nobody else's doing: repeat the same bytes shortly. */
  | { readonly kind: 'busy'; readonly reason: string }
  /** It may or may not be stored: find out with `last`, never guess. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface JournalEntry {
  readonly seq: number;
  readonly messageId: string;
  /** The server's time of storing it. */
  readonly storedAtMs: number;
  readonly payload: string;
}

export interface Journal {
  append(request: JournalAppend): Promise<AppendOutcome>;
  /** Proves that `expect` is still the partition's last sequence, and leaves nothing (invariant 2). */
  barrier(request: Omit<JournalAppend, 'payload'>): Promise<AppendOutcome>;
  /** The partition's last message as the stream's leader knows it. */
  last(partition: number): Promise<JournalEntry | undefined>;
  /**
   * Hands over the partition's messages with `from <= seq <= to`, in order, and resolves when `to`
   * has been handed over. Rejects when that does not happen within the adapter's limits.
   */
  read(
    partition: number,
    range: { readonly from: number; readonly to: number },
    each: (entry: JournalEntry) => void,
  ): Promise<void>;
  /** As `read`, for all partitions at once, in the order of the stream; `to` may be in any of them. */
  readAll(
    range: { readonly from: number; readonly to: number },
    each: (partition: number, entry: JournalEntry) => void,
  ): Promise<void>;
}

// --- snapshots --------------------------------------------------------------------------------

export interface StoredSnapshot {
  /** Revision for compare-and-set; rises with every write of the store. */
  readonly revision: number;
  readonly payload: string;
}

/** Values under keys (`[A-Za-z0-9_=.-]+`), replaced only by compare-and-set (invariant 6). */
export interface Snapshots {
  read(key: string): Promise<StoredSnapshot | undefined>;
  /** `expect` is the revision to replace, 0 for a new key. */
  write(
    key: string,
    payload: string,
    expect: number,
  ): Promise<
    { readonly kind: 'stored'; readonly revision: number } | { readonly kind: 'conflict' }
  >;
  /** Removes all keys that start with `prefix` + '.', or the key itself. */
  remove(prefix: string): Promise<void>;
}

// --- derived data -----------------------------------------------------------------------------

/** One derived message: a view's row under its skuKey, or a piece of a SKU's history. */
export interface DerivedEntry {
  readonly key: string;
  readonly payload: string;
  /** Names this message for duplicate detection where the sink keeps every message. */
  readonly messageId?: string;
}

/**
 * A stream or bucket made from the journal, written by the partitions' owners (invariant 10).
 * Writes of an owner that has been displaced are refused as a whole.
 */
export interface Sink {
  /** `stock`, `view.<channel>`, `events`. */
  readonly name: string;
  /**
   * Makes the holder of the claim at `claimSeq` the partition's only writer and answers the journal
   * sequence up to which the sink is complete (0: nothing known). `displaced`: a later claim holds.
   */
  takeOver(
    partition: number,
    claimSeq: number,
  ): Promise<
    { readonly kind: 'taken'; readonly completeTo: number } | { readonly kind: 'displaced' }
  >;
  /**
   * Writes the entries in order and records that the sink is complete up to journal sequence
   * `upTo`. After an error the caller repeats the same or newer entries.
   */
  write(
    partition: number,
    entries: readonly DerivedEntry[],
    upTo: number,
  ): Promise<'written' | 'displaced'>;
}

// --- membership -------------------------------------------------------------------------------

export interface NodeRecord {
  readonly name: string;
  /** Names one process run; a restarted node has another. */
  readonly incarnation: string;
  readonly partitions: readonly number[];
  readonly startedAtMs: number;
  readonly renewedAtMs: number;
  /** A node that leaves hands over and owns nothing from here. */
  readonly leaving?: boolean;
  readonly httpUrl?: string;
}

export interface Membership {
  /** Rises with every change of the bucket; claims name it. */
  readonly revision: number;
  readonly nodes: readonly NodeRecord[];
}

export interface JournalMeta {
  readonly partitions: number;
  /** Schema version of the journal when it was made. */
  readonly schema: number;
  /** Tells a restored journal from the one that views and edges have seen (invariant 13). */
  readonly epoch: string;
  /** Partitions whose genesis claim has been written: they may never be empty again. */
  readonly genesis: readonly number[];
}

export interface Members {
  /** Reads `meta`, or makes it from `wanted` if there is none. */
  meta(wanted: JournalMeta): Promise<JournalMeta>;
  /** Records that a partition's genesis claim exists. */
  recordGenesis(partition: number): Promise<void>;
  /** Writes our key with the TTL. `taken`: a living node of another incarnation has the name. */
  renew(
    record: NodeRecord,
  ): Promise<
    { readonly kind: 'renewed'; readonly serverNowMs: number } | { readonly kind: 'taken' }
  >;
  leave(record: NodeRecord): Promise<void>;
  /** The living nodes as the bucket's leader knows them. */
  read(): Promise<Membership>;
  /** Calls back when something in the bucket may have changed (a hint: then `read`). */
  onChange(changed: () => void): Subscription;
}

// --- messages ---------------------------------------------------------------------------------

export interface Subscription {
  unsubscribe(): void;
}

export interface BusSubscription extends Subscription {
  /** Takes nothing new; resolves when everything that was on its way here has been handled. */
  drain(): Promise<void>;
}

export interface Inbound {
  readonly subject: string;
  readonly payload: Uint8Array;
  /** Absent where the sender waits for no reply. */
  readonly respond?: (payload: string, error?: { code: string; number: number }) => void;
}

export interface Bus {
  /** With `queue`, each message goes to one subscriber of that queue. */
  serve(
    subject: string,
    options: { readonly queue?: string },
    handle: (message: Inbound) => void,
  ): BusSubscription;
  /** Rejects with a `PortError` (`no_responders`, `timeout`, `disconnected`). */
  request(subject: string, payload: string | Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  publish(subject: string, payload: string): void;
  /** Resolves when the server has answered a ping sent now. */
  ping(): Promise<void>;
  onStatus(changed: (status: 'connected' | 'disconnected') => void): Subscription;
}

// --- facts ------------------------------------------------------------------------------------

export interface StoredFact {
  /** Sequence in `INV_FACTS`. */
  readonly seq: number;
  readonly source: string;
  readonly verb: string;
  readonly skuKey: string;
  readonly payload: Uint8Array;
  readonly storedAtMs: number;
}

export interface FactLog {
  /** The partition's facts after `after`, in order, at most `limit`; empty: none yet. */
  read(partition: number, after: number, limit: number): Promise<readonly StoredFact[]>;
  /** Calls back when facts may have arrived (a hint: then `read`). */
  onArrival(arrived: () => void): Subscription;
  /** Puts a fact that can never be applied aside, once. */
  bury(fact: StoredFact, error: { code: string; message: string }): Promise<void>;
  /** Drops the partition's facts up to and including `upTo`: a checkpoint covers what they did. */
  forget(partition: number, upTo: number): Promise<void>;
}

// --- ERP ----------------------------------------------------------------------------------------

/** What the ERP has of one SKU at one location, in the SKU's base unit. */
export interface ErpLine {
  readonly sku: string;
  readonly location: string;
  readonly qty: number;
  /** Units per pack, where the source names it. */
  readonly packSize?: number;
}

/** A line that cannot be used; everything else of the snapshot still can. */
export interface ErpRefusedLine {
  /** Counted from 1, without headings. */
  readonly line: number;
  readonly reason: 'sku' | 'location' | 'quantity' | 'negative' | 'unit' | 'double' | 'cut';
  readonly message: string;
  /** A line that was handed over before and is refused with this one. */
  readonly withdraws?: { readonly sku: string; readonly location: string };
}

export interface ErpBatch {
  readonly lines: readonly ErpLine[];
  readonly refused: readonly ErpRefusedLine[];
}

/** Everything up to here is posted in a lane: a time of the source's clock, or a document. */
export interface ErpWatermark {
  readonly throughMs?: number;
  readonly throughDocument?: string;
}

/** One reading of the ERP's stock. Times are the ERP's clock. */
export interface ErpSnapshot {
  readonly snapshotId: string;
  readonly asOfFromMs: number;
  readonly asOfToMs: number;
  /** False: it holds only part of the lines, and says so. */
  readonly complete: boolean;
  readonly statedLines?: number;
  /** SHA-256 in hex of `sku \t location \t qty \n` of every line, as the source wrote them. */
  readonly statedChecksum?: string;
  readonly watermarks: Readonly<Record<string, ErpWatermark>>;
  /**
   * Hands over all lines in batches and resolves with what was counted: all lines, refused ones
   * included. Rejects with an `ErpSourceError` when the content is broken.
   */
  read(each: (batch: ErpBatch) => void | Promise<void>): Promise<ErpTotals>;
}

export interface ErpTotals {
  readonly lines: number;
  readonly refused: number;
  readonly checksum: string;
}

export type ErpFetch =
  | { readonly kind: 'snapshot'; readonly snapshot: ErpSnapshot }
  /** Nothing new: `unchanged` since the last one, nothing `absent`, or a file still being written. */
  | { readonly kind: 'none'; readonly why: 'unchanged' | 'absent' | 'growing' };

/** Where the ERP's numbers come from. One fetch at a time. */
export interface ErpSource {
  readonly name: string;
  /** Rejects with an `ErpSourceError`. */
  fetch(): Promise<ErpFetch>;
  /** Says what became of the fetched snapshot; `later`: it will be fetched again. */
  settle(outcome: 'compared' | 'refused' | 'later'): Promise<void>;
  /** Calls back when there may be something new (a hint: then `fetch`); absent: it cannot tell. */
  onArrival?(arrived: () => void): Subscription;
  close(): Promise<void>;
}

/** Trouble with an ERP's numbers. `isFinal`: fetching the same thing again cannot help. */
export class ErpSourceError extends Error {
  readonly code:
    | 'unreachable'
    | 'forbidden'
    | 'timeout'
    | 'too_large'
    | 'encoding'
    | 'format'
    | 'columns'
    | 'metadata'
    | 'query';
  readonly isFinal: boolean;

  constructor(
    code: ErpSourceError['code'],
    message: string,
    options: { readonly isFinal: boolean; readonly cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.name = 'ErpSourceError';
    this.code = code;
    this.isFinal = options.isFinal;
  }
}

// --- reconciliation -------------------------------------------------------------------------------

/** A bucket of values under keys, small enough to be listed. */
export interface KeyValues extends Snapshots {
  /** Every key that starts with `prefix` + '.', with its value. */
  list(prefix: string): Promise<ReadonlyMap<string, StoredSnapshot>>;
}

/** What the ERP has told us of its postings. */
export interface ErpAcknowledgement {
  /** Rises with every acknowledgement. */
  readonly seq: number;
  readonly payload: string;
  readonly storedAtMs: number;
}

export interface ErpAcknowledgements {
  /** Hands over all of a source that came after `after`, in order. */
  read(
    source: string,
    after: number,
    each: (acknowledgement: ErpAcknowledgement) => void,
  ): Promise<void>;
}

/** A row of a read model as it stands; no payload: deleted. */
export interface StandingRow {
  readonly key: string;
  readonly revision: number;
  readonly payload: string | undefined;
}

/** A bucket of rows, seen from outside its owners: for finding and repairing what is wrong there. */
export interface RowBucket {
  /** `stock` or `view.<channel>`, as sinks are called. */
  readonly name: string;
  /** Hands over every row, changed or deleted, that is newer than revision `after`. */
  scan(after: number, each: (row: StandingRow) => void): Promise<void>;
  /** How many rows there are, deleted ones included, and the revision that was written last. */
  extent(): Promise<{ readonly rows: number; readonly lastRevision: number }>;
  read(key: string): Promise<StandingRow | undefined>;
  /** Replaces the row as it was read (revision 0: none); no payload: deletes it. */
  replace(
    key: string,
    payload: string | undefined,
    expect: number,
  ): Promise<'replaced' | 'changed'>;
}

/** Asks the owners what they would write now. */
export interface OwnerRows {
  /**
   * The rows of SKUs of one partition by bucket name, from committed state; undefined for a SKU that
   * does not exist. Rejects with a `PortError` when the owner does not answer.
   */
  rowsOf(
    partition: number,
    skus: readonly string[],
  ): Promise<ReadonlyMap<string, Readonly<Record<string, string>> | undefined>>;
}

/** Stock that an edge node may have sold without our knowing. */
export interface EdgeExposure {
  readonly edge: string;
  readonly sku: string;
  readonly location: string;
  readonly units: number;
  /** When the edge was last heard from. */
  readonly heardAtMs: number;
}

// --- all of it --------------------------------------------------------------------------------

export interface Ports {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly snapshots: Snapshots;
  readonly sinks: readonly Sink[];
  readonly members: Members;
  readonly bus: Bus;
  readonly facts: FactLog;
}
