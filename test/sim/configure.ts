/** From a plan to the configuration of its nodes, and to what the independent model knows of it. */

import type { LastunitConfig } from '../../src/config/config.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { ChannelTerms, Terms } from './model/asked.ts';
import type { Plan } from './plan.ts';

export interface Configured {
  readonly config: LastunitConfig;
  readonly terms: Terms;
}

export function configure(plan: Plan): Configured {
  const { partitions, channels, more } = plan;
  const limits = { ...plan.limits, ...more.limits };
  const resolved = resolveConfig({ partitions, channels, limits });
  if (resolved.problems) throw new Error(resolved.problems.join('\n'));
  const { config } = resolved;
  const list = [...config.rules.channels.values()].map((channel): ChannelTerms => {
    const { name, sourcing, split, defaultTtlMs, longestTtlMs } = channel;
    const { verbs, endsHoldsOf } = channel;
    return {
      ...{ name, sourcing, split, defaultTtlMs, longestTtlMs },
      ...{ verbs: [...verbs], endsHoldsOf: [...endsHoldsOf] },
    };
  });
  return {
    config,
    terms: {
      channels: new Map(list.map((channel) => [channel.name, channel])),
      holdsPerSkuMax: config.limits.holdsPerSkuMax,
      idempotencyWindowMs: config.limits.idempotencyWindowMs,
    },
  };
}
