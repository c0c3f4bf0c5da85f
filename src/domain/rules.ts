/**
 * The rules that `decide` works by: what a deployment configures for its channels, and the limits
 * of one SKU. They are an argument of every decision and never part of the state: events carry
 * everything that folding them needs, so a changed configuration never changes the past.
 */

/** What one channel may do and how it is served. Resolved from the configuration, without blanks. */
export interface ChannelRules {
  readonly name: string;
  /** The verbs that this channel may use. */
  readonly verbs: ReadonlySet<string>;
  /** Whether this channel has an `inv_view_<channel>` bucket and availability events. */
  readonly view: boolean;
  /** Locations in the order in which they serve this channel; empty: every location, by name. */
  readonly sourcing: readonly string[];
  /** Whether one reservation may take units from several locations. */
  readonly split: boolean;
  /** Length of a hold when the command names none. */
  readonly defaultTtlMs: number;
  /** Longest life of a hold, counted from its creation. */
  readonly longestTtlMs: number;
  /** Channels whose holds this one may renew, confirm and release, named with `heldBy`. */
  readonly endsHoldsOf: ReadonlySet<string>;
}

/** Everything that bounds one SKU. Each name appears in `limit_exceeded` as `error.limit`. */
export interface SkuLimits {
  readonly quantityMax: number;
  readonly onHandMax: number;
  readonly holdsPerSkuMax: number;
  readonly locationsPerSkuMax: number;
  readonly idsPerSkuMax: number;
  /** How long an accepted command's id keeps its meaning. */
  readonly idempotencyWindowMs: number;
  /** How long an ended hold is remembered. */
  readonly endedHoldsMs: number;
  /** How many holds one expiry step ends, so that a commit stays small. */
  readonly expiriesPerStepMax: number;
}

export interface Rules {
  readonly channels: ReadonlyMap<string, ChannelRules>;
  /** For facts of sources that are no channel (scanners, gates); absent: they are `forbidden`. */
  readonly factSources?: ChannelRules;
  readonly limits: SkuLimits;
}

export const defaultSkuLimits: SkuLimits = {
  quantityMax: 1_000_000_000,
  onHandMax: Number.MAX_SAFE_INTEGER,
  holdsPerSkuMax: 2_000_000,
  locationsPerSkuMax: 1_000,
  idsPerSkuMax: 2_000_000,
  idempotencyWindowMs: 10 * 60_000,
  endedHoldsMs: 24 * 60 * 60_000,
  expiriesPerStepMax: 2_000,
};

export const defaultLocation = 'main';
