/**
 * Stock from a SQLite file, read-only, in one transaction: all lines of the same moment.
 *
 * 1. Rows are read in short pieces: whoever reads them has a lease to renew. What SQLite does before
 *    the first row (sorting, say) is one piece.
 */

import { setImmediate as breathe } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { ErpFetch, ErpSource } from '../ports.ts';
import { ErpSourceError } from '../ports.ts';
import { type SqlRow, type SqlSettings, snapshotOfRows, tooManyRows } from './sql-rows.ts';

export interface SqliteSettings {
  readonly path: string;
  readonly sql: SqlSettings;
}

/** Waiting for a writer stops everything: better to come again. */
const busyMs = 1_000;
const rowsPerPiece = 5_000;

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
        const { rows, metadata } = await readAll(database, settings.sql, nowMs);
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

function open({ path }: SqliteSettings): Database.Database {
  try {
    return new Database(path, { readonly: true, fileMustExist: true, timeout: busyMs });
  } catch (cause) {
    const message = `cannot open ${path}: ${(cause as Error).message}`;
    throw new ErpSourceError('unreachable', message, { isFinal: false, cause });
  }
}

async function readAll(database: Database.Database, sql: SqlSettings, nowMs: () => number) {
  const giveUpMs = nowMs() + sql.timeoutMs;
  database.exec('BEGIN');
  const metadata =
    sql.metadataQuery === '' ? undefined : (database.prepare(sql.metadataQuery).get() as SqlRow);
  const rows: SqlRow[] = [];
  for (const row of database.prepare(sql.query).iterate()) {
    rows.push(row as SqlRow);
    if (rows.length > sql.rowsMax) throw tooManyRows(sql.rowsMax);
    if (rows.length % rowsPerPiece !== 0) continue;
    await breathe();
    if (nowMs() <= giveUpMs) continue;
    const message = `the query has not ended after ${sql.timeoutMs} ms`;
    throw new ErpSourceError('timeout', message, { isFinal: false });
  }
  return { rows, metadata };
}
