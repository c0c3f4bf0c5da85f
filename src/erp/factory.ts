/**
 * Makes a source from its settings. A new kind is a file of its own, its fields in `settings.ts`, and
 * a case here.
 */

import { extname } from 'node:path';
import { type JsonObject, join, type Problems } from '../config/problems.ts';
import type { ErpSource } from '../ports.ts';
import { createDirectorySource } from './directory-source.ts';
import { createFileSource } from './file-source.ts';
import { createHttpSource, defaultHttpTimeoutMs } from './http-source.ts';
import { createPostgresSource } from './postgres-source.ts';
import { defaultMapping, type MappingSettings } from './record-mapping.ts';
import {
  type FileFields,
  type Secret,
  type SourceFields,
  type SourceKind,
  sourceKinds,
} from './settings.ts';
import { defaultExportTakesMs, defaultFileLimits } from './settled-file.ts';
import { defaultRowsMax, defaultSqlTimeoutMs, type SqlSettings } from './sql-rows.ts';
import { createSqliteSource } from './sqlite-source.ts';

/** What a source needs of its surroundings. */
export interface SourceSurroundings {
  readonly nowMs: () => number;
  /** Where `{"env": "NAME"}` is looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Checks the settings of a source and notes every problem. `settings` without the fields that
 * reconciliation itself reads. Undefined where there is a problem.
 */
export function checkSource(
  path: string,
  settings: JsonObject,
  problems: Problems,
): SourceFields | undefined {
  const before = problems.lines.length;
  const { kind, ...fields } = settings;
  const kinds = Object.keys(sourceKinds) as SourceKind[];
  const known = kinds.find((name) => name === kind);
  if (known === undefined) {
    problems.add(join(path, 'kind'), `must be one of ${kinds.join(', ')}`);
    return undefined;
  }
  problems.settings(path, fields, sourceKinds[known]);
  const needed = { file: ['path'], directory: ['path'], http: ['url'] }[known as string] ?? [
    known === 'postgres' ? 'url' : 'path',
    'query',
  ];
  for (const name of needed) {
    if (fields[name] === undefined) problems.add(join(path, name), 'is missing');
  }
  return problems.lines.length === before ? (settings as SourceFields) : undefined;
}

/** Throws a `RangeError` when a variable of the environment that it names is not set. */
export function createErpSource(
  name: string,
  fields: SourceFields,
  { nowMs, environment }: SourceSurroundings,
): ErpSource {
  const reveal = (secret: Secret) => revealed(secret, environment);
  switch (fields.kind) {
    case 'file': {
      const format = fields.format ?? (extname(fields.path) === '.json' ? 'json' : 'csv');
      const content = { ...contentOf(fields), format } as const;
      return createFileSource(name, { ...filesOf(fields), content }, nowMs);
    }
    case 'directory': {
      const content = contentOf(fields);
      return createDirectorySource(name, { ...filesOf(fields), content }, nowMs);
    }
    case 'http': {
      const {
        url,
        timeoutMs = defaultHttpTimeoutMs,
        bytesMax = defaultFileLimits.bytesMax,
      } = fields;
      const headers = Object.entries(fields.headers ?? {}).map(([key, value]) => [
        key,
        reveal(value),
      ]);
      const content = contentOf(fields);
      const settings = { url, headers: Object.fromEntries(headers), timeoutMs, bytesMax, content };
      return createHttpSource(name, settings, nowMs);
    }
    case 'sqlite':
      return createSqliteSource(name, { path: fields.path, sql: sqlOf(fields) }, nowMs);
    case 'postgres':
      return createPostgresSource(name, { url: reveal(fields.url), sql: sqlOf(fields) }, nowMs);
  }
}

function revealed(secret: Secret, environment: SourceSurroundings['environment']): string {
  if (typeof secret === 'string') return secret;
  const value = environment[secret.env];
  if (value === undefined) throw new RangeError(`the environment has no ${secret.env}`);
  return value;
}

function filesOf({ path, settleMs, bytesMax, exportTakesMs }: FileFields) {
  return {
    path,
    limits: {
      settleMs: settleMs ?? defaultFileLimits.settleMs,
      bytesMax: bytesMax ?? defaultFileLimits.bytesMax,
    },
    exportTakesMs: exportTakesMs ?? defaultExportTakesMs,
  };
}

type MappingFields = Pick<
  FileFields,
  'columns' | 'locations' | 'units' | 'decimalComma' | 'allowNegative'
>;

function contentOf(fields: MappingFields & Pick<FileFields, 'encoding' | 'delimiter'>) {
  return {
    encoding: fields.encoding ?? 'utf-8',
    csv: { delimiter: fields.delimiter ?? '' },
    mapping: mappingOf(fields),
  } as const;
}

function mappingOf(fields: MappingFields): MappingSettings {
  return {
    columns: { ...defaultMapping.columns, ...fields.columns },
    locations: fields.locations ?? defaultMapping.locations,
    units: fields.units ?? defaultMapping.units,
    decimalComma: fields.decimalComma ?? defaultMapping.decimalComma,
    allowNegative: fields.allowNegative ?? defaultMapping.allowNegative,
  };
}

function sqlOf(
  fields: MappingFields & {
    query: string;
    metadataQuery?: string;
    timeoutMs?: number;
    rowsMax?: number;
  },
): SqlSettings {
  return {
    query: fields.query,
    metadataQuery: fields.metadataQuery ?? '',
    timeoutMs: fields.timeoutMs ?? defaultSqlTimeoutMs,
    rowsMax: fields.rowsMax ?? defaultRowsMax,
    mapping: mappingOf(fields),
  };
}
