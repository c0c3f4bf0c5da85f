/**
 * Starting a partition: the claim, and the replay that ends with it (design, *Recovery*).
 *
 * - Invariant 5: the chain of expectations holds from the checkpoint to our own claim; an empty,
 *   broken or too short journal is refused, with what to do.
 * - Ownership: a claim from another node needs a newer membership than the one that its claim
 *   rests on.
 * - Invariant 13: what is newer than this node knows is refused.
 */

import {
  BrokenMessageError,
  decodeJournalMessage,
  encodeJournalMessage,
  type JournalHeader,
  type JournalMessage,
  NewerSchemaError,
} from '../../contract/journal-message.ts';
import { earliestExpiryOf } from '../../domain/event-codec.ts';
import type { Journal, JournalEntry } from '../../ports.ts';
import type { Alarms } from './alarms.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type Committer, FencedError } from './committer.ts';
import type { Head } from './rounds.ts';
import type { Tail } from './tail.ts';

/** The journal is not what it must be: serving it could sell stock twice. */
export class JournalRefusedError extends Error {
  readonly kind = 'refused';
}

/** Our membership is not newer than that of the present owner's claim: look again first. */
export class ClaimTooEarlyError extends Error {
  readonly kind = 'trouble';
}

export interface ClaimOptions {
  readonly partition: number;
  readonly journal: Journal;
  readonly committer: Committer;
  readonly node: string;
  readonly incarnation: string;
  readonly epoch: string;
  readonly membershipRevision: number;
  readonly nowMs: () => number;
  /** Whether we know that the partition's genesis claim has been recorded. */
  readonly genesisKnown: boolean;
  /** Whether it has been recorded by anybody until now: then the journal cannot be empty. */
  readonly genesisRecorded: () => Promise<boolean>;
  readonly recordGenesis: () => Promise<void>;
}

/** Writes the claim that fences whoever owned the partition. Resolves with its sequence. */
export async function claimPartition(options: ClaimOptions): Promise<number> {
  const { partition, journal, committer } = options;
  let last = await journal.last(partition);
  const recorded = !last && (await options.genesisRecorded());
  // Another node may have written the first message between our two questions.
  if (recorded) last = await journal.last(partition);
  if (recorded && !last) {
    throw new JournalRefusedError(
      `partition ${partition}: its journal is empty, but it has been written before. Restore the journal stream from a backup; to start over, delete every stream and bucket of lastunit`,
    );
  }
  const before = last ? decode(partition, last) : undefined;
  mayClaim(options, before);
  const header: JournalHeader = {
    kind: last ? 'claim' : 'genesis',
    expect: last?.seq ?? 0,
    atMs: Math.max(before?.atMs ?? 0, options.nowMs()),
    incarnation: options.incarnation,
    epoch: options.epoch,
    claim: { revision: options.membershipRevision, node: options.node },
    ...(before?.factsTo === undefined ? {} : { factsTo: before.factsTo }),
  };
  const seq = await committer.append(header.expect, encodeJournalMessage(header));
  if (!last || !options.genesisKnown) await options.recordGenesis();
  return seq;
}

/** Two nodes that see different memberships must not take a partition from each other in turns. */
function mayClaim(options: ClaimOptions, before: JournalMessage | undefined): void {
  const held = before?.claim;
  if (!held || held.node === options.node) return;
  if (options.membershipRevision > held.revision) return;
  throw new ClaimTooEarlyError(
    `partition ${options.partition}: ${held.node} claimed it knowing membership ${held.revision}, we know ${options.membershipRevision}`,
  );
}

export interface Replayed {
  readonly head: Head;
  /** Journal messages read. */
  readonly entries: number;
  /** Refused facts that have to be among the dead letters, whoever decided them. */
  readonly dead: readonly { seq: number; code: string; message: string }[];
}

export interface ReplayOptions {
  readonly partition: number;
  readonly journal: Journal;
  readonly checkpoint: Checkpoint | undefined;
  readonly claimSeq: number;
  readonly epoch: string;
  readonly tail: Tail;
  readonly alarms: Alarms;
  /** Cart entries in order; their home folds them. */
  readonly onCartEntry: (entry: readonly unknown[], atMs: number) => void;
}

/** Reads the journal after the checkpoint up to our own claim. */
export async function replay(options: ReplayOptions): Promise<Replayed> {
  const { partition, checkpoint, claimSeq, tail, alarms } = options;
  if (checkpoint && checkpoint.seq > claimSeq) {
    // We may have been slow: then it is a later owner's checkpoint.
    const last = await options.journal.last(partition);
    if (last && last.seq >= checkpoint.seq) {
      throw new FencedError(`partition ${partition}: another node has claimed it since`);
    }
    throw new JournalRefusedError(
      `partition ${partition}: the checkpoint covers sequence ${checkpoint.seq}, the journal ends at ${claimSeq}. The journal has lost messages: restore it from a backup`,
    );
  }
  const head: Head = {
    seq: checkpoint?.seq ?? 0,
    atMs: checkpoint?.atMs ?? 0,
    factsTo: checkpoint?.factsTo ?? 0,
  };
  let entries = 0;
  const dead: { seq: number; code: string; message: string }[] = [];
  for (const [sku, atMs] of checkpoint?.alarms ?? []) alarms.set(sku, atMs);
  await options.journal.read(partition, { from: head.seq + 1, to: claimSeq }, (entry) => {
    entries += 1;
    const message = decode(partition, entry);
    if (message.expect !== head.seq) {
      throw new JournalRefusedError(
        `partition ${partition}: the message at sequence ${entry.seq} follows ${message.expect}, the one read before it is ${head.seq}. Messages are missing: restore the journal from a backup`,
      );
    }
    if (message.epoch !== options.epoch) {
      throw new JournalRefusedError(
        `partition ${partition}: the message at sequence ${entry.seq} is of journal epoch ${message.epoch}, not ${options.epoch}. Streams of different deployments are mixed`,
      );
    }
    for (const group of message.groups) {
      tail.add(group.sku, {
        seq: entry.seq,
        afterSeq: message.expect,
        atMs: message.atMs,
        firstVersion: group.firstVersion,
        tuples: group.events,
      });
      const earliest = earliestExpiryOf(group.events);
      if (earliest !== undefined) alarms.atLatest(group.sku, earliest);
    }
    for (const cart of message.carts) options.onCartEntry(cart, message.atMs);
    if (message.dead) dead.push(...message.dead);
    head.seq = entry.seq;
    head.atMs = Math.max(head.atMs, message.atMs);
    head.factsTo = message.factsTo ?? head.factsTo;
  });
  if (head.seq !== claimSeq) {
    throw new Error(
      `partition ${partition}: replay ended at ${head.seq}, our claim is ${claimSeq}`,
    );
  }
  return { head, dead, entries };
}

function decode(partition: number, entry: JournalEntry): JournalMessage {
  try {
    return decodeJournalMessage(entry.payload);
  } catch (error) {
    if (error instanceof NewerSchemaError || error instanceof BrokenMessageError) {
      throw new JournalRefusedError(
        `partition ${partition}, sequence ${entry.seq}: ${error.message}`,
        { cause: error },
      );
    }
    throw error;
  }
}
