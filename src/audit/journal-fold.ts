/**
 * Folds whole partitions of the journal and checks what holds them together.
 *
 * 1. The chain: a message's expectation is the sequence of the one before it; the first is the genesis (invariant 5).
 * 2. Time, facts' positions and epoch never go back within a partition (invariants 9, 11, 13).
 * 3. A SKU lies in the partition that its name says.
 * 4. `watch` hears every SKU at every version on the way, so that something newer than the fold can be compared later.
 */

import { BrokenMessageError, decodeJournalMessage } from '../contract/journal-message.ts';
import type { JournalEntry } from '../ports.ts';
import type { Findings } from './report.ts';
import { type FoldWindows, SkuFold } from './sku-fold.ts';
import { readTuple } from './tuples.ts';

export interface JournalFoldOptions {
  readonly partitions: number;
  /** Of `meta`; undefined: not known. */
  readonly epoch: string | undefined;
  readonly windows: FoldWindows;
  readonly findings: Findings;
}

interface PartitionFold {
  seq: number;
  atMs: number;
  factsTo: number;
}

export class JournalFold {
  readonly skus = new Map<string, SkuFold>();
  messages = 0;
  events = 0;
  /** Called after every event. */
  watch: ((fold: SkuFold) => void) | undefined;
  readonly #options: JournalFoldOptions;
  readonly #partitions = new Map<number, PartitionFold>();

  constructor(options: JournalFoldOptions) {
    this.#options = options;
  }

  /** Sequence of the partition's last message that has been folded; 0: none. */
  foldedTo(partition: number): number {
    return this.#partitions.get(partition)?.seq ?? 0;
  }

  /** Folds one message of a partition, in order. */
  add(partition: number, entry: JournalEntry): void {
    const { findings, epoch } = this.#options;
    const say = (what: string, sku?: string) =>
      findings.add({
        kind: 'journal',
        where: `partition ${partition}, sequence ${entry.seq}`,
        what,
        ...(sku === undefined ? {} : { sku }),
      });
    const before = this.#partitions.get(partition) ?? { seq: 0, atMs: 0, factsTo: 0 };
    this.#partitions.set(partition, before);
    this.messages += 1;
    const message = readMessage(entry.payload, say);
    const previous = before.seq;
    before.seq = entry.seq;
    if (message === undefined) return;
    if (message.expect !== previous) {
      say(`was appended after ${message.expect}, but follows ${previous}`);
    }
    if (previous === 0 && message.kind !== 'genesis') say(`the first message is a ${message.kind}`);
    if (previous !== 0 && message.kind === 'genesis') say('a second genesis');
    if (epoch !== undefined && message.epoch !== epoch) say(`is of epoch ${message.epoch}`);
    if (message.atMs < before.atMs) say(`goes back in time by ${before.atMs - message.atMs} ms`);
    before.atMs = Math.max(before.atMs, message.atMs);
    if (message.factsTo !== undefined) {
      if (message.factsTo < before.factsTo) say(`facts go back to ${message.factsTo}`);
      before.factsTo = message.factsTo;
    }
    for (const { sku, firstVersion, events } of message.groups) {
      if (partitionOfSku(sku, this.#options.partitions) !== partition) {
        say('belongs to another partition', sku);
      }
      const fold = this.#fold(sku);
      events.forEach((tuple, index) => {
        const event = readTuple(tuple, firstVersion + index, message.atMs);
        if (event === undefined) {
          say(`unknown event code ${String(tuple[0])}`, sku);
          return;
        }
        this.events += 1;
        fold.apply(event, (problem) => say(problem, sku));
        this.watch?.(fold);
      });
    }
  }

  #fold(sku: string): SkuFold {
    let fold = this.skus.get(sku);
    if (fold === undefined) {
      fold = new SkuFold(sku, this.#options.windows);
      this.skus.set(sku, fold);
    }
    return fold;
  }
}

function readMessage(payload: string, say: (what: string) => void) {
  try {
    return decodeJournalMessage(payload);
  } catch (error) {
    // Written by a newer version, or damaged: told, and the fold of its SKUs will say more.
    say(error instanceof BrokenMessageError ? error.message : String(error));
    return undefined;
  }
}

const encoder = new TextEncoder();

/** The contract's sentence: FNV-1a 32 over the bytes of the skuKey, modulo the number of partitions. */
export function partitionOfSku(sku: string, partitions: number): number {
  let hash = 2_166_136_261;
  const add = (char: number) => {
    hash = Math.imul(hash ^ char, 16_777_619) >>> 0;
  };
  for (const byte of encoder.encode(sku)) {
    const plain = /[A-Za-z0-9_-]/.test(String.fromCharCode(byte)) && byte < 128;
    const key = plain
      ? String.fromCharCode(byte)
      : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    for (let at = 0; at < key.length; at += 1) add(key.charCodeAt(at));
  }
  return hash % partitions;
}
