/**
 * What the SQL sources share: a query that gives the lines, and one, if wanted, that gives a row about
 * the snapshot (`snapshot_id`, `as_of_from`, `as_of_to`, `line_count` … or our names for them).
 */

import type { ErpSnapshot } from '../ports.ts';
import { ErpSourceError } from '../ports.ts';
import { readMetadata } from './metadata.ts';
import { type MappingSettings, RecordReader } from './record-mapping.ts';

export interface SqlSettings {
  /** Gives the lines; its columns are mapped. */
  readonly query: string;
  /** Gives one row about the snapshot; empty: nothing is known but the time of the query. */
  readonly metadataQuery: string;
  readonly timeoutMs: number;
  readonly rowsMax: number;
  readonly mapping: MappingSettings;
}

export const defaultSqlTimeoutMs = 120_000;
export const defaultRowsMax = 5_000_000;

export type SqlRow = Readonly<Record<string, unknown>>;

/** A snapshot from rows that have been read between the two times. */
export function snapshotOfRows(
  rows: readonly SqlRow[],
  metadata: SqlRow | undefined,
  readFromMs: number,
  readToMs: number,
  mapping: MappingSettings,
): ErpSnapshot {
  const occasion = {
    snapshotId: `query-${readFromMs}`,
    asOfFromMs: readFromMs,
    asOfToMs: readToMs,
  };
  return {
    ...readMetadata(metadata === undefined ? {} : inOurNames(metadata), occasion),
    async read(each) {
      const reader = new RecordReader(mapping, each);
      for (const row of rows) {
        const waiting = reader.add(row);
        if (waiting !== undefined) await waiting;
      }
      return reader.end();
    },
  };
}

/** `as_of_from` → `asOfFrom`; numbers that came as text or bigint are numbers, dates are ISO 8601. */
function inOurNames(row: SqlRow): SqlRow {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([, value]) => value !== null)
      .map(([column, value]) => {
        const name = column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
        return [name, plainValue(name, value)];
      }),
  );
}

function plainValue(name: string, value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'bigint') return Number(value);
  const isNumber = name.endsWith('Ms') || name === 'lineCount';
  if (isNumber && typeof value === 'string' && /^[0-9]{1,16}$/.test(value)) return Number(value);
  if (name === 'complete' && typeof value === 'number') return value !== 0;
  return value;
}

export function tooManyRows(rowsMax: number): ErpSourceError {
  const message = `the query gives more than ${rowsMax} rows`;
  return new ErpSourceError('too_large', message, { isFinal: true });
}
