/**
 * The journal itself: the chain of expectations, message ids, claims and time (invariants 1, 4, 5,
 * 11 and the rule that a node claims from another only on a newer membership).
 */

import { readJournal, type SeenMessage } from '../journal-view.ts';
import type { RunRecord } from '../run-record.ts';

export function checkChain(run: RunRecord): readonly string[] {
  const wrong: string[] = [];
  const { messages } = readJournal(run.world);
  const ids = new Set<string>();
  for (const { messageId, seq } of messages) {
    if (ids.has(messageId)) wrong.push(`message id ${messageId} was used twice, again at ${seq}`);
    ids.add(messageId);
  }
  for (let partition = 0; partition < run.world.options.partitions; partition++) {
    wrong.push(
      ...checkPartition(
        messages.filter((seen) => seen.partition === partition),
        run,
      ),
    );
  }
  return wrong;
}

function checkPartition(messages: readonly SeenMessage[], run: RunRecord): string[] {
  const wrong: string[] = [];
  let before: SeenMessage | undefined;
  let owner: SeenMessage | undefined;
  for (const seen of messages) {
    const { message, seq, partition } = seen;
    const where = `partition ${partition}, ${seq}`;
    if (message.expect !== (before?.seq ?? 0)) {
      wrong.push(`${where}: follows ${message.expect}, the message before it is ${before?.seq}`);
    }
    if (before && message.atMs < before.message.atMs) {
      wrong.push(`${where}: time runs backwards from ${before.message.atMs} to ${message.atMs}`);
    }
    const tooEarlyMs = message.atMs - seen.storedMs;
    if (tooEarlyMs > (run.plan.limits.clockOffsetMaxMs ?? 2_000) + 250) {
      wrong.push(`${where}: decided ${tooEarlyMs} ms in the future`);
    }
    if ((message.factsTo ?? 0) < (before?.message.factsTo ?? 0)) {
      wrong.push(`${where}: the position in the facts goes back`);
    }
    if (message.kind === 'commit') {
      if (owner?.message.incarnation !== message.incarnation) {
        wrong.push(`${where}: a commit of ${message.incarnation}, which has not claimed`);
      }
    } else {
      if ((message.kind === 'genesis') !== (before === undefined)) {
        wrong.push(`${where}: a ${message.kind} that is ${before ? 'not ' : ''}the first message`);
      }
      wrong.push(...checkClaim(where, seen, owner));
      owner = seen;
    }
    before = seen;
  }
  return wrong;
}

function checkClaim(where: string, seen: SeenMessage, owner: SeenMessage | undefined): string[] {
  const held = owner?.message.claim;
  const claim = seen.message.claim;
  if (!claim) return [`${where}: a claim that names nobody`];
  if (!held || held.node === claim.node || claim.revision > held.revision) return [];
  return [`${where}: ${claim.node} claims from ${held.node} on membership ${claim.revision}`];
}
