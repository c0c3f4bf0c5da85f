/**
 * The read models against their owners: a row that is lost, stale or different without reason is
 * written again and counted. That finds a lost update, a dead writer, and somebody's hand.
 *
 * 1. What a row should show follows from the journal's totals, or is asked of the partition's owner.
 *    Only the owner says what is written: nobody else computes a row.
 * 2. Rows follow commits after a moment. A row is wrong if its owner would write another one although
 *    the SKU has not moved for `settleMs`, or if it has stood through two such times while it should
 *    have been written again.
 * 3. A repair replaces exactly the row that was judged: what the owner writes meanwhile stays.
 */

import { partitionOf, skuOf } from '../domain/names.ts';
import type { Clock, OwnerRows, RowBucket } from '../ports.ts';
import { eachLimited } from './correcting.ts';
import type { Pace } from './pace.ts';
import type { ViewDrift } from './report.ts';
import { RowLook, readOn, type Suspect } from './row-look.ts';
import { problemOf } from './row-problem.ts';
import type { RowStore } from './store/row-store.ts';

export interface ViewCheckPorts {
  readonly clock: Clock;
  readonly buckets: readonly RowBucket[];
  readonly owners: OwnerRows;
  /** Buckets of which only the owner knows what they should show: their channel has a sourcing order. */
  readonly ownersOnly?: ReadonlySet<string>;
}

export interface ViewCheckOrder {
  /** Whether differences are repaired, or only counted. */
  readonly repairs: boolean;
  /** Reads what the journal says now. */
  readonly sync: () => Promise<void>;
  readonly pace: Pace;
  /** A look that was taken before: what it found suspect has had that long to be written again. */
  readonly look?: FirstLook | undefined;
}

/** What was suspect when all rows were looked at for the first time. */
export interface FirstLook {
  readonly looks: readonly RowLook[];
  readonly suspects: readonly Suspect[];
  readonly endedMs: number;
}

const settleMs = 2_000;
/** What is still undecided after so many looks behind the first is left to the next check. */
const looksMax = 3;
const skusPerQuestion = 50;
const questionsInFlight = 4;

type Counts = { -readonly [K in keyof ViewDrift]: ViewDrift[K] };

export class ViewCheck {
  readonly #ports: ViewCheckPorts;
  readonly #rows: RowStore;
  readonly #partitions: number;

  constructor(ports: ViewCheckPorts, rows: RowStore, partitions: number) {
    this.#ports = ports;
    this.#rows = rows;
    this.#partitions = partitions;
  }

  /** Looks at all rows, as the journal was read last. Rejects with a `PortError`. */
  async look(pace: Pace): Promise<FirstLook> {
    const { clock, buckets, ownersOnly = new Set() } = this.#ports;
    const looks = buckets.map((bucket) => new RowLook(bucket, this.#rows, ownersOnly));
    await readOn(looks, this.#rows);
    const suspects: Suspect[] = [];
    for (const look of looks) for (const one of await look.suspects(pace)) suspects.push(one);
    return { looks, suspects, endedMs: clock.now() };
  }

  /** One drift per bucket. Rejects with a `PortError`. */
  async check(order: ViewCheckOrder): Promise<ViewDrift[]> {
    const { clock } = this.#ports;
    const { looks, endedMs, ...first } = order.look ?? (await this.look(order.pace));
    const counts = new Map(looks.map((look) => [look, noDrift(look)]));
    let { suspects } = first;
    let settledMs = endedMs + settleMs;
    for (let times = 0; times < looksMax && suspects.length > 0; times += 1) {
      const waitMs = settledMs - clock.now();
      if (waitMs > 0) await new Promise<void>((resolve) => clock.after(waitMs, resolve));
      await order.sync();
      await readOn([...new Set(suspects.map(({ look }) => look))], this.#rows);
      const left = suspects.filter((one) => one.look.isStill(one));
      suspects = await this.#decide(left, counts, order);
      settledMs = clock.now() + settleMs;
    }
    for (const drift of counts.values()) drift.checked = this.#rows.skuCount();
    return [...counts.values()];
  }

  /** Asks the owners, repairs what is wrong, and answers what is not decided yet. */
  async #decide(
    suspects: readonly Suspect[],
    counts: ReadonlyMap<RowLook, Counts>,
    { repairs, pace }: ViewCheckOrder,
  ): Promise<Suspect[]> {
    const undecided: Suspect[] = [];
    await this.#ask(suspects, pace, async (suspect, owned, ownedSeq) => {
      const { look, key, revision, seq, hasStood } = suspect;
      const row = await look.bucket.read(key);
      // Written again meanwhile: it follows its owner.
      if ((row?.revision ?? 0) !== revision) return;
      const problem = problemOf(row?.payload, owned);
      if (problem === undefined) return this.#rows.confirm(look.bucket.name, key, revision);
      if (ownedSeq !== seq && !hasStood) {
        undecided.push({ ...suspect, seq: ownedSeq, hasStood: true });
        return;
      }
      const drift = counts.get(look)!;
      drift[problem === 'stranger' ? 'strangers' : problem] += 1;
      if (!repairs) return;
      const replaced = await look.bucket.replace(key, owned, revision);
      if (replaced === 'replaced') drift.rewritten += 1;
    });
    return undecided;
  }

  /** What the owner would write for each suspect, and the SKU's journal sequence behind that (0: no SKU). */
  async #ask(
    suspects: readonly Suspect[],
    pace: Pace,
    each: (suspect: Suspect, owned: string | undefined, ownedSeq: number) => Promise<void>,
  ): Promise<void> {
    const ofSkus = new Map<string, Suspect[]>();
    for (const suspect of suspects) {
      const sku = skuOf(suspect.key);
      if (sku === undefined) await each(suspect, undefined, 0);
      else ofSkus.set(sku, [...(ofSkus.get(sku) ?? []), suspect]);
    }
    await eachLimited(this.#questions(ofSkus), questionsInFlight, async ([partition, skus]) => {
      const owned = await this.#ports.owners.rowsOf(partition, skus);
      const answered = skus.map(async (sku) => {
        const rows = owned.get(sku);
        const ownedSeq = rows === undefined ? 0 : seqOf(rows);
        for (const suspect of ofSkus.get(sku)!) {
          await each(suspect, rows?.[suspect.look.bucket.name], ownedSeq);
        }
      });
      await Promise.all(answered);
      await pace.breathe();
    });
  }

  #questions(ofSkus: ReadonlyMap<string, unknown>): (readonly [number, readonly string[]])[] {
    const byPartition = new Map<number, string[]>();
    for (const [sku, [suspect]] of ofSkus as ReadonlyMap<string, readonly Suspect[]>) {
      const partition = partitionOf(suspect!.key, this.#partitions);
      const skus = byPartition.get(partition);
      if (skus === undefined) byPartition.set(partition, [sku]);
      else skus.push(sku);
    }
    return [...byPartition].flatMap(([partition, skus]) =>
      Array.from(
        { length: Math.ceil(skus.length / skusPerQuestion) },
        (_, i) => [partition, skus.slice(i * skusPerQuestion, (i + 1) * skusPerQuestion)] as const,
      ),
    );
  }
}

function noDrift({ bucket }: RowLook): Counts {
  return {
    ...{ bucket: bucket.name, checked: 0 },
    ...{ missing: 0, different: 0, strangers: 0, rewritten: 0 },
  };
}

/** The newest commit behind a SKU's rows: that of `inv_stock` is its last. */
function seqOf(rows: Readonly<Record<string, string>>): number {
  const seqs = Object.values(rows).map((row) => Number((JSON.parse(row) as RowMoment).asOfSeq));
  return Math.max(...seqs);
}

interface RowMoment {
  readonly asOfSeq: number;
}
