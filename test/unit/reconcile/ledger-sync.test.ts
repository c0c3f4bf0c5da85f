// Reading the journal into the ledger: each message once, and everything again when it is another journal.

import { expect, test } from 'vitest';
import { encodeJournalMessage } from '../../../src/contract/journal-message.ts';
import type { Journal, JournalEntry } from '../../../src/ports.ts';
import { syncLedger } from '../../../src/reconcile/ledger-sync.ts';
import { openDatabase } from '../../../src/reconcile/store/database.ts';
import { LedgerStore } from '../../../src/reconcile/store/ledger-store.ts';
import { RowStore } from '../../../src/reconcile/store/row-store.ts';

/** Messages by partition, without events: only their sequences matter here. */
class FakeJournal {
  readonly partitions: JournalEntry[][] = [[], []];
  read = 0;
  epoch = 'one';

  put(partition: number, seq: number): void {
    const expect = this.partitions[partition]!.at(-1)?.seq ?? 0;
    const { epoch } = this;
    const header = { kind: 'commit', expect, atMs: seq, incarnation: 'n1', epoch } as const;
    const payload = encodeJournalMessage(header, []);
    this.partitions[partition]!.push({ seq, payload } as JournalEntry);
  }

  asPort(): Journal {
    return {
      last: async (partition: number) => this.partitions[partition]!.at(-1),
      readAll: async (
        range: { from: number; to: number },
        each: (partition: number, entry: JournalEntry) => void,
      ) => {
        const all = this.partitions.flatMap((entries, partition) =>
          entries.map((entry) => ({ partition, entry })),
        );
        for (const { partition, entry } of all.sort((a, b) => a.entry.seq - b.entry.seq)) {
          if (entry.seq < range.from || entry.seq > range.to) continue;
          this.read += 1;
          each(partition, entry);
        }
      },
    } as unknown as Journal;
  }
}

function opened() {
  const sql = openDatabase(':memory:');
  const ledger = new LedgerStore(sql, new RowStore(sql));
  const journal = new FakeJournal();
  return { ledger, journal, sync: () => syncLedger(journal.asPort(), ledger, 2) };
}

test('each message is read once', async () => {
  const { ledger, journal, sync } = opened();
  expect(await sync()).toBe('further');
  journal.put(0, 1);
  journal.put(1, 2);
  expect(await sync()).toBe('further');
  journal.put(0, 3);
  expect(await sync()).toBe('further');
  expect([ledger.position(0), ledger.position(1), journal.read]).toEqual([3, 2, 3]);
});

test('another epoch is another journal', async () => {
  const { journal, sync } = opened();
  journal.put(0, 1);
  await sync();
  journal.epoch = 'two';
  journal.put(0, 2);
  expect(await sync()).toBe('anew');
  expect(journal.read).toBe(3);
  expect(await sync()).toBe('further');
});

test('a backup that one partition only shows to be one is noticed', async () => {
  const { ledger, journal, sync } = opened();
  journal.put(0, 1);
  journal.put(1, 2);
  journal.put(1, 3);
  await sync();
  // Restored to before the last message; the first partition has gone on since.
  journal.partitions[1]!.pop();
  journal.put(0, 4);
  expect(await sync()).toBe('anew');
  expect([ledger.position(0), ledger.position(1)]).toEqual([4, 2]);
  expect(await sync()).toBe('further');
  journal.partitions[1] = [];
  expect(await sync()).toBe('anew');
});
