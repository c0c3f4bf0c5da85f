/**
 * Facts (invariant 9): every fact that was promised is applied exactly once or lies among the dead
 * letters once, and those of one SKU are applied in the order of the stream.
 */

import { livesOf } from '../lives.ts';
import type { RunRecord } from '../run-record.ts';

export function checkFacts(run: RunRecord): readonly string[] {
  const wrong: string[] = [];
  const { bySku } = livesOf(run);
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
  }
  return wrong;
}
