/**
 * Brings the ledger up to the journal: reads every partition from where it was read last. What it
 * finds is complete up to the sequence that the stream's leader named at the beginning.
 */

import { decodeJournalMessage } from '../contract/journal-message.ts';
import { decodeEvents } from '../domain/event-codec.ts';
import { movementsOf } from '../domain/reconciliation/movements.ts';
import type { Journal, JournalEntry } from '../ports.ts';
import type { CommitEntries, LedgerStore } from './store/ledger-store.ts';

type Last = JournalEntry | undefined;

/** Commits that are written to the store in one transaction. */
const commitsPerWrite = 2_000;

/**
 * Resolves when all of the partitions have been read: `anew` if it is another journal than before.
 * Rejects with a `PortError`.
 */
export async function syncLedger(
  journal: Journal,
  ledger: LedgerStore,
  partitions: number,
): Promise<'further' | 'anew'> {
  const lasts = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => journal.last(partition)),
  );
  const isAnew = isOtherJournal(lasts, ledger);
  for (const [partition, last] of lasts.entries()) {
    await readUpTo(journal, ledger, partition, last);
  }
  return isAnew ? 'anew' : 'further';
}

/** A restored backup has another epoch, or ends before what we have read (invariant 13). */
function isOtherJournal(lasts: readonly Last[], ledger: LedgerStore): boolean {
  const first = lasts.find((last) => last !== undefined);
  if (first === undefined) return false;
  if (ledger.belongTo(decodeJournalMessage(first.payload).epoch)) return true;
  const endsBefore = (last: Last, partition: number) =>
    (last?.seq ?? 0) < ledger.position(partition);
  if (!lasts.some(endsBefore)) return false;
  ledger.forget();
  ledger.belongTo(decodeJournalMessage(first.payload).epoch);
  return true;
}

export async function syncPartition(
  journal: Journal,
  ledger: LedgerStore,
  partition: number,
): Promise<void> {
  await readUpTo(journal, ledger, partition, await journal.last(partition));
}

async function readUpTo(
  journal: Journal,
  ledger: LedgerStore,
  partition: number,
  last: Last,
): Promise<void> {
  if (last === undefined) return;
  const from = ledger.position(partition) + 1;
  if (from > last.seq) return;
  const writer = new CommitWriter(ledger, partition);
  await journal.read(partition, { from, to: last.seq }, (entry) => writer.add(entry));
  writer.flush();
}

/** Collects what a partition's messages move; commits that move nothing change the SKU all the same. */
class CommitWriter {
  readonly #ledger: LedgerStore;
  readonly #partition: number;
  #commits: CommitEntries[] = [];
  #seq = 0;

  constructor(ledger: LedgerStore, partition: number) {
    this.#ledger = ledger;
    this.#partition = partition;
  }

  add(entry: JournalEntry): void {
    const { atMs, groups } = decodeJournalMessage(entry.payload);
    for (const { sku, firstVersion, events } of groups) {
      const decoded = decodeEvents(sku, firstVersion, atMs, events);
      const after = decoded.at(-1);
      if (after === undefined) continue;
      const movements = decoded.flatMap(movementsOf);
      const setsPolicy = decoded.some((event) => event.type === 'policy.changed');
      this.#commits.push({ sku, firstVersion, seq: entry.seq, atMs, movements, after, setsPolicy });
    }
    this.#seq = entry.seq;
    if (this.#commits.length >= commitsPerWrite) this.flush();
  }

  flush(): void {
    if (this.#seq === 0) return;
    this.#ledger.append(this.#partition, this.#commits, this.#seq);
    this.#commits = [];
  }
}
