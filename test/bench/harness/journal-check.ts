// Reads the whole journal after a run and compares it with what the callers were told: every acknowledged command
// once, no refused one, no unit sold twice, the chain of sequences unbroken.

import { decodeJournalMessage } from '../../../src/contract/journal-message.ts';
import type { Names } from '../../../src/contract/subjects.ts';
import type { JetStreamApi } from '../../../src/nats/jetstream-api.ts';
import { readAll } from '../../../src/nats/read-all.ts';
import type { Receipts } from './receipts.ts';

export interface JournalCheck {
  readonly events: number;
  readonly commits: number;
  readonly bytes: number;
  /** Units beyond what was there, over all SKUs. */
  readonly oversold: number;
  /** Acknowledged commands that are not in the journal. */
  readonly missing: number;
  /** Commands that took effect twice. */
  readonly doubled: number;
  /** Refused commands that took effect. */
  readonly refusedButThere: number;
  readonly brokenLinks: number;
}

const decoder = new TextDecoder();

export async function checkJournal(
  api: JetStreamApi,
  names: Names,
  allReceipts: readonly Receipts[],
): Promise<JournalCheck> {
  const seen = new Map(allReceipts.map(({ load, last }) => [load, new Uint8Array(last + 1)]));
  const heads = new Map<string, number>();
  const shortBySku = new Map<string, number>();
  let events = 0;
  let commits = 0;
  let bytes = 0;
  let brokenLinks = 0;

  const stream = names.streams.journal;
  await readAll(api, { stream, subjects: [names.subjects.allJournals] }, (message) => {
    const { expect, groups } = decodeJournalMessage(decoder.decode(message.payload));
    if (expect !== (heads.get(message.subject) ?? 0)) brokenLinks += 1;
    heads.set(message.subject, message.seq);
    commits += 1;
    bytes += message.payload.length;
    for (const { sku, events: tuples } of groups) {
      events += tuples.length;
      // Several events of one command follow one another.
      let previous: unknown;
      for (const tuple of tuples) {
        const command = tuple[2];
        const short = (tuple[4] as number) - (tuple[3] as number);
        if (short > (shortBySku.get(sku) ?? 0)) shortBySku.set(sku, short);
        if (command !== previous && typeof command === 'string') count(seen, command);
        previous = command;
      }
    }
  });
  let oversold = 0;
  for (const short of shortBySku.values()) oversold += short;
  return { events, commits, bytes, oversold, brokenLinks, ...compare(seen, allReceipts) };
}

function count(seen: ReadonlyMap<string, Uint8Array>, command: string): void {
  const dot = command.lastIndexOf('.');
  const counts = seen.get(command.slice(0, dot));
  if (counts === undefined) return;
  const number = Number(command.slice(dot + 1));
  if (number < counts.length && counts[number]! < 255) counts[number]! += 1;
}

function compare(seen: ReadonlyMap<string, Uint8Array>, allReceipts: readonly Receipts[]) {
  let missing = 0;
  let doubled = 0;
  let refusedButThere = 0;
  for (const { load, last, refused, unknown } of allReceipts) {
    const counts = seen.get(load)!;
    const exempt = new Set([...refused, ...unknown]);
    for (let number = 1; number <= last; number++) {
      if (counts[number] === 0 && !exempt.has(number)) missing += 1;
      if (counts[number]! > 1) doubled += 1;
    }
    for (const number of refused) if (counts[number]! > 0) refusedButThere += 1;
  }
  return { missing, doubled, refusedButThere };
}

/** What is wrong, in words; empty: nothing. */
export function faultsOf(check: JournalCheck): string[] {
  const faults: string[] = [];
  if (check.oversold > 0) faults.push(`${check.oversold} units oversold`);
  if (check.missing > 0) faults.push(`${check.missing} acknowledged commands not in the journal`);
  if (check.doubled > 0) faults.push(`${check.doubled} commands in the journal twice`);
  if (check.refusedButThere > 0) faults.push(`${check.refusedButThere} refusals in the journal`);
  if (check.brokenLinks > 0) faults.push(`${check.brokenLinks} broken links in the journal`);
  return faults;
}
