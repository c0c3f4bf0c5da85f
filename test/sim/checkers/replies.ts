/** A refusal is a reply, never a time-out: once faults are over, every request is answered soon. */

import type { RunRecord } from '../run-record.ts';

/** What was broken may take this long to be noticed. */
const settleMs = 20_000;
const patienceMs = 8_000;

export function checkReplies(run: RunRecord): readonly string[] {
  const wrong: string[] = [];
  for (const { channel, verb, payload, attempts } of run.intents) {
    for (const { sentMs, answeredMs, failure } of attempts) {
      if (sentMs < run.healedMs + settleMs || sentMs + patienceMs > run.endedMs) continue;
      if (answeredMs !== undefined && answeredMs - sentMs <= patienceMs) continue;
      if (failure === 'no_responders') continue;
      wrong.push(`${channel} ${verb} ${JSON.stringify(payload)} asked at ${sentMs}: no answer`);
    }
  }
  return wrong.slice(0, 5);
}
