/**
 * Every limit and time of a node in one table: its default, what it may be set to, its unit and
 * what it is for. `limits` in the configuration file sets any of them by name; the names of the
 * first two groups appear in `limit_exceeded`.
 */

import { defaultRequestLimits } from '../contract/limits.ts';
import { defaultSkuLimits } from '../domain/rules.ts';

export type Unit = 'units' | 'count' | 'bytes' | 'ms' | 'share' | 'characters';

export interface LimitDefinition {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly unit: Unit;
  readonly what: string;
}

const most = Number.MAX_SAFE_INTEGER;
const day = 24 * 60 * 60_000;

function limit(unit: Unit, value: number, range: readonly [number, number], what: string) {
  return { value, min: range[0], max: range[1], unit, what } as const satisfies LimitDefinition;
}

const count = (value: number, what: string) => limit('count', value, [1, most], what);
const units = (value: number, what: string) => limit('units', value, [1, most], what);
const ms = (value: number, range: readonly [number, number], what: string) =>
  limit('ms', value, range, what);

const r = defaultRequestLimits;
const s = defaultSkuLimits;

export const limitDefinitions = {
  // One request.
  quantityMax: units(r.quantityMax, 'largest qty, and largest number in a policy'),
  onHandMax: units(r.onHandMax, 'largest stock of one SKU'),
  cartLinesMax: limit('count', r.cartLinesMax, [1, 10_000], 'lines of a cart as sent'),
  frameCommandsMax: limit('count', r.frameCommandsMax, [1, 100_000], 'commands of one frame'),
  requestBytesMax: limit('bytes', r.requestBytesMax, [1_024, 67_108_864], 'one request or frame'),
  textLengthMax: limit('characters', r.textLengthMax, [1, 65_536], 'order, ref and reason'),
  evidenceLengthMax: limit(
    'characters',
    r.evidenceLengthMax,
    [256, 1_048_576],
    "a correction's evidence",
  ),

  // One SKU.
  holdsPerSkuMax: count(s.holdsPerSkuMax, 'holds of one SKU, ended ones included'),
  locationsPerSkuMax: count(s.locationsPerSkuMax, 'locations of one SKU'),
  idsPerSkuMax: count(s.idsPerSkuMax, 'command ids that one SKU remembers'),
  idempotencyWindowMs: ms(
    s.idempotencyWindowMs,
    [1_000, day],
    'how long a command id is remembered',
  ),
  endedHoldsMs: ms(s.endedHoldsMs, [1_000, 30 * day], 'how long an ended hold is remembered'),
  expiriesPerStepMax: count(s.expiriesPerStepMax, 'holds that one expiry step ends'),

  idsIndexedMax: limit(
    'count',
    1_000_000,
    [2, 100_000_000],
    'ids of which a node remembers for which SKU they were used',
  ),

  // A partition's mailbox and its rounds.
  mailboxCommandsMax: count(20_000, 'commands waiting for a partition'),
  channelShareMax: limit('share', 0.75, [0.01, 1], 'share of a mailbox that one channel may fill'),
  overloadedRetryMs: ms(100, [1, 60_000], 'what `overloaded` tells callers to wait'),
  commitCommandsMax: limit('count', 4_096, [1, 1_000_000], 'commands of one round'),
  commitBytesMax: limit(
    'bytes',
    1_000_000,
    [4_096, 67_108_864],
    "one commit, below the server's max_payload",
  ),
  commitsInFlightMax: limit(
    'count',
    4,
    [1, 1_024],
    "commits on their way, of all the node's partitions",
  ),
  appendTimeoutMs: ms(2_500, [100, 60_000], 'how long answers are held for the journal'),

  // Actors and recovery.
  residentsMax: count(50_000, 'SKU actors in memory'),
  snapshotEveryEvents: count(50_000, "a partition's events between checkpoints"),
  snapshotEveryMs: ms(30_000, [100, day], 'time between checkpoints of a busy partition'),
  checkpointsInFlightMax: limit(
    'count',
    2,
    [1, 1_024],
    "checkpoints under way, of all the node's partitions",
  ),
  pageCount: limit('count', 1_024, [1, 65_536], 'pages that hold the snapshots of a partition'),
  pagesCachedMax: limit(
    'count',
    32,
    [1, 65_536],
    'snapshot pages that a partition keeps in memory',
  ),

  // Membership, ownership, time.
  memberTtlMs: ms(2_000, [1_000, 600_000], 'until a silent node counts as gone; whole seconds'),
  renewEveryMs: ms(500, [50, 600_000], 'between renewals of a membership'),
  stallMaxMs: ms(1_500, [50, 600_000], 'standstill after which what waited is not executed'),
  clockOffsetMaxMs: ms(2_000, [10, 600_000], 'clock difference above which nothing is committed'),
  handoverTimeoutMs: ms(2_000, [0, 600_000], 'until a partition is claimed without hand-over'),
  drainTimeoutMs: ms(5_000, [0, 600_000], 'until a stopping node leaves with rounds unfinished'),

  // Between nodes.
  forwardTimeoutMs: ms(2_000, [50, 60_000], 'until a forwarded command counts as lost'),
  forwardsInFlightMax: count(50_000, 'forwarded commands without answer'),
  forwardHopsMax: limit('count', 2, [1, 16], 'times that one command is forwarded'),

  // Carts.
  cartTimeoutMs: ms(5_000, [100, 60_000], 'until an undecided cart answers unavailable'),
  cartStepRetryMs: ms(200, [1, 60_000], 'before a step of a cart is repeated'),
  cartsOpenMax: count(100_000, 'carts that one partition coordinates at a time'),

  // Derived data.
  viewFlushMs: ms(50, [0, 60_000], 'before a changed row or a piece of history is written'),
  derivedRowsMax: count(200_000, 'rows and events waiting to be written'),
  eventsRetentionMs: ms(
    30 * day,
    [0, 3_650 * day],
    'how long the history of SKUs is kept; 0: for ever',
  ),
} as const satisfies Record<string, LimitDefinition>;

export type LimitName = keyof typeof limitDefinitions;

/** Every limit with its number. */
export type Limits = { readonly [Name in LimitName]: number };

export const defaultPrefix = 'inv';
/**
 * Each partition commits by itself, and each commit is an fsync: fewer partitions make fewer and fuller commits, more
 * of them can be shared by more nodes. At 2,000 commands/s on two processors 16 have two thirds of the latency of 32.
 */
export const defaultPartitions = 16;
export const partitionsMax = 4_096;

export const defaultTtlMs = 15 * 60_000;
export const defaultLongestTtlMs = 2 * 60 * 60_000;

/** The limits with nothing configured. */
export function defaultLimits(): Limits {
  const entries = Object.entries(limitDefinitions).map(([name, { value }]) => [name, value]);
  return Object.fromEntries(entries) as Limits;
}
