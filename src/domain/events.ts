/**
 * What became true of one SKU. Events are the only thing that changes state; they carry all that
 * folding needs, so that neither clock nor configuration is asked again. `onHand`, `reserved` and
 * `available` are the SKU's totals after the event: readers need no fold, and a fold can verify
 * itself against them.
 */

export interface Allocation {
  readonly location: string;
  readonly qty: number;
}

export interface EventBase {
  /** Rises by one with every event of the SKU, without gaps. */
  readonly version: number;
  /** Time of the round that decided it. */
  readonly atMs: number;
  readonly channel: string;
  /** Id of the command behind it; empty for what time or a rule brought about. */
  readonly command: string;
  readonly onHand: number;
  readonly reserved: number;
  /** max(0, onHand − reserved − safetyStock − escrow), as in `inv_stock`. */
  readonly available: number;
}

/** An accepted command's memory (invariant 7); absent where no repetition is possible. */
interface Remembered {
  readonly fingerprint: number;
}

interface Moved extends EventBase, Remembered {
  readonly qty: number;
  readonly allocations: readonly Allocation[];
  readonly occurredAtMs?: number;
  readonly fact?: true;
}

export interface StockReceived extends Moved {
  readonly type: 'stock.received';
  readonly ref?: string;
}
export interface StockSold extends Moved {
  readonly type: 'stock.sold';
  readonly order?: string;
}
export interface StockRestocked extends Moved {
  readonly type: 'stock.restocked';
  readonly order?: string;
}
/** A signed change at one location. */
interface Changed extends EventBase, Remembered {
  readonly delta: number;
  readonly location: string;
  readonly occurredAtMs?: number;
}
export interface StockAdjusted extends Changed {
  readonly type: 'stock.adjusted';
  readonly reason: string;
}
export interface StockCounted extends Changed {
  readonly type: 'stock.counted';
  readonly counted: number;
}
export interface StockCorrected extends Changed {
  readonly type: 'stock.corrected';
  readonly evidence: Readonly<Record<string, unknown>>;
}
export interface StockTransferred extends EventBase, Remembered {
  readonly type: 'stock.transferred';
  readonly qty: number;
  readonly from: string;
  readonly to: string;
  readonly occurredAtMs?: number;
}

export interface ReservationCreated extends EventBase, Remembered {
  readonly type: 'reservation.created';
  readonly qty: number;
  readonly allocations: readonly Allocation[];
  readonly expiresAtMs: number;
  readonly ref?: string;
  /** The location was asked for: taking the units again must not look elsewhere. */
  readonly bound?: true;
  /** The line of a cart, tentative until its home's verdict. */
  readonly cart?: true;
}
/** An event about a hold of `heldBy` (the event's channel where absent). */
interface OnHold extends EventBase, Remembered {
  readonly reservation: string;
  readonly heldBy?: string;
}
export interface ReservationRenewed extends OnHold {
  readonly type: 'reservation.renewed';
  readonly expiresAtMs: number;
  /** Units taken again after an expiry: from where. */
  readonly retaken?: readonly Allocation[];
}
/** A cart's home is confirming or renewing it: only home ends this line now. */
export interface ReservationPrepared extends OnHold {
  readonly type: 'reservation.prepared';
  readonly retaken?: readonly Allocation[];
  /** Number of the cart's step. */
  readonly step?: number;
}
/** A cart's verdict is in: the line is an ordinary open hold until `expiresAtMs`. */
export interface ReservationHeld extends OnHold {
  readonly type: 'reservation.held';
  readonly expiresAtMs: number;
  /** Number of the cart's step. */
  readonly step?: number;
}
/** A cart's verdict is in, and this line of it stays expired: no earlier step takes it again. */
export interface ReservationLapsed extends OnHold {
  readonly type: 'reservation.lapsed';
  /** Number of the cart's step. */
  readonly step: number;
}
export interface ReservationConfirmed extends OnHold {
  readonly type: 'reservation.confirmed';
  readonly order: string;
  /** Units that left, and from where. */
  readonly qty: number;
  readonly allocations: readonly Allocation[];
  /** Units of a partial confirm that are free again. */
  readonly released?: number;
  readonly retaken?: readonly Allocation[];
}
export interface ReservationReleased extends OnHold {
  readonly type: 'reservation.released';
  /** Units freed; 0 for a hold that had ended or was never made (its id is spent). */
  readonly qty: number;
  /** The id that is spent is a cart's. */
  readonly cart?: true;
}
export interface ReservationExpired extends EventBase {
  readonly type: 'reservation.expired';
  readonly reservation: string;
  readonly heldBy?: string;
  readonly qty: number;
  readonly expiresAtMs: number;
}

/** What a channel's view says: `backorder` = nothing available, and yet it may be reserved. */
export type StockStatus = 'in_stock' | 'low_stock' | 'out_of_stock' | 'backorder';

/**
 * What a channel sees has changed its status: `out` = nothing available any more, `back` = again
 * (or no longer low), `low` = from in stock to the last few.
 */
export interface AvailabilityChanged extends EventBase {
  readonly type: 'availability.out' | 'availability.low' | 'availability.back';
  /** What the event's channel may still sell. */
  readonly availableToChannel: number;
  readonly status: StockStatus;
}

export interface AtRisk {
  readonly channel: string;
  readonly reservation: string;
  readonly qty: number;
}
export interface ShortfallRaised extends EventBase {
  readonly type: 'shortfall.raised';
  /** Units that are promised and not there. */
  readonly qty: number;
  /** At most 100, youngest first. */
  readonly atRisk: readonly AtRisk[];
  readonly atRiskCount: number;
}
export interface ShortfallCleared extends EventBase {
  readonly type: 'shortfall.cleared';
}

export interface ChannelPolicy {
  readonly buffer: number;
  /** The most the channel may hold plus have sold since the policy that set it; null: no quota. */
  readonly quota: number | null;
  readonly ringFence: number;
}
export interface PolicyChanged extends EventBase, Remembered {
  readonly type: 'policy.changed';
  readonly safetyStock: number;
  readonly backorderMax: number;
  readonly lowStock: number;
  readonly channels: Readonly<Record<string, ChannelPolicy>>;
  /** Channels whose quota this policy set: what they have sold counts from here. */
  readonly quotaSet: readonly string[];
  /** The same for their ring-fence. */
  readonly ringFenceSet: readonly string[];
}

export interface EscrowChanged extends EventBase {
  readonly type: 'escrow.lent' | 'escrow.used' | 'escrow.returned' | 'escrow.lost';
  readonly edge: string;
  readonly epoch: number;
  /** Cumulative for (edge, SKU, epoch), never a difference. */
  readonly lent: number;
  readonly used: number;
  readonly returned: number;
}

export type SkuEvent =
  | StockReceived
  | StockSold
  | StockRestocked
  | StockAdjusted
  | StockCounted
  | StockCorrected
  | StockTransferred
  | ReservationCreated
  | ReservationRenewed
  | ReservationPrepared
  | ReservationHeld
  | ReservationLapsed
  | ReservationConfirmed
  | ReservationReleased
  | ReservationExpired
  | AvailabilityChanged
  | ShortfallRaised
  | ShortfallCleared
  | PolicyChanged
  | EscrowChanged;

export type SkuEventType = SkuEvent['type'];
