/**
 * The read models against their owners: a row that is lost, stale or different without reason is
 * written again and counted. That finds a lost update, a dead writer, and somebody's hand.
 *
 * 1. The owner says what a row should be; nobody else computes it.
 * 2. Rows follow commits after a moment: only what is still different after `settleMs` counts.
 * 3. A repair replaces exactly the row that was judged: what the owner writes meanwhile stays.
 * 4. After a first look at everything, a run looks at what has changed since: rows that somebody
 *    wrote, SKUs that the journal has changed. Rows that vanished without a trace are found by count.
 */

import { partitionOf, skuKeyOf, skuOf } from '../domain/names.ts';
import type { Clock, OwnerRows, RowBucket, StandingRow } from '../ports.ts';
import type { Pace } from './pace.ts';
import type { ViewDrift } from './report.ts';

export interface ViewCheckPorts {
  readonly clock: Clock;
  readonly buckets: readonly RowBucket[];
  readonly owners: OwnerRows;
}

export interface ViewCheckOrder {
  /** Whether differences are repaired, or only counted: then they will be looked at again. */
  readonly repairs: boolean;
  /** SKUs that the journal has changed since the last check; undefined: not known. */
  readonly changedSkus: ReadonlySet<string> | undefined;
  /** How many SKUs the journal knows. */
  readonly skuCount: number;
  readonly allSkus: () => Iterable<string>;
  readonly pace: Pace;
}

type Rows = ReadonlyMap<string, Readonly<Record<string, string>> | undefined>;
type Problem = 'missing' | 'different' | 'stranger';

const settleMs = 2_000;
const skusPerQuestion = 100;

export class ViewCheck {
  readonly #ports: ViewCheckPorts;
  readonly #partitions: number;
  /** Revision up to which each bucket has been looked at. */
  readonly #lookedTo = new Map<string, number>();

  constructor(ports: ViewCheckPorts, partitions: number) {
    this.#ports = ports;
    this.#partitions = partitions;
  }

  /** One drift per bucket. Rejects with a `PortError`; what was looked at then is looked at again. */
  async check(order: ViewCheckOrder): Promise<ViewDrift[]> {
    const drifts: ViewDrift[] = [];
    for (const bucket of this.#ports.buckets) drifts.push(await this.#checkBucket(bucket, order));
    return drifts;
  }

  async #checkBucket(bucket: RowBucket, order: ViewCheckOrder): Promise<ViewDrift> {
    const { rows, lookedTo, isWhole } = await this.#rowsToCheck(bucket, order);
    const keys = isWhole ? new Set(order.allSkus()) : new Set(order.changedSkus);
    const strangers: StandingRow[] = [];
    for (const row of rows.values()) {
      const sku = skuOf(row.key);
      if (sku !== undefined) keys.add(sku);
      else if (row.payload !== undefined) strangers.push(row);
    }
    const counts = { missing: 0, different: 0, stranger: 0, rewritten: 0 };
    const suspects = await this.#suspects(bucket, [...keys], rows, order.pace);
    if (suspects.length > 0) await this.#settled();
    await this.#eachOwned(suspects, order.pace, async (sku, owned) => {
      const row = await bucket.read(skuKeyOf(sku));
      const problem = problemOf(row, owned?.[bucket.name]);
      if (problem === undefined) return;
      counts[problem] += 1;
      if (!order.repairs) return;
      const outcome = await bucket.replace(skuKeyOf(sku), owned?.[bucket.name], row?.revision ?? 0);
      if (outcome === 'replaced') counts.rewritten += 1;
    });
    for (const { key, revision } of strangers) {
      counts.stranger += 1;
      if (!order.repairs) continue;
      if ((await bucket.replace(key, undefined, revision)) === 'replaced') counts.rewritten += 1;
    }
    if (order.repairs) this.#lookedTo.set(bucket.name, lookedTo);
    const { missing, different, stranger, rewritten } = counts;
    const checked = keys.size + strangers.length;
    return { bucket: bucket.name, checked, missing, different, strangers: stranger, rewritten };
  }

  async #rowsToCheck(bucket: RowBucket, { changedSkus, skuCount }: ViewCheckOrder) {
    const before = this.#lookedTo.get(bucket.name);
    const isWhole =
      before === undefined || changedSkus === undefined || (await bucket.count()) < skuCount;
    const after = isWhole ? 0 : before;
    const rows = new Map<string, StandingRow>();
    let lookedTo = after;
    await bucket.scan(after, (row) => {
      rows.set(row.key, row);
      lookedTo = Math.max(lookedTo, row.revision);
    });
    return { rows, lookedTo, isWhole };
  }

  /** SKUs whose row is not what their owner would write, at first sight. */
  async #suspects(
    bucket: RowBucket,
    skus: readonly string[],
    rows: ReadonlyMap<string, StandingRow>,
    pace: Pace,
  ): Promise<string[]> {
    const suspects: string[] = [];
    await this.#eachOwned(skus, pace, async (sku, owned) => {
      const row = rows.get(skuKeyOf(sku)) ?? (await bucket.read(skuKeyOf(sku)));
      if (problemOf(row, owned?.[bucket.name]) !== undefined) suspects.push(sku);
    });
    return suspects;
  }

  /** Asks the owners, partition by partition. */
  async #eachOwned(
    skus: readonly string[],
    pace: Pace,
    each: (sku: string, owned: Readonly<Record<string, string>> | undefined) => Promise<void>,
  ): Promise<void> {
    const byPartition = new Map<number, string[]>();
    for (const sku of skus) {
      const partition = partitionOf(skuKeyOf(sku), this.#partitions);
      const ofPartition = byPartition.get(partition);
      if (ofPartition === undefined) byPartition.set(partition, [sku]);
      else ofPartition.push(sku);
    }
    for (const [partition, ofPartition] of byPartition) {
      for (let at = 0; at < ofPartition.length; at += skusPerQuestion) {
        const piece = ofPartition.slice(at, at + skusPerQuestion);
        const rows: Rows = await this.#ports.owners.rowsOf(partition, piece);
        for (const sku of piece) await each(sku, rows.get(sku));
        await pace.breathe();
      }
    }
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => this.#ports.clock.after(settleMs, resolve));
  }
}

/** What is wrong with a row, seen from what its owner would write; undefined: nothing. */
function problemOf(row: StandingRow | undefined, owned: string | undefined): Problem | undefined {
  const stands = row?.payload;
  if (owned === undefined) return stands === undefined ? undefined : 'stranger';
  if (stands === undefined) return 'missing';
  return isAsOwned(stands, owned) ? undefined : 'different';
}

/**
 * A channel's row is written only when the channel would see a change: what it shows has to be the
 * owner's, its version may be an older one but not a newer.
 */
function isAsOwned(stands: string, owned: string): boolean {
  if (stands === owned) return true;
  let row: Record<string, unknown>;
  try {
    row = JSON.parse(stands);
  } catch {
    return false;
  }
  const should = JSON.parse(owned) as Record<string, unknown>;
  if (typeof row !== 'object' || row === null) return false;
  const moment = ['version', 'asOfSeq', 'updatedAtMs'];
  const isNoNewer = moment.every((name) => Number(row[name]) <= Number(should[name]));
  return isNoNewer && visibleOf(row, moment) === visibleOf(should, moment);
}

function visibleOf(row: Record<string, unknown>, without: readonly string[]): string {
  const fields = Object.keys(row).filter((name) => !without.includes(name));
  return JSON.stringify(fields.sort().map((name) => [name, row[name]]));
}
