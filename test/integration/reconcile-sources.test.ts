// ERP sources against real files, a real HTTP server and a real SQLite file.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createErpSource } from '../../src/erp/factory.ts';
import type { SourceFields } from '../../src/erp/settings.ts';
import type { ErpFetch, ErpLine, ErpSource } from '../../src/ports.ts';
import { createErpFolder, type ErpFolder } from '../support/erp-files.ts';

let folder: ErpFolder;
beforeEach(async () => {
  folder = await createErpFolder();
});
afterEach(() => folder.remove());

function sourceOf(fields: SourceFields, environment = {}): ErpSource {
  return createErpSource('sap', fields, { nowMs: Date.now, environment });
}

async function linesOf(fetched: ErpFetch): Promise<ErpLine[]> {
  if (fetched.kind !== 'snapshot') throw new Error(`no snapshot: ${fetched.why}`);
  const lines: ErpLine[] = [];
  await fetched.snapshot.read((batch) => void lines.push(...batch.lines));
  return lines;
}

const csv = 'sku,qty\nA,5\nB,7\n';
const both = [
  { sku: 'A', location: 'main', qty: 5 },
  { sku: 'B', location: 'main', qty: 7 },
];

describe('a file', () => {
  const inFile = () =>
    sourceOf({ kind: 'file', path: join(folder.path, 'stock.csv'), settleMs: 100 });

  test('is read once, and again when it has changed', async () => {
    const source = inFile();
    expect(await source.fetch()).toEqual({ kind: 'none', why: 'absent' });
    await folder.write('stock.csv', csv);
    expect(await linesOf(await source.fetch())).toEqual(both);
    await source.settle('compared');
    expect(await source.fetch()).toEqual({ kind: 'none', why: 'unchanged' });
    await folder.write('stock.csv', csv, 30_000);
    expect(await linesOf(await source.fetch())).toEqual(both);
  });

  test('is fetched again when nothing came of it', async () => {
    const source = inFile();
    await folder.write('stock.csv', csv);
    await source.fetch();
    await source.settle('later');
    expect((await source.fetch()).kind).toBe('snapshot');
  });

  test('that still grows is left for the next time', async () => {
    const source = inFile();
    const path = await folder.write('stock.csv', csv, 0);
    const fetching = source.fetch();
    await appendFile(path, 'C,9\n');
    expect(await fetching).toEqual({ kind: 'none', why: 'growing' });
  });

  test('has its identity and its checksum beside it', async () => {
    const source = inFile();
    await folder.write('stock.csv.meta.json', '{"snapshotId":"s-1","asOfMs":5,"lineCount":2}');
    await folder.write('stock.csv', csv);
    const sum = createHash('sha256').update(csv).digest('hex');
    await folder.write('stock.csv.sha256', `${sum}  stock.csv\n`);
    expect(await source.fetch()).toMatchObject({
      snapshot: { snapshotId: 's-1', asOfFromMs: 5, asOfToMs: 5, statedLines: 2 },
    });
    await folder.write('stock.csv', csv.slice(0, -4));
    await expect(source.fetch()).rejects.toMatchObject({ code: 'metadata', isFinal: true });
  });

  test('that does not say when it was read was read some time before it was finished', async () => {
    const path = await folder.write('stock.csv', csv, 60_000);
    const modifiedAtMs = Math.round((await stat(path)).mtimeMs);
    const readAgo = async (more: object) => {
      const fetched = await sourceOf({ kind: 'file', path, ...more }).fetch();
      if (fetched.kind !== 'snapshot') throw new Error('no snapshot');
      const { asOfFromMs, asOfToMs } = fetched.snapshot;
      return [modifiedAtMs - asOfFromMs, modifiedAtMs - asOfToMs];
    };
    expect(await readAgo({})).toEqual([600_000, 0]);
    expect(await readAgo({ exportTakesMs: 5_000 })).toEqual([5_000, 0]);
    await folder.write('stock.csv.meta.json', '{"asOfFromMs":5,"asOfToMs":7}');
    expect(await readAgo({})).toEqual([modifiedAtMs - 5, modifiedAtMs - 7]);
  });

  test('whose checksum proves it whole need not end with a line end', async () => {
    const path = await folder.write('stock.csv', 'sku,qty\nA,5\nB,7');
    const source = sourceOf({ kind: 'file', path });
    expect(await linesOf(await source.fetch())).toEqual(both.slice(0, 1));
    const sum = createHash('sha256').update('sku,qty\nA,5\nB,7').digest('hex');
    await folder.write('stock.csv.sha256', sum);
    expect(await linesOf(await source.fetch())).toEqual(both);
  });

  test('is neither a link nor a directory, and no larger than is allowed', async () => {
    await folder.write('secret', csv);
    await symlink(join(folder.path, 'secret'), join(folder.path, 'stock.csv'));
    await expect(inFile().fetch()).rejects.toMatchObject({ code: 'format', isFinal: true });
    const isFolder = sourceOf({ kind: 'file', path: folder.path });
    await expect(isFolder.fetch()).rejects.toMatchObject({ code: 'format' });
    const path = await folder.write('large.csv', csv);
    const small = sourceOf({ kind: 'file', path, bytesMax: 10 });
    await expect(small.fetch()).rejects.toMatchObject({ code: 'too_large', isFinal: true });
  });
});

describe('a directory', () => {
  const inFolder = () => sourceOf({ kind: 'directory', path: folder.path, settleMs: 0 });
  const filesIn = async (name: string) => (await readdir(join(folder.path, name))).sort();

  test('gives one export after the other, and moves what has been compared', async () => {
    const source = inFolder();
    await folder.write('2-stock.csv', 'sku,qty\nA,6\n');
    await folder.write('1-stock.json', '[{"sku":"A","qty":5}]');
    await folder.write('1-stock.json.meta.json', '{"snapshotId":"s-1"}');
    expect(await linesOf(await source.fetch())).toMatchObject([{ sku: 'A', qty: 5 }]);
    await source.settle('compared');
    expect(await linesOf(await source.fetch())).toMatchObject([{ sku: 'A', qty: 6 }]);
    await source.settle('refused');
    expect(await source.fetch()).toEqual({ kind: 'none', why: 'absent' });
    expect(await filesIn('done')).toEqual([
      expect.stringMatching(/-1-stock\.json$/),
      expect.stringMatching(/-1-stock\.json\.meta\.json$/),
    ]);
    expect(await filesIn('failed')).toEqual([expect.stringMatching(/-2-stock\.csv$/)]);
  });

  test('does not see what is still being written under another name', async () => {
    const source = inFolder();
    for (const name of ['.stock.csv', 'stock.csv.tmp', 'stock.csv.part', 'notes.md']) {
      await folder.write(name, csv);
    }
    await mkdir(join(folder.path, 'old.csv'));
    expect(await source.fetch()).toEqual({ kind: 'none', why: 'absent' });
    await rename(join(folder.path, 'stock.csv.tmp'), join(folder.path, 'stock.csv'));
    expect((await source.fetch()).kind).toBe('snapshot');
  });

  test('puts a broken export aside with the reason, and goes on with the next', async () => {
    const source = inFolder();
    await folder.write('1.csv', Buffer.from('sku,qty\nK\u00c4SE,5\n', 'latin1'));
    await folder.write('2.csv', csv);
    await expect(source.fetch()).rejects.toMatchObject({ code: 'encoding' });
    expect(await filesIn('failed')).toEqual([
      expect.stringMatching(/-1\.csv$/),
      expect.stringMatching(/-1\.csv\.why\.txt$/),
    ]);
    expect(await linesOf(await source.fetch())).toEqual(both);
  });

  test('is not held up by what is no plain file, nor by what lies beside one', async () => {
    const source = inFolder();
    await folder.write('secret', csv);
    await symlink(join(folder.path, 'secret'), join(folder.path, '1-link.csv'));
    execFileSync('mkfifo', [join(folder.path, '2-pipe.csv')]);
    await folder.write('3-stock.csv', csv);
    execFileSync('mkfifo', [join(folder.path, '3-stock.csv.meta.json')]);
    await folder.write('4-stock.csv', csv);
    await mkdir(join(folder.path, '4-stock.csv.sha256'));
    await folder.write('5-stock.csv', csv);
    await folder.write('5-stock.csv.meta.json', `{"x":"${'x'.repeat(2_000_000)}"}`);
    await folder.write('6-stock.csv', csv);
    for (const code of ['format', 'format', 'format', 'format', 'too_large']) {
      await expect(source.fetch()).rejects.toMatchObject({ code, isFinal: true });
    }
    expect(await linesOf(await source.fetch())).toEqual(both);
    expect(await filesIn('failed')).toContainEqual(
      expect.stringMatching(/-1-link\.csv\.why\.txt$/),
    );
  });

  test('tells of exports that appear, one after the other, and not of what it moves itself', async () => {
    const source = inFolder();
    let told = 0;
    const watching = source.onArrival!(() => {
      told += 1;
    });
    await sleep(900);
    expect(told).toBe(0);
    await folder.write('1.csv', csv);
    await folder.write('2.csv', csv);
    await folder.write('notes.md', 'none');
    await expect.poll(() => told, { timeout: 5_000 }).toBe(1);
    await source.fetch();
    await source.settle('compared');
    await expect.poll(() => told, { timeout: 5_000 }).toBe(2);
    await source.fetch();
    await source.settle('refused');
    await sleep(1_200);
    expect(told).toBe(2);
    watching.unsubscribe();
    await folder.write('3.csv', csv);
    await sleep(900);
    expect(told).toBe(2);
  });

  test('that appears later is watched from the next look on', async () => {
    const path = join(folder.path, 'later');
    const source = sourceOf({ kind: 'directory', path, settleMs: 0 });
    let told = 0;
    const watching = source.onArrival!(() => {
      told += 1;
    });
    await expect(source.fetch()).rejects.toMatchObject({ code: 'unreachable' });
    await mkdir(path);
    expect(await source.fetch()).toEqual({ kind: 'none', why: 'absent' });
    await writeFile(join(path, '1.csv'), csv);
    await expect.poll(() => told, { timeout: 5_000 }).toBe(1);
    watching.unsubscribe();
  });

  test('never overwrites what was done under the same name before', async () => {
    const source = inFolder();
    for (const _ of [1, 2]) {
      await folder.write('stock.csv', csv);
      await source.fetch();
      await source.settle('compared');
    }
    expect(await filesIn('done')).toHaveLength(2);
  });

  test('that is not there is trouble that may pass', async () => {
    const source = sourceOf({ kind: 'directory', path: join(folder.path, 'none') });
    await expect(source.fetch()).rejects.toMatchObject({ code: 'unreachable', isFinal: false });
  });
});

describe('HTTP', () => {
  type Handler = (request: IncomingMessage, response: ServerResponse) => void;

  async function serving<T>(handler: Handler, use: (url: string) => Promise<T>): Promise<T> {
    const server = createServer(handler).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/stock`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  const body = JSON.stringify({ snapshotId: 's-1', lines: [{ sku: 'A', qty: 5 }] });

  test('sends its authorisation, and the tag of what it has compared', async () => {
    const seen: (string | undefined)[] = [];
    const handler: Handler = (request, response) => {
      seen.push(request.headers.authorization, request.headers['if-none-match']);
      if (request.headers['if-none-match'] === '"v1"') return response.writeHead(304).end();
      response.writeHead(200, { etag: '"v1"', 'content-type': 'application/json' }).end(body);
    };
    await serving(handler, async (url) => {
      const headers = { authorization: { env: 'TOKEN' } };
      const source = sourceOf({ kind: 'http', url, headers }, { TOKEN: 'Bearer x' });
      expect(await linesOf(await source.fetch())).toHaveLength(1);
      await source.settle('later');
      expect((await source.fetch()).kind).toBe('snapshot');
      await source.settle('compared');
      expect(await source.fetch()).toEqual({ kind: 'none', why: 'unchanged' });
    });
    expect(seen).toEqual(['Bearer x', undefined, 'Bearer x', undefined, 'Bearer x', '"v1"']);
  });

  test.each<[string, Handler, object]>([
    ['denies', (_, r) => r.writeHead(401).end(), { code: 'forbidden', isFinal: false }],
    ['fails', (_, r) => r.writeHead(500).end(), { code: 'unreachable', isFinal: false }],
    ['redirects', (_, r) => r.writeHead(302, { location: '/x' }).end(), { code: 'unreachable' }],
    ['is silent', () => {}, { code: 'timeout', isFinal: false }],
    ['stops in between', (_, r) => void r.writeHead(200).write('{"li'), { code: 'timeout' }],
    ['ends too early', (_, r) => void r.writeHead(200).end('{"lines":['), { code: 'format' }],
    ['hangs up', (_, r) => void r.socket?.destroy(), { code: 'unreachable', isFinal: false }],
    ['talks for ever', (_, r) => flood(r), { code: 'too_large', isFinal: true }],
  ])('a server that %s is an error that says so', async (_what, handler, error) => {
    await serving(handler, async (url) => {
      const source = sourceOf({ kind: 'http', url, timeoutMs: 300, bytesMax: 100_000 });
      await expect(source.fetch()).rejects.toMatchObject(error);
    });
  });

  test('a body that ends with the connection may have been cut off', async () => {
    const cut: Handler = (_, response) => {
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200, { 'content-type': 'text/csv', connection: 'close' });
      response.write('sku,qty\nA,5\nB,7');
      response.end();
    };
    await serving(cut, async (url) => {
      expect(await linesOf(await sourceOf({ kind: 'http', url }).fetch())).toEqual(
        both.slice(0, 1),
      );
    });
    const whole: Handler = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/csv' }).end('sku,qty\nA,5\nB,7');
    };
    await serving(whole, async (url) => {
      expect(await linesOf(await sourceOf({ kind: 'http', url }).fetch())).toEqual(both);
    });
  });

  function flood(response: ServerResponse): void {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(10_000)));
    };
    response.on('drain', more);
    more();
  }
});

describe('SQLite', () => {
  const query = 'select sku, qty, place as location from stock order by sku';

  async function database(): Promise<string> {
    const path = join(folder.path, 'erp.db');
    const erp = new Database(path);
    erp.exec(
      "create table stock (sku text, qty integer, place text);insert into stock values ('A', 5, 'main'), ('B', 7, 'main')",
    );
    erp.exec(
      "create table run (snapshot_id text, as_of_from_ms integer, as_of_to text, line_count integer);insert into run values ('r-9', 1000, '2026-11-24T10:00:00Z', 2)",
    );
    erp.close();
    return path;
  }

  test('gives its rows, and what it knows about them', async () => {
    const path = await database();
    const source = sourceOf({ kind: 'sqlite', path, query, metadataQuery: 'select * from run' });
    const fetched = await source.fetch();
    expect(fetched).toMatchObject({
      snapshot: {
        snapshotId: 'r-9',
        asOfFromMs: 1000,
        asOfToMs: Date.UTC(2026, 10, 24, 10),
        statedLines: 2,
      },
    });
    expect(await linesOf(fetched)).toEqual(both);
  });

  test('cannot be changed by the query, whatever it says', async () => {
    const path = await database();
    const source = sourceOf({
      kind: 'sqlite',
      path,
      query: 'delete from stock returning sku, qty',
    });
    await expect(source.fetch()).rejects.toMatchObject({ code: 'query' });
    expect(await linesOf(await sourceOf({ kind: 'sqlite', path, query }).fetch())).toEqual(both);
  });

  test('lets others have their turn while it gives many rows, and ends in time', async () => {
    const path = await database();
    const many =
      "with recursive n(i) as (select 1 union all select i + 1 from n limit 300000) select 'S-' || i as sku, i as qty from n";
    let turns = 0;
    const counting = setInterval(() => {
      turns += 1;
    }, 1);
    const fetching = sourceOf({ kind: 'sqlite', path, query: many }).fetch();
    expect(await linesOf(await fetching)).toHaveLength(300_000);
    clearInterval(counting);
    expect(turns).toBeGreaterThan(5);
    const hurried = sourceOf({ kind: 'sqlite', path, query: many, timeoutMs: 1 }).fetch();
    await expect(hurried).rejects.toMatchObject({ code: 'timeout', isFinal: false });
  });

  test('that is none, or has no such table, is an error that says so', async () => {
    const path = join(folder.path, 'none.db');
    await expect(sourceOf({ kind: 'sqlite', path, query }).fetch()).rejects.toMatchObject({
      code: 'unreachable',
    });
    await writeFile(path, 'this is no database, whatever its name may be, and long enough');
    await expect(sourceOf({ kind: 'sqlite', path, query }).fetch()).rejects.toMatchObject({
      code: 'query',
    });
  });
});
