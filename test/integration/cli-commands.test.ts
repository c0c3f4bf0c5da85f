// The commands of the shell against a real deployment: what they print, and the status they end with.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliResult, cliFor } from '../support/cli.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { startNode, type TestNode } from '../support/node.ts';

let folder: string;
let server: TestNats;
let node: TestNode;
let lastunit: (...args: string[]) => Promise<CliResult>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lastunit-cli-'));
  server = await startNats();
  node = await startNode({ url: server.url });
  lastunit = cliFor({ url: server.url });
});

afterAll(async () => {
  await node?.stop();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function stocked(sku: string, qty: number): Promise<void> {
  const result = await lastunit('receive', sku, '--qty', String(qty));
  expect(result).toMatchObject({ status: 0 });
}

/** Rows follow their commit by a moment. */
async function eventually(check: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await check();
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe('one command', () => {
  test('receive, reserve, confirm: sentences for people', async () => {
    await stocked('MUG 1', 5);
    const reserved = await lastunit(
      'reserve',
      'MUG 1',
      '--qty',
      '2',
      '--id',
      'r-1',
      '--ttl',
      '10m',
    );
    expect(reserved.out[0]).toMatch(
      /^reserved 2 × MUG 1 \(2 at main\), until \d\d:\d\d:\d\d \(10m\)$/,
    );
    expect(reserved.out[1]).toBe('available to web: 3');
    expect(reserved.out[2]).toBe(
      "confirm it with: lastunit confirm 'MUG 1' --reservation r-1 --channel web",
    );
    const confirmed = await lastunit('confirm', 'MUG 1', '--reservation', 'r-1', '--order', 'o-1');
    expect(confirmed.out[0]).toBe('confirmed 2 × MUG 1 (2 at main)');
  });

  test('with --json the reply as it came', async () => {
    await stocked('JSON-1', 5);
    const { out, status } = await lastunit('reserve', 'JSON-1', '--id', 'j-1', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(out[0] as string)).toMatchObject({
      ok: true,
      id: 'j-1',
      sku: 'JSON-1',
      qty: 1,
      allocations: [{ location: 'main', qty: 1 }],
      available: 4,
    });
  });

  test('refused: status 1, the code on standard error, the reply still as JSON', async () => {
    await stocked('FEW', 1);
    const refused = await lastunit('reserve', 'FEW', '--qty', '3', '--json');
    expect(refused.status).toBe(1);
    expect(refused.err).toMatch(/insufficient_stock: FEW: 3 requested, 1 available to web/);
    expect(refused.json()[0]).toMatchObject({ ok: false, error: { code: 'insufficient_stock' } });
  });

  test('repeated with the same id it has one effect, and says so', async () => {
    await stocked('TWICE', 5);
    await lastunit('sell', 'TWICE', '--qty', '2', '--id', 's-1', '--channel', 'pos');
    const again = await lastunit('sell', 'TWICE', '--qty', '2', '--id', 's-1', '--channel', 'pos');
    expect(again.out[0]).toContain('answered again');
    expect((await lastunit('get', 'TWICE', '--json')).json()[0]).toMatchObject({ onHand: 3 });
  });

  test('a cart: all lines or none, confirmed by its reservation alone', async () => {
    await stocked('C-1', 2);
    await stocked('C=2', 2);
    const cart = ['reserve', '--line', 'C-1=1', '--line', 'C=2=2', '--id', 'cart-1'];
    expect((await lastunit(...cart)).out[0]).toBe('reserved cart cart-1');
    const short = await lastunit('reserve', '--line', 'C-1=1', '--line', 'C=2=1');
    expect(short).toMatchObject({ status: 1 });
    expect(short.err).toContain('insufficient_stock');
    const confirmed = await lastunit('confirm', '--reservation', 'cart-1', '--json');
    expect(confirmed.json()[0]).toMatchObject({ ok: true, lines: [{ qty: 1 }, { qty: 2 }] });
  });

  test('every other verb reaches the system with its fields', async () => {
    await stocked('ALL', 10);
    const steps: [string[], RegExp][] = [
      [['count', 'ALL', '--counted', '12'], /counted/],
      [['adjust', 'ALL', '--delta', '-2', '--reason', 'broken'], /adjusted -2 × ALL/],
      [['transfer', 'ALL', '--qty', '3', '--from', 'main', '--to', 'store-1'], /transferred 3/],
      [['restock', 'ALL', '--location', 'store-1'], /restocked 1 × ALL \(1 at store-1\)/],
      [['policy', 'ALL', '--safety-stock', '4', '--for', 'web:buffer=2,quota=5'], /policy set/],
      [['reserve', 'ALL', '--id', 'all-1', '--ttl', '1m'], /available to web: 4/],
      [['renew', 'ALL', '--reservation', 'all-1', '--ttl', '30m'], /\(30m\)/],
      [['release', 'ALL', '--reservation', 'all-1'], /released 1/],
    ];
    for (const [args, expected] of steps) {
      const result = await lastunit(...args);
      expect(`${args[0]}: ${result.out.join('\n')}${result.err}`).toMatch(expected);
    }
    expect((await lastunit('get', 'ALL')).out).toEqual([
      expect.stringMatching(/^ALL: 11 on hand, 0 reserved in 0 holds, 5 available to web/),
      '  main: 7 on hand, 0 reserved',
      '  store-1: 4 on hand, 0 reserved',
    ]);
  });

  test.each([
    [['reserve']],
    [['reserve', 'A', 'B']],
    [['reserve', 'A', '--line', 'B=1']],
    [['reserve', 'A', '--qty', 'two']],
    [['reserve', 'A', '--ttl', '15']],
    [['reserve', 'A', '--channel', 'Web']],
    [['reserve', 'A', '--colour', 'red']],
    [['adjust', 'A', '--delta', '1']],
    [['no-such-command']],
    [['facts', 'retry']],
    [['stock', 'A', '--channel', 'wms']],
    [['rebuild', 'inv_nodes']],
  ])('%j is wrong usage: status 2, nothing on standard output', async (args) => {
    const { status, out, err } = await lastunit(...args);
    expect({ status, out }).toEqual({ status: 2, out: [] });
    expect(err).not.toBe('');
  });

  test('a channel that may not: the system says so', async () => {
    const { status, err } = await lastunit('receive', 'X', '--channel', 'web');
    expect({ status, err }).toMatchObject({ status: 1, err: expect.stringContaining('forbidden') });
  });
});

describe('without anybody there', () => {
  test('no NATS: status 3, at once, with what to do', async () => {
    const away = cliFor({ url: 'nats://127.0.0.1:1' });
    for (const args of [['stock', 'A'], ['reserve', 'A'], ['audit'], ['nodes']]) {
      const { status, err } = await away(...args);
      expect(status).toBe(3);
      expect(err).toMatch(/cannot connect .*LASTUNIT_NATS_URL/s);
    }
  });

  test('NATS without a node: refused as unavailable, with what to do', async () => {
    const empty = await startNats();
    try {
      const result = await cliFor({ url: empty.url })('get', 'A', '--timeout', '300ms');
      expect(result.status).toBe(1);
      expect(result.err).toMatch(/unavailable: no node answers: start one/);
      const stock = await cliFor({ url: empty.url })('stock', 'A');
      expect(stock).toMatchObject({ status: 1, err: expect.stringContaining('unknown_sku') });
      const journal = await cliFor({ url: empty.url })('audit');
      expect(journal).toMatchObject({ status: 1, err: expect.stringContaining('no journal yet') });
    } finally {
      await empty.stop();
    }
  });
});

describe('looking', () => {
  test('stock shows the views, for people and as they are', async () => {
    await stocked('LOOK/1', 7);
    await eventually(async () => {
      const { out } = await lastunit('stock', 'LOOK/1');
      expect(out[0]).toBe('LOOK/1: 7 on hand, 0 reserved in 0 holds, 7 available');
      expect(out.join('\n')).toMatch(/web +7 +in_stock/);
    });
    expect((await lastunit('stock', 'LOOK/1', '--json')).json()[0]).toMatchObject({
      sku: 'LOOK/1',
      onHand: 7,
      locations: { main: { onHand: 7, reserved: 0 } },
    });
    const view = await lastunit('stock', 'LOOK/1', '--channel', 'pos', '--json');
    expect(view.json()[0]).toMatchObject({ sku: 'LOOK/1', available: 7, status: 'in_stock' });
    expect((await lastunit('stock', '--limit', '3')).out).toHaveLength(4);
  });

  test('a SKU that nobody has seen: status 1', async () => {
    for (const command of ['stock', 'history', 'explain']) {
      const { status, err } = await lastunit(command, 'NEVER');
      expect({ status, err }).toEqual({ status: 1, err: expect.stringContaining('unknown_sku') });
    }
  });

  test('history tells every event, and the stock at a time', async () => {
    await stocked('PAST', 10);
    const between = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await lastunit('sell', 'PAST', '--qty', '4');
    await eventually(async () => {
      const events = (await lastunit('history', 'PAST', '--json')).json();
      expect(events).toMatchObject([
        { sku: 'PAST', type: 'stock.received', version: 1, qty: 10, onHand: 10 },
        { sku: 'PAST', type: 'stock.sold', version: 2, qty: 4, onHand: 6 },
      ]);
    });
    const at = await lastunit('history', 'PAST', '--at', String(between), '--json');
    expect(at.json()[0]).toMatchObject({ version: 1, onHand: 10, available: 10 });
    const early = await lastunit('history', 'PAST', '--at', '1h ago');
    expect(early.status).toBe(1);
  });

  test('explain adds up to what the channel sees', async () => {
    await stocked('WHY', 20);
    await lastunit(
      'policy',
      'WHY',
      '--safety-stock',
      '3',
      '--for',
      'web:buffer=2',
      '--for',
      'pos:ring-fence=4',
    );
    await lastunit('reserve', 'WHY', '--qty', '5', '--id', 'why-1');
    await lastunit('reserve', 'WHY', '--qty', '1', '--channel', 'pos');
    await eventually(async () => {
      const { out } = await lastunit('explain', 'WHY', '--channel', 'web');
      expect(out[0]).toBe('WHY: 6 available to web');
      expect(out.join('\n')).toMatch(
        /20 {2}on hand \(main 20\)\n.*- 6 {2}reserved \(2 holds: web 5, pos 1\)\n.*- 3 {2}safety stock\n.*- 3 {2}set aside for pos \(of 4\)\n.*- 2 {2}buffer of web\n.*= 6 {2}available\n.*held: 5 by web \(why-1\)/,
      );
    });
    const { available } = (await lastunit('get', 'WHY', '--json')).json()[0] as {
      available: number;
    };
    expect(available).toBe(6);
  });

  test('nodes tells who serves what', async () => {
    const { out } = await lastunit('nodes');
    expect(out[1]).toMatch(/^n1 +serving +0-3 /);
    expect((await lastunit('nodes', '--json')).json()[0]).toMatchObject({
      name: 'n1',
      partitions: [0, 1, 2, 3],
      status: { ready: true },
    });
  });

  test('doctor finds nothing that is wrong', async () => {
    const { status, out } = await lastunit('doctor');
    expect({ status, out: out.join('\n') }).toEqual({
      status: 0,
      out: expect.stringMatching(/ok +nodes +1 living: n1/),
    });
  });
});

describe('import', () => {
  test('good rows are applied, bad ones listed by line, and again does nothing', async () => {
    const file = join(folder, 'stock.csv');
    writeFileSync(file, 'sku,qty,location\nI-1,5,\nI-2,none,\n"I,3",7,store-1\n');
    const first = await lastunit('import', file, '--as', 'receive');
    expect(first.status).toBe(1);
    expect(first.out[0]).toMatch(/^2 of 3 rows applied/);
    expect(first.err).toContain('line 3: "none" is not a whole number');
    const again = await lastunit('import', file, '--as', 'receive', '--json');
    expect(again.json()[0]).toMatchObject({ applied: 0, before: 2 });
    expect((await lastunit('get', 'I,3', '--json')).json()[0]).toMatchObject({ onHand: 7 });
    await lastunit('import', file, '--as', 'receive', '--again');
    expect((await lastunit('get', 'I,3', '--json')).json()[0]).toMatchObject({ onHand: 14 });
  });

  test('as a count it sets what is there', async () => {
    const file = join(folder, 'count.csv');
    await stocked('K-1', 50);
    writeFileSync(file, 'K-1,8\n');
    expect((await lastunit('import', file, '--as', 'count')).status).toBe(0);
    expect((await lastunit('get', 'K-1', '--json')).json()[0]).toMatchObject({ onHand: 8 });
  });

  test('a file that is not there, and a verb that is none', async () => {
    const missing = await lastunit('import', join(folder, 'no.csv'), '--as', 'receive');
    expect(missing).toMatchObject({ status: 1, err: expect.stringContaining('ENOENT') });
    expect((await lastunit('import', 'x.csv', '--as', 'sell')).status).toBe(2);
  });
});

describe('looking after', () => {
  test('audit finds no difference, then a row that was changed by hand, and rebuild repairs it', async () => {
    await stocked('AUDIT 1', 3);
    await lastunit('reserve', 'AUDIT 1');
    expect(await lastunit('audit')).toMatchObject({ status: 0, err: '' });

    const connection = await connect({ servers: server.url });
    const row = { available: 99, status: 'in_stock', version: 2, asOfSeq: 1, updatedAtMs: 1 };
    for (const [key, sku] of [
      ['AUDIT=201', 'AUDIT 1'],
      ['NO-SUCH', 'NO-SUCH'],
    ]) {
      await connection.request(`$KV.inv_view_web.${key}`, JSON.stringify({ sku, ...row }));
    }
    await connection.close();
    const found = await lastunit('audit', '--wait', '300ms');
    expect(found.status).toBe(1);
    expect(found.err).toMatch(/view, inv_view_web, AUDIT 1: available is 99, should be 2/);
    expect(found.err).toMatch(/view, inv_view_web, NO-SUCH/);

    const rebuilt = await lastunit('rebuild', 'inv_view_web', '--json');
    expect(rebuilt.json()[0]).toMatchObject({ bucket: 'inv_view_web', written: 2 });
    const sampled = await lastunit('audit', '--actors', '2', '--json');
    expect(sampled).toMatchObject({ status: 0 });
    expect(sampled.json()[0]).toMatchObject({ ok: true, actors: 2 });
    expect((await lastunit('audit', '--actors', '0')).status).toBe(2);
    const again = await lastunit('rebuild', 'inv_stock', '--json');
    expect(again.json()[0]).toMatchObject({ written: 0 });
    expect((await lastunit('stock', 'NO-SUCH', '--channel', 'web')).status).toBe(1);
  });

  test('facts that cannot be applied are listed, sent again and dropped', async () => {
    const connection = await connect({ servers: server.url });
    const sell = { id: 'f-1', sku: 'FACT-1', from: 'main', to: 'store-1', qty: 2 };
    await connection.request('inv.fact.scanner.transfer.FACT-1', JSON.stringify(sell));
    await connection.request('inv.fact.scanner.sell.FACT-2', 'no JSON');
    await connection.close();
    let letters: { seq: number; code: string; payload: string }[] = [];
    await eventually(async () => {
      letters = (await lastunit('facts', 'dead', '--json')).json();
      expect(letters.map(({ payload }) => payload).sort()).toEqual(
        [JSON.stringify(sell), 'no JSON'].sort(),
      );
    });
    expect((await lastunit('facts', 'dead')).out.join('\n')).toMatch(/scanner/);
    const broken = letters.find(({ payload }) => payload === 'no JSON')!;
    expect((await lastunit('facts', 'drop', String(broken.seq))).out).toEqual(['1 dropped']);
    expect((await lastunit('facts', 'retry', '--all')).out[0]).toMatch(/^1 sent again/);
    expect((await lastunit('facts', 'retry', '4711')).status).toBe(1);
  });
});
