/**
 * The section `erp.sources.<name>` of the configuration: one schema per kind of source, checked wholly
 * before anything starts. Credentials are never in the file: `{"env": "NAME"}` names the variable of
 * the environment that has them.
 */

import Type, { type Static, type TProperties } from 'typebox';
import { namePattern } from '../contract/fields.ts';
import { defaultCsv } from './csv-records.ts';
import { defaultHttpTimeoutMs } from './http-source.ts';
import { defaultMapping } from './record-mapping.ts';
import { defaultExportTakesMs, defaultFileLimits } from './settled-file.ts';
import { defaultRowsMax, defaultSqlTimeoutMs } from './sql-rows.ts';
import { encodings } from './text.ts';

const optional = Type.Optional;
const closed = { additionalProperties: false } as const;
const Name = Type.String({ pattern: namePattern });
const Column = Type.String({ minLength: 1, maxLength: 128 });
const Milliseconds = (defaultMs: number) =>
  Type.Integer({ minimum: 1, maximum: 86_400_000, default: defaultMs });
const Bytes = Type.Integer({
  minimum: 1,
  maximum: 2 ** 31,
  default: defaultFileLimits.bytesMax,
  description: 'A larger export is refused',
});

/** A value that must not stand in a file. */
export const Secret = Type.Union([
  Type.String({ minLength: 1 }),
  Type.Object({ env: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }) }, closed),
]);
export type Secret = Static<typeof Secret>;

/** How records become lines; of every kind of source. */
const mapping = {
  columns: optional(
    Type.Object(
      {
        sku: optional(Column),
        qty: optional(Column),
        location: optional(Column),
        unit: optional(Column),
        packSize: optional(Column),
      },
      { ...closed, description: 'Names of the columns; absent: our names for the fields' },
    ),
  ),
  locations: optional(
    Type.Record(Type.String(), Name, {
      description: "The ERP's locations in our names; others are refused. Absent: ours",
    }),
  ),
  units: optional(
    Type.Record(Type.String(), Type.Number({ exclusiveMinimum: 0, maximum: 1_000_000 }), {
      description: 'Base units per unit of measure; others are refused',
    }),
  ),
  decimalComma: optional(Type.Boolean({ default: defaultMapping.decimalComma })),
  allowNegative: optional(Type.Boolean({ default: defaultMapping.allowNegative })),
} as const satisfies TProperties;

const text = {
  encoding: optional(Type.Enum([...encodings], { default: 'utf-8' })),
  delimiter: optional(
    Type.String({ maxLength: 1, default: defaultCsv.delimiter, description: 'Empty: guessed' }),
  ),
} as const;

const file = {
  ...mapping,
  ...text,
  path: Type.String({ minLength: 1 }),
  settleMs: optional(
    Type.Integer({ minimum: 0, maximum: 3_600_000, default: defaultFileLimits.settleMs }),
  ),
  bytesMax: optional(Bytes),
  exportTakesMs: optional(
    Type.Integer({
      ...{ minimum: 0, maximum: 86_400_000, default: defaultExportTakesMs },
      description:
        'Longest time from the first line read to the end of the file, if it says no times',
    }),
  ),
} as const;

const sql = {
  ...mapping,
  query: Type.String({ minLength: 1 }),
  metadataQuery: optional(Type.String({ default: '' })),
  timeoutMs: optional(Milliseconds(defaultSqlTimeoutMs)),
  rowsMax: optional(Type.Integer({ minimum: 1, maximum: 50_000_000, default: defaultRowsMax })),
} as const;

/** Fields by kind, without those that reconciliation adds for every source. */
export const sourceKinds = {
  file: { ...file, format: optional(Type.Enum(['csv', 'json'])) },
  directory: file,
  http: {
    ...mapping,
    ...text,
    url: Type.String({ pattern: '^https?://[^\\s]+$' }),
    headers: optional(Type.Record(Type.String({ pattern: '^[A-Za-z0-9-]+$' }), Secret)),
    timeoutMs: optional(Milliseconds(defaultHttpTimeoutMs)),
    bytesMax: optional(Bytes),
  },
  sqlite: { ...sql, path: Type.String({ minLength: 1 }) },
  postgres: { ...sql, url: Secret },
} as const satisfies Record<string, TProperties>;

export type SourceKind = keyof typeof sourceKinds;

const schemas = {
  file: Type.Object(sourceKinds.file),
  directory: Type.Object(sourceKinds.directory),
  http: Type.Object(sourceKinds.http),
  sqlite: Type.Object(sourceKinds.sqlite),
  postgres: Type.Object(sourceKinds.postgres),
};

export type FileFields = Static<typeof schemas.file>;
export type DirectoryFields = Static<typeof schemas.directory>;
export type HttpFields = Static<typeof schemas.http>;
export type SqliteFields = Static<typeof schemas.sqlite>;
export type PostgresFields = Static<typeof schemas.postgres>;

/** Settings of one source, checked, with its kind. */
export type SourceFields =
  | ({ readonly kind: 'file' } & FileFields)
  | ({ readonly kind: 'directory' } & DirectoryFields)
  | ({ readonly kind: 'http' } & HttpFields)
  | ({ readonly kind: 'sqlite' } & SqliteFields)
  | ({ readonly kind: 'postgres' } & PostgresFields);
