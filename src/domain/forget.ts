/**
 * Forgetting what need not be remembered any longer. It is no event: a fold that remembers more than
 * the actor did answers the same within the promised times, and differs in nothing else.
 */

import { NumberField } from './record-layout.ts';
import type { SkuLimits } from './rules.ts';
import type { SkuState } from './state.ts';

/** A command adds two records at most, so a few more than that keep up without ever pausing. */
const forgottenPerStepMax = 8;

/** Drops the oldest ids and ended holds whose time is over; some now, the rest in later calls. */
export function forget(state: SkuState, nowMs: number, limits: SkuLimits): void {
  const { records } = state;
  if (records.rememberedCount === 0) return;
  const { store } = records;
  const full = records.rememberedCount >= limits.idsPerSkuMax;
  const most = full ? limits.expiriesPerStepMax : forgottenPerStepMax;
  for (let count = 0; count < most; count += 1) {
    const slot = records.oldestCommand();
    if (slot < 0) break;
    if (store.number(slot, NumberField.createdAtMs) >= nowMs - limits.idempotencyWindowMs) break;
    records.remove(slot);
  }
  for (let count = 0; count < most; count += 1) {
    const slot = records.oldestEnded();
    if (slot < 0) break;
    if (store.number(slot, NumberField.endedAtMs) >= nowMs - limits.endedHoldsMs) break;
    records.remove(slot);
  }
}
