/** What an audit found: how much was looked at, and every difference, up to a limit. */

export type DifferenceKind =
  /** The journal's chain, schema, order or a SKU's events contradict themselves. */
  | 'journal'
  /** An actor says something else than the journal. */
  | 'actor'
  /** A row of a bucket says something else, is missing or stays behind. */
  | 'view'
  /** The published history says something else, has a gap or stays behind. */
  | 'history';

export interface Difference {
  readonly kind: DifferenceKind;
  /** Where: `partition 3`, `inv_stock`, `web`. */
  readonly where: string;
  readonly sku?: string;
  readonly what: string;
}

export interface AuditReport {
  readonly ok: boolean;
  readonly partitions: number;
  /** Journal messages that were folded, and the events in them. */
  readonly messages: number;
  readonly events: number;
  readonly skus: number;
  readonly onHand: number;
  readonly reserved: number;
  /** Rows compared, by bucket. */
  readonly rows: Readonly<Record<string, number>>;
  readonly actors: number;
  readonly historyEvents: number;
  readonly differences: readonly Difference[];
  /** All of them, also those that are not listed. */
  readonly differenceCount: number;
  readonly tookMs: number;
}

const listedMax = 1_000;

/** Collects differences; beyond `listedMax` they are only counted. */
export class Findings {
  readonly listed: Difference[] = [];
  count = 0;

  add(difference: Difference): void {
    this.count += 1;
    if (this.listed.length < listedMax) this.listed.push(difference);
  }
}
