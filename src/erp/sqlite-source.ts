/**
 * Stock from a SQLite file, read-only, in one transaction: all lines of the same moment.
 */

import Database from 'better-sqlite3';
import type { ErpFetch, ErpSource } from '../ports.ts';
import { ErpSourceError } from '../ports.ts';
import { type SqlRow, type SqlSettings, snapshotOfRows, tooManyRows } from './sql-rows.ts';

export interface SqliteSettings {
  readonly path: string;
  readonly sql: SqlSettings;
}

export function createSqliteSource(
  name: string,
  settings: SqliteSettings,
  nowMs: () => number,
): ErpSource {
  return {
    name,
    async fetch(): Promise<ErpFetch> {
      const database = open(settings);
      try {
        const fromMs = nowMs();
        const { rows, metadata } = database.transaction(() => readAll(database, settings.sql))();
        const { mapping } = settings.sql;
        const snapshot = snapshotOfRows(rows, metadata, fromMs, nowMs(), mapping);
        return { kind: 'snapshot', snapshot };
      } catch (error) {
        if (error instanceof ErpSourceError) throw error;
        const cause = error as Error & { code?: string };
        const isBusy = cause.code?.startsWith('SQLITE_BUSY') === true;
        const code = isBusy ? 'timeout' : 'query';
        throw new ErpSourceError(code, cause.message, { isFinal: false, cause });
      } finally {
        database.close();
      }
    },
    async settle() {},
    async close() {},
  };
}

function open({ path, sql }: SqliteSettings): Database.Database {
  try {
    return new Database(path, { readonly: true, fileMustExist: true, timeout: sql.timeoutMs });
  } catch (cause) {
    const message = `cannot open ${path}: ${(cause as Error).message}`;
    throw new ErpSourceError('unreachable', message, { isFinal: false, cause });
  }
}

function readAll(database: Database.Database, sql: SqlSettings) {
  const metadata =
    sql.metadataQuery === '' ? undefined : (database.prepare(sql.metadataQuery).get() as SqlRow);
  const rows: SqlRow[] = [];
  for (const row of database.prepare(sql.query).iterate()) {
    rows.push(row as SqlRow);
    if (rows.length > sql.rowsMax) throw tooManyRows(sql.rowsMax);
  }
  return { rows, metadata };
}
