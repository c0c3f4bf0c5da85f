/**
 * Brings the ledger up to the journal: reads every partition from where it was read last. What it
 * finds is complete up to the sequence that the stream's leader named at the beginning.
 */

import { decodeJournalMessage } from '../contract/journal-message.ts';
import { decodeEvents } from '../domain/event-codec.ts';
import { movementsOf } from '../domain/reconciliation/movements.ts';
import type { Journal, JournalEntry } from '../ports.ts';
import type { CommitEntries, LedgerStore } from './store/ledger-store.ts';

/** Commits that are written to the store in one transaction. */
const commitsPerWrite = 250;

/** Resolves when all of the partitions have been read. Rejects with a `PortError`. */
export async function syncLedger(
  journal: Journal,
  ledger: LedgerStore,
  partitions: number,
): Promise<void> {
  for (let partition = 0; partition < partitions; partition += 1) {
    await syncPartition(journal, ledger, partition);
  }
}

export async function syncPartition(
  journal: Journal,
  ledger: LedgerStore,
  partition: number,
): Promise<void> {
  const last = await journal.last(partition);
  if (last === undefined) return;
  ledger.belongTo(decodeJournalMessage(last.payload).epoch);
  const from = ledger.position(partition) + 1;
  if (from > last.seq) return;
  const writer = new CommitWriter(ledger, partition);
  await journal.read(partition, { from, to: last.seq }, (entry) => writer.add(entry));
  writer.flush();
}

/** Collects the movements of a partition's messages. */
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
      const movements = decodeEvents(sku, firstVersion, atMs, events).flatMap(movementsOf);
      if (movements.length === 0) continue;
      this.#commits.push({ sku, firstVersion, seq: entry.seq, atMs, movements });
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
