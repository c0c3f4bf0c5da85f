/** When and where in the journal something is decided: an argument, because rules have no clock. */
export interface Moment {
  /** Time of the round; never runs backwards within a partition (invariant 11). */
  readonly nowMs: number;
  /**
   * Last sequence of the partition's journal before the round. When folding, the same number is the
   * journal message's own expectation.
   */
  readonly afterSeq: number;
}
