/**
 * What the ERP has to post: every movement of stock since some moment, from the journal, in order per
 * SKU. One row per location, signed, with the document that the ERP should know it by and should name
 * when it acknowledges it.
 */

import { decodeJournalMessage } from '../contract/journal-message.ts';
import { decodeEvents } from '../domain/event-codec.ts';
import { movementsOf } from '../domain/reconciliation/movements.ts';
import type { Journal } from '../ports.ts';

export interface ExportedMovement {
  /** Unique and rising within a partition: `<partition>-<journal sequence>-<number>`. */
  readonly id: string;
  readonly sku: string;
  readonly location: string;
  readonly delta: number;
  readonly occurredAtMs: number;
  readonly recordedAtMs: number;
  /** The channel it came by: the ERP's lane. */
  readonly lane: string;
  readonly document: string;
  readonly type: string;
}

export interface ExportRange {
  readonly partitions: number;
  /** Recorded at or after this time. */
  readonly sinceMs: number;
}

/**
 * Hands over every movement that was recorded since; answers how many. Our own corrections are left
 * out: they came from the ERP. Rejects with a `PortError`.
 */
export async function exportMovements(
  journal: Journal,
  { partitions, sinceMs }: ExportRange,
  each: (movement: ExportedMovement) => void,
): Promise<number> {
  let count = 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    const last = await journal.last(partition);
    if (last === undefined) continue;
    await journal.read(partition, { from: 1, to: last.seq }, ({ seq, payload }) => {
      const { atMs, groups } = decodeJournalMessage(payload);
      if (atMs < sinceMs) return;
      let number = 0;
      for (const { sku, firstVersion, events } of groups) {
        for (const event of decodeEvents(sku, firstVersion, atMs, events)) {
          for (const { channel, evidence, ...movement } of movementsOf(event)) {
            number += 1;
            if (evidence !== undefined) continue;
            count += 1;
            const id = `${partition}-${seq}-${number}`;
            each({ id, sku, ...movement, recordedAtMs: atMs, lane: channel, type: event.type });
          }
        }
      }
    });
  }
  return count;
}

/** Headings of the CSV, in order. */
export const exportColumns = [
  ...(['id', 'sku', 'location', 'delta', 'occurredAtMs', 'recordedAtMs'] as const),
  ...(['lane', 'document', 'type'] as const),
] as const satisfies readonly (keyof ExportedMovement)[];

/** One row of the CSV (RFC 4180). */
export function csvRow(movement: ExportedMovement): string {
  return exportColumns.map((column) => csvField(movement[column])).join(',');
}

function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
