/**
 * Stock from PostgreSQL, in one read-only transaction with repeatable reads: all lines of the same
 * moment, and no way to change anything, whatever the query says.
 */

import pg from 'pg';
import type { ErpFetch, ErpSource } from '../ports.ts';
import { ErpSourceError } from '../ports.ts';
import { type SqlRow, type SqlSettings, snapshotOfRows, tooManyRows } from './sql-rows.ts';

export interface PostgresSettings {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  readonly sql: SqlSettings;
}

const rowsPerFetch = 2_000;
const connectTimeoutMs = 10_000;

export function createPostgresSource(
  name: string,
  settings: PostgresSettings,
  nowMs: () => number,
): ErpSource {
  return {
    name,
    async fetch(): Promise<ErpFetch> {
      const { sql } = settings;
      const client = new pg.Client({
        connectionString: settings.url,
        connectionTimeoutMillis: connectTimeoutMs,
        statement_timeout: sql.timeoutMs,
        query_timeout: sql.timeoutMs + connectTimeoutMs,
        application_name: 'lastunit',
      });
      // A connection that is lost between two queries says so here and again at the next one.
      client.on('error', () => {});
      try {
        await client.connect();
        const fromMs = nowMs();
        const { rows, metadata } = await readAll(client, sql);
        const snapshot = snapshotOfRows(rows, metadata, fromMs, nowMs(), sql.mapping);
        return { kind: 'snapshot', snapshot };
      } catch (error) {
        throw error instanceof ErpSourceError ? error : troubleOf(error);
      } finally {
        await client.end().catch(() => {});
      }
    },
    async settle() {},
    async close() {},
  };
}

async function readAll(client: pg.Client, sql: SqlSettings) {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  // A cursor: the rows arrive in pieces, and the event loop lives. Once it is there, the transaction
  // cannot be made one that writes.
  await single(client, `DECLARE lastunit_lines NO SCROLL CURSOR FOR ${sql.query}`);
  const metadata =
    sql.metadataQuery === '' ? undefined : (await single(client, sql.metadataQuery)).rows[0];
  const rows: SqlRow[] = [];
  for (;;) {
    const piece = await client.query<SqlRow>(`FETCH ${rowsPerFetch} FROM lastunit_lines`);
    rows.push(...piece.rows);
    if (rows.length > sql.rowsMax) throw tooManyRows(sql.rowsMax);
    if (piece.rows.length < rowsPerFetch) break;
  }
  await client.query('COMMIT');
  return { rows, metadata };
}

/** The extended protocol takes one statement: nothing can end the transaction and go on. */
function single(client: pg.Client, text: string): Promise<pg.QueryResult<SqlRow>> {
  const query: pg.QueryConfig & { queryMode: 'extended' } = { text, queryMode: 'extended' };
  return client.query<SqlRow>(query);
}

/** Codes of PostgreSQL have five characters, those of the operating system begin with E. */
function troubleOf(error: unknown): ErpSourceError {
  const cause = error as Error & { code?: string };
  const code = cause.code ?? '';
  if (code === '57014' || /timeout/i.test(cause.message)) return trouble('timeout', cause);
  if (code === '28P01' || code === '28000') return trouble('forbidden', cause);
  const isOfServer = /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('08') && !code.startsWith('E');
  return trouble(isOfServer ? 'query' : 'unreachable', cause);
}

function trouble(code: ErpSourceError['code'], cause: Error): ErpSourceError {
  return new ErpSourceError(code, cause.message, { isFinal: false, cause });
}
