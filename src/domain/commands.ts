/**
 * What somebody wants of one SKU. A command names its channel and id: together they are one intent
 * (invariant 7). Public commands have the fields of the contract; a cart reaches its SKUs as the
 * three internal commands at the end.
 */

export interface CommandBase {
  readonly sku: string;
  readonly channel: string;
  readonly id: string;
  /** When the caller made the command; refused `id_expired` when older than what is remembered. */
  readonly issuedAtMs?: number;
  /**
   * Hash of verb and payload (53 bits), for telling a repetition from a conflict. Made by
   * `fingerprintOf` where the command enters, so that deciding does not serialise anything.
   */
  readonly fingerprint: number;
}

export interface Reserve extends CommandBase {
  readonly verb: 'reserve';
  readonly qty: number;
  readonly ttlMs?: number;
  readonly location?: string;
  readonly ref?: string;
}

interface OnHold extends CommandBase {
  readonly reservation: string;
  /** The channel that the hold belongs to, when it is not the caller's. */
  readonly heldBy?: string;
}

export interface Renew extends OnHold {
  readonly verb: 'renew';
  readonly ttlMs: number;
}

export interface Confirm extends OnHold {
  readonly verb: 'confirm';
  readonly order: string;
  /** Part of the hold; the rest is released. */
  readonly qty?: number;
}

export interface Release extends OnHold {
  readonly verb: 'release';
}

export interface Sell extends CommandBase {
  readonly verb: 'sell';
  readonly qty: number;
  readonly location?: string;
  readonly order?: string;
  readonly occurredAtMs?: number;
  /**
   * The goods have left the building: never refused for lack of stock. On any verb, it says that the
   * command tells what has happened already, as everything from `INV_FACTS` does.
   */
  readonly fact?: boolean;
}

export interface Receive extends CommandBase {
  readonly verb: 'receive';
  readonly qty: number;
  readonly location?: string;
  readonly ref?: string;
  readonly occurredAtMs?: number;
  readonly fact?: boolean;
}

export interface Restock extends CommandBase {
  readonly verb: 'restock';
  readonly qty: number;
  readonly location?: string;
  readonly order?: string;
  readonly occurredAtMs?: number;
  readonly fact?: boolean;
}

export interface Adjust extends CommandBase {
  readonly verb: 'adjust';
  readonly delta: number;
  readonly reason: string;
  readonly location?: string;
  readonly expectOnHand?: number;
  readonly occurredAtMs?: number;
  readonly fact?: boolean;
}

export interface Count extends CommandBase {
  readonly verb: 'count';
  readonly counted: number;
  readonly location?: string;
  readonly expectOnHand?: number;
  readonly occurredAtMs?: number;
  readonly fact?: boolean;
}

export interface Transfer extends CommandBase {
  readonly verb: 'transfer';
  readonly qty: number;
  readonly from: string;
  readonly to: string;
  readonly occurredAtMs?: number;
  readonly fact?: boolean;
}

/** Rules of one channel for one SKU; `null` clears, absent leaves as it is. */
export interface ChannelPolicyPatch {
  readonly buffer?: number | null;
  readonly quota?: number | null;
  readonly ringFence?: number | null;
}

export interface SetPolicy extends CommandBase {
  readonly verb: 'policy';
  readonly safetyStock?: number | null;
  readonly backorderMax?: number | null;
  readonly lowStock?: number | null;
  readonly channels?: Readonly<Record<string, ChannelPolicyPatch | null>>;
}

/** What the reconciler saw; `asOfSeq` is the journal position of the ledger that it compared. */
export interface Evidence {
  readonly asOfSeq: number;
  readonly source?: string;
  readonly snapshotIds?: readonly string[];
  readonly observed?: number;
  readonly lo?: number;
  readonly hi?: number;
  readonly rule?: string;
  /** Start of the snapshot's window: an entry that happened before it and came since is backdated. */
  readonly asOfFromMs?: number;
}

export interface Correct extends CommandBase {
  readonly verb: 'correct';
  readonly delta: number;
  readonly location?: string;
  readonly evidence: Evidence;
}

export interface Get {
  readonly verb: 'get';
  readonly sku: string;
  readonly channel: string;
}

/**
 * A cart's line, held tentatively for the cart `id` of `channel` until home's verdict. A tentative
 * hold counts as reserved and expires like any other.
 */
export interface CartHold extends CommandBase {
  readonly verb: 'cart.hold';
  readonly qty: number;
  readonly location?: string;
  readonly ttlMs?: number;
  /** When the hold ends, whenever it is made: all lines of a cart end together. */
  readonly expiresAtMs?: number;
  readonly ref?: string;
  /** Only say whether the units could be had. */
  readonly probe?: true;
}

/**
 * Home is confirming or renewing: take the line again if it expired, and let nothing but home end
 * it from here (it neither expires nor can be released until `cart.settle`).
 */
export interface CartPrepare extends CommandBase {
  readonly verb: 'cart.prepare';
  readonly reservation: string;
  /**
   * Number of the cart's step, counted by its home in the journal. A line takes nothing of a step
   * that lies behind: a home that has been replaced without knowing it may still be speaking.
   */
  readonly step?: number;
}

/** Home's verdict reaches the line. Repeating it does nothing. */
export interface CartSettle extends CommandBase {
  readonly verb: 'cart.settle';
  readonly reservation: string;
  /** `held`: an ordinary open hold from now on (prepared no more), with `expiresAtMs`. */
  readonly outcome: 'held' | 'confirmed' | 'released';
  readonly order?: string;
  readonly expiresAtMs?: number;
  /** As in `CartPrepare`. */
  readonly step?: number;
}

export type WritingCommand =
  | Reserve
  | Renew
  | Confirm
  | Release
  | Sell
  | Receive
  | Restock
  | Adjust
  | Count
  | Transfer
  | SetPolicy
  | Correct
  | CartHold
  | CartPrepare
  | CartSettle;

export type SkuCommand = WritingCommand | Get;
export type SkuVerb = SkuCommand['verb'];
