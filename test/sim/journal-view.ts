/**
 * The journal as checkers read it: every message decoded, every SKU's commits in order, each with
 * the exact moment at which it was stored.
 */

import { decodeJournalMessage, type JournalMessage } from '../../src/contract/journal-message.ts';
import type { CartEntry } from '../../src/domain/carts.ts';
import { decodeEvents } from '../../src/domain/event-codec.ts';
import type { SkuEvent } from '../../src/domain/events.ts';
import type { World } from './twins/world.ts';

export interface SeenMessage {
  readonly partition: number;
  readonly seq: number;
  readonly storedMs: number;
  readonly messageId: string;
  readonly message: JournalMessage;
}

/** What one commit did to one SKU. */
export interface SkuCommit {
  readonly sku: string;
  readonly seq: number;
  readonly storedMs: number;
  readonly atMs: number;
  readonly events: readonly SkuEvent[];
}

export interface SeenCartEntry {
  readonly entry: CartEntry;
  readonly seq: number;
  readonly storedMs: number;
}

export interface JournalView {
  readonly messages: readonly SeenMessage[];
  readonly skus: ReadonlyMap<string, readonly SkuCommit[]>;
  readonly carts: readonly SeenCartEntry[];
}

export function readJournal(world: World): JournalView {
  const messages: SeenMessage[] = [];
  const skus = new Map<string, SkuCommit[]>();
  const carts: SeenCartEntry[] = [];
  for (let partition = 0; partition < world.options.partitions; partition++) {
    for (const { seq, messageId, payload } of world.journal.entries(partition)) {
      const storedMs = world.journal.storedAt.get(seq) ?? 0;
      const message = decodeJournalMessage(payload);
      messages.push({ partition, seq, storedMs, messageId, message });
      for (const { sku, firstVersion, events } of message.groups) {
        const commits = skus.get(sku) ?? [];
        const { atMs } = message;
        commits.push({
          sku,
          seq,
          storedMs,
          atMs,
          events: decodeEvents(sku, firstVersion, atMs, events),
        });
        skus.set(sku, commits);
      }
      for (const tuple of message.carts) {
        carts.push({ entry: tuple[0] as CartEntry, seq, storedMs });
      }
    }
  }
  carts.sort((a, b) => a.seq - b.seq);
  return { messages, skus, carts };
}
