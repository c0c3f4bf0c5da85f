/**
 * Brings the ledger up to the journal: reads all partitions at once from where they were read last,
 * because the server looks at every message for each reader of a part of them. What it finds is
 * complete up to the sequences that the stream's leader named at the beginning.
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
  const from = ledger.readTo + 1;
  const to = Math.max(...lasts.map((last) => last?.seq ?? 0));
  if (from <= to) {
    const writer = new CommitWriter(ledger);
    await journal.readAll({ from, to }, (partition, entry) => writer.add(partition, entry));
    writer.flush(to);
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

/** Brings one partition up to the journal, and no other. */
export async function syncPartition(
  journal: Journal,
  ledger: LedgerStore,
  partition: number,
): Promise<void> {
  const last = await journal.last(partition);
  const from = Math.max(ledger.readTo, ledger.position(partition)) + 1;
  if (last === undefined || from > last.seq) return;
  const writer = new CommitWriter(ledger);
  await journal.read(partition, { from, to: last.seq }, (entry) => writer.add(partition, entry));
  writer.flush();
}

/** Collects what messages move; commits that move nothing change the SKU all the same. */
class CommitWriter {
  readonly #ledger: LedgerStore;
  #read = new Map<number, { commits: CommitEntries[]; seq: number }>();
  #commits = 0;

  constructor(ledger: LedgerStore) {
    this.#ledger = ledger;
  }

  add(partition: number, entry: JournalEntry): void {
    let read = this.#read.get(partition);
    if (read === undefined) {
      read = { commits: [], seq: 0 };
      this.#read.set(partition, read);
    }
    const { atMs, groups } = decodeJournalMessage(entry.payload);
    for (const { sku, firstVersion, events } of groups) {
      const decoded = decodeEvents(sku, firstVersion, atMs, events);
      const after = decoded.at(-1);
      if (after === undefined) continue;
      const movements = decoded.flatMap(movementsOf);
      const setsPolicy = decoded.some((event) => event.type === 'policy.changed');
      read.commits.push({ sku, firstVersion, seq: entry.seq, atMs, movements, after, setsPolicy });
      this.#commits += 1;
    }
    read.seq = entry.seq;
    if (this.#commits >= commitsPerWrite) this.flush();
  }

  /** `readTo`: all partitions have been read up to there. */
  flush(readTo?: number): void {
    const pieces = [...this.#read].map(([partition, read]) => ({ partition, ...read }));
    this.#read = new Map();
    this.#commits = 0;
    this.#ledger.append(pieces, readTo);
  }
}
