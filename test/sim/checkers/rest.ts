/** At rest: every hold whose time has come has expired, and no cart's line is left in between. */

import { livesOf } from '../lives.ts';
import type { RunRecord } from '../run-record.ts';

/** How late an expiry may be once nothing disturbs it. */
const latenessMs = 2_000;

export function checkRest(run: RunRecord): readonly string[] {
  const wrong: string[] = [];
  for (const [sku, life] of livesOf(run).bySku) {
    for (const [name, hold] of life.moments.at(-1)?.stock.holds ?? []) {
      if (hold.state === 'prepared') wrong.push(`${sku}: ${name} is still prepared`);
      const lateMs = run.endedMs - hold.expiresAtMs;
      if (hold.state === 'open' && lateMs > latenessMs) {
        wrong.push(`${sku}: ${name} should have expired ${lateMs.toFixed(0)} ms ago`);
      }
    }
  }
  return wrong.slice(0, 5);
}
