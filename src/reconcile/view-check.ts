/**
 * The read models against their owners: a row that is lost, stale or different without reason is
 * written again and counted. That finds a lost update, a dead writer, and somebody's hand.
 *
 * 1. What a row should show follows from the journal's totals, or is asked of the partition's owner.
 *    Only the owner says what is written: nobody else computes a row.
 * 2. Rows follow commits after a moment: only what is still different after `settleMs` counts.
 * 3. A repair replaces exactly the row that was judged: what the owner writes meanwhile stays.
 * 4. What has been looked at is remembered: a run reads the rows that were written since, and looks at
 *    the SKUs that changed since. Rows that vanished without a trace are found by count.
 */

import { partitionOf, skuKeyOf, skuOf } from '../domain/names.ts';
import type { Clock, OwnerRows, RowBucket, StandingRow } from '../ports.ts';
import { eachLimited } from './correcting.ts';
import type { Pace } from './pace.ts';
import type { ViewDrift } from './report.ts';
import { broken, expectedOf, gone, isFromTheFuture, shownBy } from './row-reading.ts';
import type { RowStore } from './store/row-store.ts';

export interface ViewCheckPorts {
  readonly clock: Clock;
  readonly buckets: readonly RowBucket[];
  readonly owners: OwnerRows;
  /** Buckets of which only the owner knows what they should show: their channel has a sourcing order. */
  readonly ownersOnly?: ReadonlySet<string>;
}

export interface ViewCheckOrder {
  /** Whether differences are repaired, or only counted: then they will be looked at again. */
  readonly repairs: boolean;
  /** SKUs that the journal has changed since the last check; undefined: any may have. */
  readonly changedSkus: ReadonlySet<string> | undefined;
  /** Reads what the journal says now. */
  readonly sync: () => Promise<void>;
  readonly pace: Pace;
}

/** What one look at a bucket has found. */
interface Look {
  readonly isWhole: boolean;
  readonly revision: number;
  /** What the rows show that were read, by SKU. */
  readonly shown: Map<string, string>;
  /** SKUs whose row pretends to be newer than the SKU. */
  readonly tooNew: Set<string>;
  /** Keys that are no SKU's. */
  readonly strangers: readonly StandingRow[];
}

const settleMs = 2_000;
const skusPerPiece = 500;
const skusPerQuestion = 50;
const readsInFlight = 32;

export class ViewCheck {
  readonly #ports: ViewCheckPorts;
  readonly #rows: RowStore;
  readonly #partitions: number;

  constructor(ports: ViewCheckPorts, rows: RowStore, partitions: number) {
    this.#ports = ports;
    this.#rows = rows;
    this.#partitions = partitions;
  }

  /** One drift per bucket. Rejects with a `PortError`; then everything is looked at again. */
  async check(order: ViewCheckOrder): Promise<ViewDrift[]> {
    const looks: (readonly [RowBucket, Look, Set<string>])[] = [];
    for (const bucket of this.#ports.buckets) {
      const look = await this.#look(bucket, order);
      looks.push([bucket, look, await this.#suspects(bucket, look, order)]);
    }
    if (looks.some(([, , suspects]) => suspects.size > 0)) {
      await new Promise<void>((resolve) => this.#ports.clock.after(settleMs, resolve));
      await order.sync();
    }
    const drifts: ViewDrift[] = [];
    for (const [bucket, look, suspects] of looks) {
      drifts.push(await this.#settle(bucket, look, suspects, order));
    }
    return drifts;
  }

  /** Reads the rows that were written since the last look, or all. */
  async #look(bucket: RowBucket, { pace }: ViewCheckOrder): Promise<Look> {
    const before = this.#rows.lookedTo(bucket.name);
    const isWhole = before === undefined || (await bucket.count()) < this.#rows.skuCount();
    const shown = new Map<string, string>();
    const tooNew = new Set<string>();
    const strangers: StandingRow[] = [];
    let revision = isWhole ? 0 : before;
    await bucket.scan(revision, (row) => {
      revision = Math.max(revision, row.revision);
      const sku = skuOf(row.key);
      if (sku === undefined) {
        if (row.payload !== undefined) strangers.push(row);
        return;
      }
      const shows = shownBy(bucket.name, sku, row.payload);
      shown.set(sku, shows);
      tooNew.delete(sku);
      const facts = this.#rows.facts(sku);
      if (row.payload === undefined || shows === broken || facts === undefined) return;
      if (isFromTheFuture(row.payload, facts)) tooNew.add(sku);
    });
    await pace.breathe();
    return { isWhole, revision, shown, tooNew, strangers };
  }

  /** SKUs whose row may not be what it should be. */
  async #suspects(bucket: RowBucket, look: Look, order: ViewCheckOrder): Promise<Set<string>> {
    const suspects = new Set(look.tooNew);
    const judge = (sku: string, expected: string | undefined, shows: string | undefined) => {
      // Deleted, and of no SKU that we know: as it should be.
      if (expected === undefined && shows === gone) return;
      if (expected === undefined || shows !== expected) suspects.add(sku);
    };
    const isOwners = this.#ports.ownersOnly?.has(bucket.name) === true;
    const expectedFor = (facts: Parameters<typeof expectedOf>[1]) =>
      isOwners ? undefined : expectedOf(bucket.name, facts);
    for (const [sku, shows] of look.shown) {
      const facts = this.#rows.facts(sku);
      judge(sku, facts && expectedFor(facts), shows);
    }
    if (look.isWhole || order.changedSkus === undefined) {
      for (
        let from = '', piece = this.#rows.after(from, bucket.name, skusPerPiece);
        piece.length > 0;
      ) {
        for (const [facts, stood] of piece) {
          const shows = look.shown.get(facts.sku) ?? (look.isWhole ? undefined : stood);
          // Of what only the owner knows, what was looked at before has not changed since.
          if (look.isWhole || expectedFor(facts) !== undefined) {
            judge(facts.sku, expectedFor(facts), shows);
          }
        }
        await order.pace.breathe();
        from = piece.at(-1)![0].sku;
        piece = this.#rows.after(from, bucket.name, skusPerPiece);
      }
    } else {
      for (const sku of order.changedSkus) {
        const [facts, stood] = this.#rows.one(sku, bucket.name);
        if (facts !== undefined) judge(sku, expectedFor(facts), look.shown.get(sku) ?? stood);
      }
    }
    return suspects;
  }

  /** Asks the owners about what is still suspect, repairs, and remembers what has been looked at. */
  async #settle(
    bucket: RowBucket,
    look: Look,
    suspects: ReadonlySet<string>,
    order: ViewCheckOrder,
  ): Promise<ViewDrift> {
    const counts = { missing: 0, different: 0, stranger: 0, rewritten: 0 };
    const repair = async (key: string, payload: string | undefined, revision: number) => {
      if (!order.repairs) return;
      if ((await bucket.replace(key, payload, revision)) === 'replaced') counts.rewritten += 1;
    };
    await this.#eachSuspect(bucket, suspects, order.pace, async (sku, row, owned) => {
      const problem = problemOf(row, owned);
      if (problem !== undefined) counts[problem] += 1;
      if (problem !== undefined) await repair(skuKeyOf(sku), owned, row?.revision ?? 0);
      look.shown.set(sku, shownBy(bucket.name, sku, owned));
    });
    for (const { key, revision } of look.strangers) {
      counts.stranger += 1;
      await repair(key, undefined, revision);
    }
    if (order.repairs) this.#rows.look(bucket.name, look.shown, look.revision, look.isWhole);
    const { missing, different, stranger: strangers, rewritten } = counts;
    const changed = new Set([...look.shown.keys(), ...(order.changedSkus ?? [])]);
    const checked = look.isWhole ? Math.max(look.shown.size, this.#rows.skuCount()) : changed.size;
    return { bucket: bucket.name, checked, missing, different, strangers, rewritten };
  }

  /** The row as it stands now and as its owner would write it, of every suspect that is left. */
  async #eachSuspect(
    bucket: RowBucket,
    suspects: ReadonlySet<string>,
    pace: Pace,
    each: (sku: string, row: StandingRow | undefined, owned: string | undefined) => Promise<void>,
  ): Promise<void> {
    const byPartition = new Map<number, (readonly [string, StandingRow | undefined])[]>();
    await eachLimited([...suspects], readsInFlight, async (sku) => {
      const row = await bucket.read(skuKeyOf(sku));
      if (this.#isSound(bucket, sku, row)) return;
      const partition = partitionOf(skuKeyOf(sku), this.#partitions);
      byPartition.set(partition, [...(byPartition.get(partition) ?? []), [sku, row]]);
    });
    for (const [partition, ofPartition] of byPartition) {
      for (let at = 0; at < ofPartition.length; at += skusPerQuestion) {
        const piece = ofPartition.slice(at, at + skusPerQuestion);
        const skus = piece.map(([sku]) => sku);
        const owned = await this.#ports.owners.rowsOf(partition, skus);
        for (const [sku, row] of piece) await each(sku, row, owned.get(sku)?.[bucket.name]);
        await pace.breathe();
      }
    }
  }

  /** Whether the row is by now what the journal says; the owner need not be asked. */
  #isSound(bucket: RowBucket, sku: string, row: StandingRow | undefined): boolean {
    const facts = this.#rows.facts(sku);
    if (facts === undefined || row?.payload === undefined) return false;
    if (this.#ports.ownersOnly?.has(bucket.name) === true) return false;
    const shows = shownBy(bucket.name, sku, row.payload);
    return shows === expectedOf(bucket.name, facts) && !isFromTheFuture(row.payload, facts);
  }
}

/** What is wrong with a row, seen from what its owner would write; undefined: nothing. */
function problemOf(
  row: StandingRow | undefined,
  owned: string | undefined,
): 'missing' | 'different' | 'stranger' | undefined {
  const stands = row?.payload;
  if (owned === undefined) return stands === undefined ? undefined : 'stranger';
  if (stands === undefined) return 'missing';
  return isAsOwned(stands, owned) ? undefined : 'different';
}

/**
 * A channel's row is written only when the channel would see a change: what it shows has to be the
 * owner's, its moment may be an older one but not a newer.
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
