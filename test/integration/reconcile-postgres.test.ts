// The PostgreSQL source against a real server.

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createErpSource } from '../../src/erp/factory.ts';
import type { SourceFields } from '../../src/erp/settings.ts';
import type { ErpFetch, ErpLine, ErpSource } from '../../src/ports.ts';
import { postgresIsMissing, startTestPostgres, type TestPostgres } from '../support/postgres.ts';

const missing = postgresIsMissing();
if (missing !== undefined) console.warn(`the PostgreSQL source is not tested: ${missing}`);

type Fields = Omit<Extract<SourceFields, { kind: 'postgres' }>, 'kind' | 'url'>;

async function linesOf(fetched: ErpFetch): Promise<ErpLine[]> {
  if (fetched.kind !== 'snapshot') throw new Error(`no snapshot: ${fetched.why}`);
  const lines: ErpLine[] = [];
  await fetched.snapshot.read((batch) => void lines.push(...batch.lines));
  return lines;
}

describe.skipIf(missing !== undefined)(`PostgreSQL${missing ? ` (${missing})` : ''}`, () => {
  let server: TestPostgres;
  const query = "select sku, qty::bigint from (values ('A', 5), ('B', 7)) as stock (sku, qty)";

  beforeAll(async () => {
    server = await startTestPostgres();
    await inServer('create table if not exists kept (sku text, qty numeric(12, 3))');
    await inServer("insert into kept values ('C', 9)");
  });

  afterAll(async () => {
    if (server === undefined) return;
    await inServer('drop table kept');
    await server.stop();
  });

  async function inServer(text: string): Promise<readonly unknown[]> {
    const client = new pg.Client(server.url);
    await client.connect();
    const { rows } = await client.query(text);
    await client.end();
    return rows;
  }

  function source(fields: Partial<Fields> = {}, url = server.url): ErpSource {
    const surroundings = { nowMs: Date.now, environment: { ERP_URL: url } };
    const settings = { kind: 'postgres', url: { env: 'ERP_URL' }, query, ...fields } as const;
    return createErpSource('sap', settings, surroundings);
  }

  test('gives its rows, and what it knows about them', async () => {
    const metadataQuery = "select 'r-9' as snapshot_id, 2 as line_count, now() as as_of";
    const fetched = await source({ metadataQuery }).fetch();
    expect(fetched).toMatchObject({ snapshot: { snapshotId: 'r-9', statedLines: 2 } });
    expect(await linesOf(fetched)).toEqual([
      { sku: 'A', location: 'main', qty: 5 },
      { sku: 'B', location: 'main', qty: 7 },
    ]);
  });

  test('knows when it was read, where nothing says so', async () => {
    const beforeMs = Date.now();
    const fetched = await source({ query: 'select * from kept' }).fetch();
    if (fetched.kind !== 'snapshot') throw new Error('no snapshot');
    const { asOfFromMs, asOfToMs } = fetched.snapshot;
    expect(beforeMs <= asOfFromMs && asOfFromMs <= asOfToMs && asOfToMs <= Date.now()).toBe(true);
    expect(await linesOf(fetched)).toMatchObject([{ sku: 'C', qty: 9 }]);
  });

  test('gives more rows than fit into one piece, and not more than are allowed', async () => {
    const many = "select 'S-' || n as sku, n as qty from generate_series(1, 5000) as n";
    expect(await linesOf(await source({ query: many }).fetch())).toHaveLength(5000);
    await expect(source({ query: many, rowsMax: 4_999 }).fetch()).rejects.toMatchObject({
      code: 'too_large',
      isFinal: true,
    });
  });

  test.each([
    ['query', 'delete from kept returning sku, qty'],
    ['query', 'select sku, qty from kept; commit; delete from kept'],
    ['metadataQuery', "delete from kept returning 'r-1' as snapshot_id"],
    ['metadataQuery', 'commit'],
    ['metadataQuery', 'set transaction read write'],
    ['metadataQuery', "commit; delete from kept; select 'r-1' as snapshot_id"],
  ])('cannot be changed by its %s, whatever it says: %s', async (field, text) => {
    await expect(source({ [field]: text }).fetch()).rejects.toMatchObject({ code: 'query' });
    expect(await inServer('select sku from kept')).toEqual([{ sku: 'C' }]);
  });

  test.each([
    ['takes too long', 'select pg_sleep(5)::text as sku, 1 as qty', 'timeout'],
    ['is wrong', 'select sku from nowhere', 'query'],
  ])('a query that %s is an error that says so', async (_what, wrong, code) => {
    const fetching = source({ query: wrong, timeoutMs: 300 }).fetch();
    await expect(fetching).rejects.toMatchObject({ code, isFinal: false });
  });

  test('a server that is not there, and one that does not know us, is trouble that may pass', async () => {
    const nowhere = source({}, 'postgres://127.0.0.1:1/erp').fetch();
    await expect(nowhere).rejects.toMatchObject({ code: 'unreachable', isFinal: false });
    const stranger = new URL(server.url);
    stranger.username = 'nobody-of-that-name';
    const unknown = source({}, stranger.href).fetch();
    await expect(unknown).rejects.toMatchObject({ code: 'forbidden', isFinal: false });
  });
});
