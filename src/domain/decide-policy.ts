/** The rules of one SKU: what is named changes, `null` clears, what is absent stays. */

import type { ChannelPolicyPatch, SetPolicy } from './commands.ts';
import type { ChannelPolicy, PolicyChanged } from './events.ts';
import type { Moment } from './moment.ts';
import type { Rules } from './rules.ts';
import type { SkuState } from './state.ts';
import { accepted, eventBase, limitExceeded, refused, type Verdict } from './verdict.ts';

const noPolicy: ChannelPolicy = { buffer: 0, quota: null, ringFence: 0 };
const clearAll: ChannelPolicyPatch = { buffer: null, quota: null, ringFence: null };

export function decidePolicy(
  state: SkuState,
  command: SetPolicy,
  moment: Moment,
  rules: Rules,
): Verdict {
  const patches = Object.entries(command.channels ?? {}).map(
    ([name, patch]) => [name, patch ?? clearAll] as const,
  );
  for (const [name] of patches) {
    if (!rules.channels.has(name)) {
      const message = `there is no channel ${name}`;
      return refused('invalid_request', message, { sku: state.sku, field: `channels.${name}` });
    }
  }
  const { quantityMax } = rules.limits;
  if (numbersOf(command, patches).some((value) => value > quantityMax)) {
    return limitExceeded(state.sku, 'quantityMax', `more than ${quantityMax} in a policy`);
  }
  const safetyStock = patched(command.safetyStock, state.safetyStock);
  const base = eventBase(state, command, moment, 0, 0);
  const event: PolicyChanged = {
    type: 'policy.changed',
    ...base,
    available: Math.max(0, state.onHand - state.reserved - safetyStock - state.escrow),
    fingerprint: command.fingerprint,
    safetyStock,
    backorderMax: patched(command.backorderMax, state.backorderMax),
    lowStock: patched(command.lowStock, state.lowStock),
    channels: policiesAfter(state, patches),
    quotaSet: patches.filter(([, patch]) => patch.quota !== undefined).map(([name]) => name),
    ringFenceSet: patches
      .filter(([, patch]) => patch.ringFence !== undefined)
      .map(([name]) => name),
  };
  return accepted(state, event, {});
}

/** The policies of all channels that have one. */
function policiesAfter(
  state: SkuState,
  patches: readonly (readonly [string, ChannelPolicyPatch])[],
): Record<string, ChannelPolicy> {
  const policies = new Map<string, ChannelPolicy>();
  for (const { name, buffer, quota, ringFence } of state.channels) {
    policies.set(name, { buffer, quota, ringFence });
  }
  for (const [name, patch] of patches) {
    const before = policies.get(name) ?? noPolicy;
    policies.set(name, {
      buffer: patched(patch.buffer, before.buffer),
      quota: patch.quota === undefined ? before.quota : patch.quota,
      ringFence: patched(patch.ringFence, before.ringFence),
    });
  }
  const named = [...policies].filter(
    ([, { buffer, quota, ringFence }]) => buffer > 0 || quota !== null || ringFence > 0,
  );
  return Object.fromEntries(named);
}

function patched(patch: number | null | undefined, before: number): number {
  return patch === undefined ? before : (patch ?? 0);
}

function numbersOf(
  command: SetPolicy,
  patches: readonly (readonly [string, ChannelPolicyPatch])[],
): readonly number[] {
  return [
    command.safetyStock,
    command.backorderMax,
    command.lowStock,
    ...patches.flatMap(([, patch]) => [patch.buffer, patch.quota, patch.ringFence]),
  ].filter((value): value is number => typeof value === 'number');
}
