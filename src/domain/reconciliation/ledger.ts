/**
 * What reconciliation compares: our ledger of one line (SKU and location), and what a snapshot of the
 * ERP says about it. Times of entries are the source's clock, times of snapshots the ERP's; the skew
 * between them is a setting of the lane.
 */

/** One movement of stock at one location, as the journal has it. */
export interface LedgerEntry {
  /** Signed units. */
  readonly delta: number;
  /** When it happened, by the clock of whoever reported it. */
  readonly occurredAtMs: number;
  /** When we recorded it: later than it happened for facts. */
  readonly recordedAtMs: number;
  /** Sequence of its commit in the journal. */
  readonly seq: number;
  /** The posting path to the ERP that carries it. */
  readonly lane: string;
  /** Order, delivery or command that it belongs to: the ERP posts documents, not units. */
  readonly document: string;
  /** When the ERP acknowledged having posted it, by the ERP's clock. */
  readonly postedAtMs?: number;
  /** By when it had been posted at the latest: an acknowledgement without a time of its own. */
  readonly postedByMs?: number;
  /** Our own correction towards the ERP: the ERP's number rests on what it corrected. */
  readonly correction?: true;
}

/** What is known about a posting path. */
export interface LaneSettings {
  /** Longest time from happening to being posted; generous: three times the observed p99.9. */
  readonly maxPostingLagMs: number;
  /** How far the source's clock may be from the ERP's, in either direction. */
  readonly clockSkewMs: number;
  /**
   * Where the lag begins: `occurrence` for a lane whose source posts to the ERP by itself, `recording`
   * for one that posts what we have recorded (then the ERP cannot know more than we do).
   */
  readonly lagFrom: 'occurrence' | 'recording';
  /**
   * The lane posts in order of its watermark: what lies above a watermark is certainly not posted.
   * Otherwise a watermark proves only what lies below it.
   */
  readonly postsInOrder: boolean;
}

/** Everything in the lane up to here is posted. Both bounds, where given, have to be passed. */
export interface Watermark {
  readonly throughMs?: number;
  /** Journal sequence of the document that the ERP named. */
  readonly throughSeq?: number;
}

/** The window in which a snapshot was read, and what it is known to contain. */
export interface SnapshotWindow {
  readonly snapshotId: string;
  readonly asOfFromMs: number;
  readonly asOfToMs: number;
  readonly watermarks: ReadonlyMap<string, Watermark>;
  /** Per lane, a time up to which the ERP had said that all is posted; it says nothing of later. */
  readonly postedThrough?: ReadonlyMap<string, number>;
}

/** One line of one snapshot: what the ERP has on hand. */
export interface Observation {
  readonly window: SnapshotWindow;
  readonly qty: number;
}

/** The settings of a lane; every lane has some. */
export type LaneBook = (lane: string) => LaneSettings;

export const defaultLane: LaneSettings = {
  maxPostingLagMs: 60 * 60_000,
  clockSkewMs: 2 * 60_000,
  lagFrom: 'occurrence',
  postsInOrder: true,
};
