/**
 * From the parsed `lastunit.json` to a `LastunitConfig`: blanks filled, everything checked once and
 * wholly. Nothing starts on a configuration with a problem.
 */

import type { ChannelRules, SkuLimits } from '../domain/rules.ts';
import {
  type ChannelConfig,
  defaultChannels,
  type FactSourcesConfig,
  resolveChannel,
  resolveFactSources,
} from './channels.ts';
import type { LastunitConfig, Settings } from './config.ts';
import {
  defaultLimits,
  defaultPartitions,
  defaultPrefix,
  type LimitName,
  type Limits,
  limitDefinitions,
} from './defaults.ts';
import { join, Problems } from './problems.ts';
import {
  ChannelName,
  channelSettings,
  EdgeSetting,
  ErpSetting,
  factSourcesSettings,
  limitSchema,
  PartitionsSetting,
  PrefixSetting,
} from './schema.ts';

export type Resolved =
  | { readonly config: LastunitConfig; readonly problems?: undefined }
  | { readonly config?: undefined; readonly problems: readonly string[] };

const sections = ['$schema', 'prefix', 'partitions', 'channels', 'factSources'].concat([
  'limits',
  'erp',
  'edge',
]);

/** `raw` is the parsed file; an empty object gives the defaults. */
export function resolveConfig(raw: unknown): Resolved {
  const problems = new Problems();
  const file = problems.object('', raw) ?? {};
  problems.unknownKeys('', file, sections);
  const { prefix = defaultPrefix, partitions = defaultPartitions } = file;
  problems.fits('prefix', prefix, PrefixSetting);
  problems.fits('partitions', partitions, PartitionsSetting);
  const { erp = {}, edge = {} } = file;
  problems.fits('erp', erp, ErpSetting);
  problems.fits('edge', edge, EdgeSetting);
  const channels = resolveChannels(file.channels ?? defaultChannels, problems);
  const factSources = checkedFactSources(file.factSources ?? {}, problems);
  const limits = resolveLimits(file.limits ?? {}, problems);
  if (problems.lines.length > 0) return { problems: problems.lines };
  const { sources = {} } = erp as { sources?: Readonly<Record<string, Settings>> };
  return {
    config: {
      prefix: prefix as string,
      partitions: partitions as number,
      limits,
      rules: {
        channels,
        factSources: resolveFactSources(factSources),
        limits: skuLimits(limits),
      },
      erp: { sources },
      edge: edge as Settings,
    },
  };
}

function resolveChannels(value: unknown, problems: Problems): Map<string, ChannelRules> {
  const resolved = new Map<string, ChannelRules>();
  const channels = problems.object('channels', value) ?? {};
  const names = Object.keys(channels);
  for (const name of names) {
    const path = join('channels', name);
    problems.fits(path, name, ChannelName);
    const config = checkedChannel(path, channels[name], problems);
    if (config !== undefined) resolved.set(name, resolveChannel(name, config));
  }
  for (const { name, endsHoldsOf, defaultTtlMs, longestTtlMs } of resolved.values()) {
    const path = join('channels', name);
    for (const other of endsHoldsOf) {
      if (!names.includes(other)) problems.add(`${path}.endsHoldsOf`, `${other} is not a channel`);
    }
    if (defaultTtlMs > longestTtlMs) {
      problems.add(`${path}.defaultTtlMs`, `${defaultTtlMs} is above longestTtlMs ${longestTtlMs}`);
    }
  }
  return resolved;
}

function checkedChannel(
  path: string,
  value: unknown,
  problems: Problems,
): ChannelConfig | undefined {
  const channel = problems.object(path, value);
  if (channel === undefined) return undefined;
  const before = problems.lines.length;
  if (channel.verbs === undefined) problems.add(`${path}.verbs`, 'is missing');
  problems.settings(path, channel, channelSettings);
  return problems.lines.length === before ? (channel as unknown as ChannelConfig) : undefined;
}

function checkedFactSources(value: unknown, problems: Problems): FactSourcesConfig {
  const settings = problems.object('factSources', value) ?? {};
  problems.settings('factSources', settings, factSourcesSettings);
  return settings;
}

function resolveLimits(value: unknown, problems: Problems): Limits {
  const given = problems.object('limits', value) ?? {};
  const names = Object.keys(limitDefinitions) as LimitName[];
  problems.unknownKeys('limits', given, names);
  const before = problems.lines.length;
  for (const name of names) {
    if (given[name] === undefined) continue;
    problems.fits(`limits.${name}`, given[name], limitSchema(limitDefinitions[name]));
  }
  const limits = { ...defaultLimits(), ...(given as Partial<Limits>) };
  // Numbers that are wrong by themselves would only give strange sentences here.
  if (problems.lines.length === before) checkTogether(limits, problems);
  return limits;
}

/** What no single number can get wrong. */
function checkTogether(limits: Limits, problems: Problems): void {
  const atMost = (low: LimitName, high: LimitName, times = 1) => {
    if (limits[low] * times <= limits[high]) return;
    const bound = times === 1 ? high : `${high} / ${times}`;
    problems.add(`limits.${low}`, `${limits[low]} is above ${bound} (${limits[high]})`);
  };
  atMost('quantityMax', 'onHandMax');
  atMost('commitCommandsMax', 'mailboxCommandsMax');
  atMost('stallMaxMs', 'memberTtlMs');
  // A node gets two more chances to renew before it counts as gone.
  atMost('renewEveryMs', 'memberTtlMs', 3);
  atMost('idempotencyWindowMs', 'endedHoldsMs');
  if (limits.memberTtlMs % 1_000 !== 0) {
    problems.add('limits.memberTtlMs', `${limits.memberTtlMs} is not a whole number of seconds`);
  }
}

function skuLimits(limits: Limits): SkuLimits {
  return {
    quantityMax: limits.quantityMax,
    onHandMax: limits.onHandMax,
    holdsPerSkuMax: limits.holdsPerSkuMax,
    locationsPerSkuMax: limits.locationsPerSkuMax,
    idsPerSkuMax: limits.idsPerSkuMax,
    idempotencyWindowMs: limits.idempotencyWindowMs,
    endedHoldsMs: limits.endedHoldsMs,
    expiriesPerStepMax: limits.expiriesPerStepMax,
  };
}
