/**
 * The message of one commit in the journal, schema version 1: compact JSON with short keys, since
 * it is written once and read for ever.
 *
 * 1. A reader refuses what is newer than it knows (`NewerSchemaError`) and reads everything older
 *    (invariant 13). A new version gets its own decoder; the old ones stay.
 * 2. `x` is the sequence that the message was appended after, so that the chain can be verified
 *    (invariant 5).
 * 3. What a SKU's events and a cart's entries look like inside is not known here.
 */

export const journalSchema = 1;

export type JournalKind = 'claim' | 'commit' | 'genesis';

/** Consecutive events of one SKU; the first has version `firstVersion`. */
export interface EventGroup {
  readonly sku: string;
  readonly firstVersion: number;
  readonly events: readonly (readonly unknown[])[];
}

/** What a claim rests on, and who makes it. */
export interface ClaimedBy {
  readonly revision: number;
  readonly node: string;
}

/** A fact that was refused for good: whoever serves the partition puts it among the dead letters. */
export interface DeadFactEntry {
  /** Its sequence in the facts' stream. */
  readonly seq: number;
  readonly code: string;
  readonly message: string;
}

export interface JournalHeader {
  readonly kind: JournalKind;
  /** Sequence of the partition's message before this one; 0: it is the first. */
  readonly expect: number;
  /** Time of the round. */
  readonly atMs: number;
  /** Incarnation of the node that wrote it. */
  readonly incarnation: string;
  readonly epoch: string;
  /** Position in the facts' stream up to which the partition has applied them (invariant 9). */
  readonly factsTo?: number;
  /** Of claims and of the genesis. */
  readonly claim?: ClaimedBy;
  readonly dead?: readonly DeadFactEntry[];
}

export interface JournalMessage extends JournalHeader {
  readonly schema: number;
  readonly groups: readonly EventGroup[];
  /** Entries of carts whose home is this partition. */
  readonly carts: readonly (readonly unknown[])[];
}

/** The message was written by a newer lastunit: do not serve the partition, update this node. */
export class NewerSchemaError extends Error {
  readonly code = 'newer_schema';
  readonly schema: number;

  constructor(schema: number) {
    super(`journal message of schema ${schema}, this node knows up to ${journalSchema}`);
    this.name = 'NewerSchemaError';
    this.schema = schema;
  }
}

/** The message is not one of ours or is damaged: do not serve the partition. */
export class BrokenMessageError extends Error {
  readonly code = 'broken_message';

  constructor(why: string) {
    super(`broken journal message: ${why}`);
    this.name = 'BrokenMessageError';
  }
}

/** One group for `encodeJournalMessage`; `events` are tuples already encoded as JSON, joined by commas. */
export function encodeEventGroup(sku: string, firstVersion: number, events: string): string {
  return `[${JSON.stringify(sku)},${firstVersion},[${events}]]`;
}

/**
 * The message's text. Groups and cart entries come as JSON texts, so that encoding a commit is
 * concatenation.
 */
export function encodeJournalMessage(
  header: JournalHeader,
  groups: readonly string[] = [],
  carts: readonly string[] = [],
): string {
  let json =
    `{"v":${journalSchema},"k":"${header.kind}","x":${header.expect},"at":${header.atMs},` +
    `"n":${JSON.stringify(header.incarnation)},"e":${JSON.stringify(header.epoch)}`;
  if (header.factsTo !== undefined) json += `,"f":${header.factsTo}`;
  if (header.claim !== undefined) {
    json += `,"m":[${header.claim.revision},${JSON.stringify(header.claim.node)}]`;
  }
  if (header.dead !== undefined && header.dead.length > 0) {
    const entries = header.dead.map(({ seq, code, message }) => [seq, code, message]);
    json += `,"d":${JSON.stringify(entries)}`;
  }
  if (groups.length > 0) json += `,"s":[${groups.join(',')}]`;
  if (carts.length > 0) json += `,"c":[${carts.join(',')}]`;
  return `${json}}`;
}

/** Throws `NewerSchemaError` or `BrokenMessageError`. */
export function decodeJournalMessage(payload: string): JournalMessage {
  const raw = parseObject(payload);
  if (!isCount(raw.v) || raw.v === 0) throw new BrokenMessageError('no schema version');
  if (raw.v > journalSchema) throw new NewerSchemaError(raw.v);
  return decodeVersion1(raw);
}

function decodeVersion1(raw: Record<string, unknown>): JournalMessage {
  const { k: kind, x: expect, at: atMs, n: incarnation, e: epoch, f: factsTo } = raw;
  if (kind !== 'commit' && kind !== 'claim' && kind !== 'genesis') {
    throw new BrokenMessageError('unknown kind');
  }
  if (!isCount(expect)) throw new BrokenMessageError('no expected sequence');
  if (!isCount(atMs)) throw new BrokenMessageError('no time');
  if (typeof incarnation !== 'string') throw new BrokenMessageError('no incarnation');
  if (typeof epoch !== 'string') throw new BrokenMessageError('no epoch');
  if (factsTo !== undefined && !isCount(factsTo)) throw new BrokenMessageError('facts position');
  const claim = raw.m === undefined ? undefined : decodeClaim(raw.m);
  if (kind !== 'commit' && claim === undefined) throw new BrokenMessageError('claim of nobody');
  return {
    schema: 1,
    kind,
    expect,
    atMs,
    incarnation,
    epoch,
    ...(factsTo === undefined ? {} : { factsTo }),
    ...(claim === undefined ? {} : { claim }),
    ...(raw.d === undefined ? {} : { dead: decodeDead(raw.d) }),
    groups: decodeGroups(raw.s),
    carts: decodeTuples(raw.c, 'cart entries'),
  };
}

function decodeClaim(value: unknown): ClaimedBy {
  if (!Array.isArray(value) || !isCount(value[0]) || typeof value[1] !== 'string') {
    throw new BrokenMessageError('membership of the claim');
  }
  return { revision: value[0], node: value[1] };
}

function decodeDead(value: unknown): DeadFactEntry[] {
  return decodeTuples(value, 'dead facts').map(([seq, code, message]) => {
    if (!isCount(seq) || typeof code !== 'string' || typeof message !== 'string') {
      throw new BrokenMessageError('dead fact');
    }
    return { seq, code, message };
  });
}

function decodeGroups(value: unknown): EventGroup[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new BrokenMessageError('groups');
  return value.map((group) => {
    if (!Array.isArray(group)) throw new BrokenMessageError('group');
    const [sku, firstVersion, events] = group;
    if (typeof sku !== 'string' || !isCount(firstVersion)) throw new BrokenMessageError('group');
    return { sku, firstVersion, events: decodeTuples(events, 'events') };
  });
}

function decodeTuples(value: unknown, what: string): (readonly unknown[])[] {
  if (value === undefined && what === 'cart entries') return [];
  if (!Array.isArray(value) || !value.every((item) => Array.isArray(item))) {
    throw new BrokenMessageError(what);
  }
  return value;
}

function parseObject(payload: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    throw new BrokenMessageError('not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BrokenMessageError('not an object');
  }
  return value as Record<string, unknown>;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
