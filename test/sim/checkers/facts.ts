/**
 * Facts (invariant 9): every fact that was promised is applied exactly once or lies among the dead
 * letters once, those of one SKU are applied in the order of the stream, and each commit names the
 * position that what it did belongs to.
 */

import type { JournalView } from '../journal-view.ts';
import { livesOf } from '../lives.ts';
import type { RunRecord } from '../run-record.ts';

export function checkFacts(run: RunRecord): readonly string[] {
  const wrong: string[] = [];
  const { bySku, journal } = livesOf(run);
  const positions = positionsOf(journal);
  const dead = new Set(run.world.facts.dead.map(({ fact }) => fact.seq));
  const lastSeq = new Map<string, number>();
  const bySeq = run.facts
    .filter((fact) => fact.seq !== undefined)
    .sort((a, b) => (a.seq as number) - (b.seq as number));
  for (const { seq = 0, sku, source, payload } of bySeq) {
    const events = (bySku.get(sku)?.moments ?? []).filter(
      ({ event }) => event?.channel === source && event.command === payload.id,
    );
    const name = `fact ${seq} ${source} ${JSON.stringify(payload)}`;
    if (events.length > 1) wrong.push(`${name}: applied ${events.length} times`);
    if (events.length === 0 && !dead.has(seq)) wrong.push(`${name}: neither applied nor buried`);
    if (events.length > 0 && dead.has(seq)) wrong.push(`${name}: applied and buried`);
    const version = events[0]?.version;
    if (version === undefined) continue;
    if (version < (lastSeq.get(sku) ?? 0)) wrong.push(`${name}: applied before an earlier one`);
    lastSeq.set(sku, version);
    const position = positions.get(`${sku} ${version}`) ?? { before: 0, after: 0 };
    if (position.before >= seq || position.after < seq) {
      const { before, after } = position;
      wrong.push(`${name}: applied by a commit that moves the position from ${before} to ${after}`);
    }
  }
  return wrong;
}

interface Position {
  readonly before: number;
  readonly after: number;
}

/** For each SKU and version, where the commit behind it moved its partition's position. */
function positionsOf({ messages }: JournalView): ReadonlyMap<string, Position> {
  const positions = new Map<string, Position>();
  const reached = new Map<number, number>();
  for (const { partition, message } of messages) {
    const before = reached.get(partition) ?? 0;
    const after = message.factsTo ?? before;
    reached.set(partition, after);
    for (const { sku, firstVersion, events } of message.groups) {
      events.forEach((_, at) => {
        positions.set(`${sku} ${firstVersion + at}`, { before, after });
      });
    }
  }
  return positions;
}
