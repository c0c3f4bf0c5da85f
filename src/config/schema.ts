/**
 * The shape of `lastunit.json` as schemas, one per part, so that every part can be checked and
 * reported by itself. What spans parts is checked in `resolve.ts`.
 */

import Type, { type TSchema } from 'typebox';
import { namePattern } from '../contract/fields.ts';
import { prefixPattern } from '../contract/subjects.ts';
import { factVerbs, verbs } from '../contract/verbs.ts';
import {
  defaultLongestTtlMs,
  defaultPartitions,
  defaultPrefix,
  defaultTtlMs,
  type LimitDefinition,
  limitDefinitions,
  partitionsMax,
} from './defaults.ts';

export const ChannelName = Type.String({ pattern: namePattern });
const lifetime = { minimum: 1, maximum: 365 * 24 * 60 * 60_000 };
const optional = Type.Optional;

export const PrefixSetting = Type.String({
  pattern: prefixPattern.source,
  default: defaultPrefix,
  description: 'First token of every subject; streams and buckets follow it',
});

export const PartitionsSetting = Type.Integer({
  minimum: 1,
  maximum: partitionsMax,
  default: defaultPartitions,
  description: "Fixed for the journal's life",
});

/** The fields of one channel, each checked by itself. */
export const channelSettings = {
  verbs: Type.Array(Type.Enum([...verbs]), {
    uniqueItems: true,
    description: 'The verbs that this channel may use',
  }),
  view: Type.Boolean({ default: false, description: 'Whether it has a bucket inv_view_<channel>' }),
  sourcing: Type.Array(ChannelName, {
    uniqueItems: true,
    default: [],
    description: 'Locations in the order in which they serve it; empty: all, by name',
  }),
  split: Type.Boolean({
    default: true,
    description: 'Whether one reservation may take units from several locations',
  }),
  defaultTtlMs: Type.Integer({
    ...lifetime,
    default: defaultTtlMs,
    description: 'Length of a hold when the command names none',
  }),
  longestTtlMs: Type.Integer({
    ...lifetime,
    default: defaultLongestTtlMs,
    description: 'Longest life of a hold, counted from its creation',
  }),
  endsHoldsOf: Type.Array(ChannelName, {
    uniqueItems: true,
    default: [],
    description: 'Channels whose holds it may end, named with heldBy',
  }),
} as const satisfies Record<string, TSchema>;

/** The fields of `factSources`: scanners and gates that are no channel. */
export const factSourcesSettings = {
  verbs: Type.Array(Type.Enum([...factVerbs]), {
    uniqueItems: true,
    default: [...factVerbs],
    description: 'What they may report; none: only channels may publish facts',
  }),
  sourcing: channelSettings.sourcing,
  split: channelSettings.split,
} as const satisfies Record<string, TSchema>;

const free = { additionalProperties: true } as const;

export const ErpSetting = Type.Object(
  {
    sources: optional(
      Type.Record(ChannelName, Type.Object({}, free), { additionalProperties: false }),
    ),
  },
  { additionalProperties: false, default: { sources: {} } },
);

export const EdgeSetting = Type.Object({}, free);

/** The schema of one limit. */
export function limitSchema({ value, min, max, unit, what }: LimitDefinition): TSchema {
  const range = { minimum: min, maximum: max, default: value, description: `${what} (${unit})` };
  return unit === 'share' ? Type.Number(range) : Type.Integer(range);
}

const { verbs: verbsSetting, ...otherChannelSettings } = channelSettings;

/** The whole file, as published. */
export const ConfigFile = Type.Object(
  {
    $schema: optional(Type.String()),
    prefix: optional(PrefixSetting),
    partitions: optional(PartitionsSetting),
    channels: optional(
      Type.Record(
        ChannelName,
        Type.Object(
          { verbs: verbsSetting, ...allOptional(otherChannelSettings) },
          { additionalProperties: false },
        ),
        { additionalProperties: false, description: 'All channels; absent: the default ones' },
      ),
    ),
    factSources: optional(
      Type.Object(allOptional(factSourcesSettings), { additionalProperties: false }),
    ),
    limits: optional(
      Type.Object(
        allOptional(
          Object.fromEntries(
            Object.entries(limitDefinitions).map(([key, item]) => [key, limitSchema(item)]),
          ),
        ),
        { additionalProperties: false },
      ),
    ),
    erp: optional(ErpSetting),
    edge: optional(EdgeSetting),
  },
  { $id: 'urn:lastunit:v1:config', additionalProperties: false },
);

function allOptional(settings: Readonly<Record<string, TSchema>>): Record<string, TSchema> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, setting]) => [key, Type.Optional(setting)]),
  );
}
