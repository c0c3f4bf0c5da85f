/** A node that stood still executes nothing that it finds then: it is from the past. */

import { defaultLimits } from '../../../src/config/defaults.ts';
import type { RunRecord } from '../run-record.ts';

/** A standstill is measured between two ticks. */
const tickMs = 250;

export function checkThawed(run: RunRecord): readonly string[] {
  const { stallMaxMs = defaultLimits().stallMaxMs } = run.plan.limits;
  return run.world.bus.thawed
    .filter(({ heldMs, subject }) => heldMs > stallMaxMs + tickMs && /\.cmd\.|\.p\./.test(subject))
    .filter(({ reply }) => reply.includes('"ok":true'))
    .map(
      ({ process, subject, heldMs, reply }) =>
        `${process} answered ${subject} with ${reply} after it had stood still for ${heldMs} ms`,
    )
    .slice(0, 5);
}
