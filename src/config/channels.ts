/**
 * The channels of a deployment: what the file may say about one, the channels that there are when
 * it says nothing, and what the domain gets to see.
 */

import { type FactVerb, factVerbs, type Verb, verbs } from '../contract/verbs.ts';
import type { ChannelRules } from '../domain/rules.ts';
import { defaultLongestTtlMs, defaultTtlMs } from './defaults.ts';

/** One channel as the file has it; blanks are filled by `resolveChannel`. */
export interface ChannelConfig {
  readonly verbs: readonly Verb[];
  readonly view?: boolean;
  readonly sourcing?: readonly string[];
  readonly split?: boolean;
  readonly defaultTtlMs?: number;
  readonly longestTtlMs?: number;
  readonly endsHoldsOf?: readonly string[];
}

const selling: ChannelConfig = {
  verbs: ['reserve', 'renew', 'confirm', 'release', 'sell', 'restock', 'get'],
  view: true,
};

export const defaultChannels: Readonly<Record<string, ChannelConfig>> = {
  web: selling,
  mobile: selling,
  marketplace: selling,
  pos: selling,
  wms: { verbs: ['receive', 'restock', 'adjust', 'count', 'transfer', 'get'] },
  ops: { verbs: verbs.filter((verb) => verb !== 'correct') },
  reconciler: { verbs: ['correct', 'get'] },
};

/** What sources of facts that are no channel may report, as the file has it. */
export interface FactSourcesConfig {
  readonly verbs?: readonly FactVerb[];
  readonly sourcing?: readonly string[];
  readonly split?: boolean;
}

/** Their rules; the name is nobody's, since every fact carries its own source. */
export function resolveFactSources(config: FactSourcesConfig): ChannelRules {
  return resolveChannel('fact-sources', { verbs: factVerbs, ...config });
}

/** Fills the blanks. A default that is longer than the longest lifetime gives way to it. */
export function resolveChannel(name: string, config: ChannelConfig): ChannelRules {
  const longestTtlMs = config.longestTtlMs ?? defaultLongestTtlMs;
  return {
    name,
    verbs: new Set(config.verbs),
    view: config.view ?? false,
    sourcing: [...(config.sourcing ?? [])],
    split: config.split ?? true,
    defaultTtlMs: config.defaultTtlMs ?? Math.min(defaultTtlMs, longestTtlMs),
    longestTtlMs,
    endsHoldsOf: new Set(config.endsHoldsOf ?? []),
  };
}
