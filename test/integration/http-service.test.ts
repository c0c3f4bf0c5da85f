// HTTP against a real deployment: probes, metrics, API, changes as they happen, and the page itself.

import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isForeignHost } from '../../src/http/guard.ts';
import { createHttp, type HttpService } from '../../src/http/service.ts';
import { createReadModels } from '../../src/nats/read-models.ts';
import { CountingMetrics } from '../../src/runtime/metrics.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import {
  connectChannel,
  silentLog,
  startNode,
  type TestChannel,
  type TestNode,
  testConfig,
} from '../support/node.ts';

let server: TestNats;
let node: TestNode;
let channel: TestChannel;
let http: HttpService;
let connected = true;

beforeAll(async () => {
  server = await startNats();
  node = await startNode({ url: server.url });
  channel = await connectChannel(server.url);
  http = createHttp({ config: testConfig(), version: '1.2.3', log: silentLog });
  await http.listen('127.0.0.1', 0);
});

afterAll(async () => {
  await http?.close();
  await channel?.close();
  await node?.stop();
  await server?.stop();
});

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${http.url}${path}`, { headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

async function json(path: string): Promise<Record<string, never>> {
  return JSON.parse((await get(path)).text);
}

function skusOf(page: { readonly rows?: unknown }): string[] {
  return (page.rows as { sku: string }[]).map(({ sku }) => sku);
}

async function received(sku: string, qty: number): Promise<void> {
  const id = `in-${Math.random().toString(36).slice(2)}`;
  await channel.request('inv.cmd.wms.receive', { id, sku, qty });
}

async function eventually<T>(read: () => Promise<T>, accept: (value: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const value = await read();
    if (accept(value) || tries === 100) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('before the node serves: alive, not ready, and the API says so', async () => {
  expect((await get('/healthz')).status).toBe(200);
  expect((await get('/readyz')).status).toBe(503);
  expect((await get('/metrics')).status).toBe(200);
  const { status, text } = await get('/api/stock/A');
  expect({ status, text }).toEqual({ status: 503, text: expect.stringContaining('starting') });

  const read = createReadModels(node.nats.api, node.nats.names);
  http.serve({ node: node.node, metrics: new CountingMetrics(), read, connected: () => connected });
  http.ready();
  expect((await get('/readyz')).status).toBe(200);
  connected = false;
  expect((await get('/readyz')).status).toBe(503);
  connected = true;
});

describe('the API', () => {
  test('a SKU by its name, whatever is in it', async () => {
    for (const sku of ['MUG 1', 'AB.123/XL', '茶 "100%"?#', '..', 'a%2Fb']) {
      await received(sku, 4);
      const name = encodeURIComponent(sku);
      // Clients resolve `..` in a path by themselves.
      const about = (what: string) =>
        sku === '..' ? `/api/${what}?sku=..&` : `/api/${what}/${name}?`;
      const row = await eventually(
        () => json(about('stock')),
        (value) => value.channels !== undefined,
      );
      expect(row).toMatchObject({
        sku,
        onHand: 4,
        channels: { web: { available: 4, status: 'in_stock' } },
      });
      const history = await json(about('history'));
      expect(history).toMatchObject({
        sku,
        total: 1,
        events: [{ type: 'stock.received', qty: 4 }],
      });
      const explained = await json(`${about('explain')}channel=web`);
      expect(explained).toMatchObject({ available: 4, channel: 'web', problems: [] });
    }
  });

  test('the longest SKU there may be', async () => {
    const sku = '界'.repeat(128);
    await received(sku, 1);
    const path = `/api/stock/${encodeURIComponent(sku)}`;
    const row = await eventually(
      () => json(path),
      (value) => value.sku !== undefined,
    );
    expect(row).toMatchObject({ sku, onHand: 1 });
  });

  test('a SKU that nobody has seen is 404', async () => {
    for (const what of ['stock', 'history', 'explain']) {
      const { status, text } = await get(`/api/${what}/NEVER`);
      expect(status).toBe(404);
      expect(JSON.parse(text)).toMatchObject({ error: { code: 'unknown_sku' } });
    }
  });

  test('SKUs are found by a part of their name, page by page', async () => {
    for (const size of ['S', 'M', 'L']) await received(`Tee-Black-${size}`, 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const first = await eventually(
      () => json('/api/stock?q=tee-bl&limit=2'),
      (value) => value.matches === 3,
    );
    expect(first).toMatchObject({ matches: 3, truncated: false });
    expect(skusOf(first)).toEqual(['Tee-Black-L', 'Tee-Black-M']);
    const second = await json('/api/stock?q=tee-bl&limit=2&offset=2');
    expect(skusOf(second)).toEqual(['Tee-Black-S']);
    expect(await json('/api/stock?q=%00nothing&limit=x')).toMatchObject({ matches: 0, rows: [] });
  });

  test('nodes, channels, reconciliation', async () => {
    expect(await json('/api/nodes')).toMatchObject({
      nodes: [{ name: 'n1', partitions: [0, 1, 2, 3] }],
      here: { name: 'n1', ready: true },
    });
    const info = await json('/api/info');
    expect(info).toMatchObject({ version: '1.2.3', partitions: 4, node: 'n1' });
    expect(await json('/api/reconcile')).toEqual({ latest: null, open: [] });
  });
});

describe('changes', () => {
  test('rows are sent as they change, of one SKU or of all', async () => {
    const all = await listen('/api/changes');
    const one = await listen(`/api/changes?sku=${encodeURIComponent('LIVE 1')}`);
    await received('LIVE 1', 5);
    await received('LIVE 2', 5);
    const stockOf = (sku: string) => (text: string) =>
      new RegExp(`event: stock\\ndata: .*"sku":"${sku}"`).test(text);
    expect(await all.until((text) => stockOf('LIVE 1')(text) && stockOf('LIVE 2')(text))).toBe(
      true,
    );
    expect(await one.until(stockOf('LIVE 1'))).toBe(true);
    expect(await one.until((text) => /event: view\ndata: {"channel":"web"/.test(text))).toBe(true);
    expect(one.text()).not.toContain('LIVE 2');
    all.close();
    one.close();
  });

  test('a burst is conflated: the newest row of a key counts', async () => {
    const feed = await listen(`/api/changes?sku=BURST`);
    await Promise.all(Array.from({ length: 500 }, () => received('BURST', 1)));
    expect(await feed.until((text) => text.includes('"onHand":500,'))).toBe(true);
    const rows = feed.text().match(/event: stock/g) ?? [];
    expect(rows.length).toBeLessThan(100);
    feed.close();
  });
});

describe('metrics', () => {
  test('are what Prometheus reads', async () => {
    const { headers, text } = await get('/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    expect(text).toMatch(/^# TYPE lastunit_commit_seconds histogram$/m);
    expect(text).toMatch(/^lastunit_partitions_serving 4$/m);
    expect(text).toMatch(/^lastunit_ready 1$/m);
    expect(text).toMatch(/^lastunit_commit_seconds_bucket\{le="\+Inf"\} \d+$/m);
    for (const line of text.split('\n')) {
      expect(line).toMatch(/^(?:|# (?:HELP|TYPE) .*|[a-z_]+(?:\{[^}]*\})? -?[\d.e+-]+|.* NaN)$/);
    }
  });

  test('buckets of a distribution are cumulative', async () => {
    const metrics = new CountingMetrics();
    for (const ms of [0.2, 0.3, 3, 99_999]) metrics.commit({ commands: 1, bytes: 100, ms });
    metrics.command('reserve', 'accepted');
    metrics.command('frame', 'accepted');
    const own = createHttp({ config: testConfig(), version: '1', log: silentLog });
    await own.listen('127.0.0.1', 0);
    const read = createReadModels(node.nats.api, node.nats.names);
    own.serve({ node: node.node, metrics, read, connected: () => true });
    const text = await (await fetch(`${own.url}/metrics`)).text();
    await own.close();
    expect(text).toContain('lastunit_commit_seconds_bucket{le="0.00025"} 1');
    expect(text).toContain('lastunit_commit_seconds_bucket{le="0.005"} 3');
    expect(text).toContain('lastunit_commit_seconds_bucket{le="+Inf"} 4');
    expect(text).toContain('lastunit_commit_seconds_count 4');
    expect(text).toContain('lastunit_commands_total{verb="reserve",outcome="accepted"} 1');
    expect(text).toContain('lastunit_frames_total{outcome="accepted"} 1');
  });
});

describe('the page', () => {
  test('everything that it names is there, and comes from nowhere else', async () => {
    const page = await get('/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    const named = [...page.text.matchAll(/(?:src|href)="([^"#]+)"/g)].map((match) => match[1]);
    expect(named).toContain('main.js');
    for (const file of named) expect((await get(`/${file}`)).status).toBe(200);
    const main = (await get('/main.js')).text;
    for (const [, file] of main.matchAll(/from '\.\/([^']+)'/g)) {
      expect((await get(`/${file}`)).status).toBe(200);
    }
  });

  test('is not sent again while it is the same', async () => {
    const { headers } = await get('/');
    const again = await get('/', { 'if-none-match': headers.get('etag') as string });
    expect(again.status).toBe(304);
  });

  test.each(['/../package.json', '/%2e%2e/package.json', '/README.md', '/api'])(
    '%s is not there',
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );
});

describe('who may ask', () => {
  test('a request by a name that is not this machine is refused', async () => {
    expect(await statusWithHost('evil.example')).toBe(403);
    expect(await statusWithHost('localhost:8080')).toBe(200);
  });

  test('a service that others may reach answers by any name', () => {
    expect(isForeignHost('0.0.0.0', 'stock.example')).toBe(false);
    expect(isForeignHost('127.0.0.1', 'stock.example:80')).toBe(true);
    expect(isForeignHost('::1', '[::1]:8080')).toBe(false);
  });
});

test('a port in use is the caller to tell', async () => {
  const second = createHttp({ config: testConfig(), version: '1', log: silentLog });
  const port = Number(new URL(http.url).port);
  await expect(second.listen('127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await second.close();
});

/** `fetch` sets the host itself. */
function statusWithHost(host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asking = request(`${http.url}/api/info`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asking.on('error', reject).end();
  });
}

/** Reads an event stream until it is closed. */
async function listen(path: string) {
  const stop = new AbortController();
  const response = await fetch(`${http.url}${path}`, { signal: stop.signal });
  let text = '';
  const decoder = new TextDecoder();
  void (async () => {
    for await (const chunk of response.body!) text += decoder.decode(chunk, { stream: true });
  })().catch(() => {});
  const until = async (accept: (text: string) => boolean) => {
    for (let tries = 0; tries < 200; tries += 1) {
      if (accept(text)) return true;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return false;
  };
  await until((seen) => seen.includes('event: hello'));
  return { text: () => text, until, close: () => stop.abort() };
}
