// `lastunit up` as a person starts it: what it says, what it survives, how it ends, and what it leaves behind.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  launch,
  mainPath,
  processesNaming,
  run,
  type Serving,
  serve,
} from '../support/processes.ts';

let folder: string;
let dataDir: string;
let serving: Serving[];

beforeEach(() => {
  expect(existsSync(mainPath), 'npm run build first').toBe(true);
  folder = mkdtempSync(join(tmpdir(), 'lastunit-up-'));
  dataDir = join(folder, 'data');
  serving = [];
});

afterEach(async () => {
  await Promise.all(serving.map((one) => one.end('SIGKILL')));
  while (processesNaming(folder).length > 0) await sleep(50);
  rmSync(folder, { recursive: true, force: true });
});

async function up(args: string[] = [], extra: Record<string, string> = {}): Promise<Serving> {
  const started = await serve(['up', ...args], { LASTUNIT_DATA_DIR: dataDir, ...extra });
  serving.push(started);
  return started;
}

/** A command against a running deployment. */
function lastunit({ natsUrl }: Serving, ...args: string[]) {
  return run(args, { LASTUNIT_NATS_URL: natsUrl });
}

async function onHand(running: Serving, sku: string): Promise<number> {
  const { out } = await lastunit(running, 'get', sku, '--json');
  return (JSON.parse(out) as { onHand: number }).onHand;
}

test('it serves, is interrupted, ends with 0, and leaves nothing behind', async () => {
  const running = await up();
  expect(running.natsUrl).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
  expect((await fetch(`${running.httpUrl}/readyz`)).status).toBe(200);
  await lastunit(running, 'receive', 'LAST', '--qty', '1');
  const reserved = await lastunit(running, 'reserve', 'LAST');
  expect(reserved).toMatchObject({ status: 0, err: '' });
  const again = await lastunit(running, 'reserve', 'LAST');
  expect(again).toMatchObject({ status: 1, err: expect.stringContaining('insufficient_stock') });

  const ended = await running.end('SIGINT');
  expect(ended).toMatchObject({ status: 0, signal: null, err: '' });
  const said = ended.out.split('\n').map((line) => (line === '' ? '' : JSON.parse(line).msg));
  expect(said.indexOf('stopped')).toBeGreaterThan(said.indexOf('ready'));
  expect(processesNaming(folder)).toEqual([]);
  await expect(fetch(`${running.httpUrl}/healthz`)).rejects.toThrow();
});

test('a second interrupt right behind the first, as npm sends it, changes nothing', async () => {
  const running = await up();
  running.child.kill('SIGINT');
  running.child.kill('SIGINT');
  expect(await running.end('SIGTERM')).toMatchObject({ status: 0, signal: null });
});

test('an interrupt while it starts ends it with 0, too', async () => {
  const starting = launch(['up'], { LASTUNIT_DATA_DIR: dataDir });
  while (processesNaming(dataDir).length === 0) await sleep(20);
  starting.child.kill('SIGINT');
  expect(await starting.ended).toMatchObject({ status: 0, signal: null });
  expect(processesNaming(folder)).toEqual([]);
  await (await up()).end('SIGINT');
});

test('the same data after a stop: stock, holds, ids, and the journal verified', async () => {
  const first = await up();
  await lastunit(first, 'receive', 'KEPT', '--qty', '9', '--id', 'd-1');
  await lastunit(first, 'reserve', 'KEPT', '--qty', '4', '--id', 'r-1');
  await first.end('SIGTERM');

  const second = await up();
  const again = await lastunit(second, 'receive', 'KEPT', '--qty', '9', '--id', 'd-1');
  expect(again.out).toContain('answered again');
  const read = JSON.parse((await lastunit(second, 'get', 'KEPT', '--json')).out);
  expect(read).toMatchObject({ onHand: 9, reserved: 4, available: 5, reservations: 1 });
  const bought = await lastunit(second, 'confirm', 'KEPT', '--reservation', 'r-1');
  expect(bought.status).toBe(0);
  expect((await lastunit(second, 'audit')).status).toBe(0);
});

test('after kill -9 the next start finds everything that was acknowledged', async () => {
  const first = await up();
  await lastunit(first, 'receive', 'HIT', '--qty', '100');
  const connection = await connect({ servers: first.natsUrl });
  let sold = 0;
  const selling = (async () => {
    for (let at = 0; ; at += 1) {
      const payload = JSON.stringify({ id: `s-${at}`, sku: 'HIT', qty: 1 });
      const reply = await connection.request('inv.cmd.pos.sell', payload, { timeout: 2_000 });
      if ((reply.json() as { ok: boolean }).ok) sold += 1;
    }
  })().catch(() => {});
  while (sold < 5) await sleep(10);
  await first.end('SIGKILL');
  await connection.close();
  await selling;

  const second = await up();
  const left = await onHand(second, 'HIT');
  // The last sale may have been stored without its reply.
  expect([100 - sold, 100 - sold - 1]).toContain(left);
  expect((await lastunit(second, 'audit')).status).toBe(0);
  expect((await second.end('SIGINT')).status).toBe(0);
});

describe('when it cannot start, it says why in one sentence and ends with 1', () => {
  async function refusal(extra: Record<string, string>): Promise<string> {
    const ended = await run(['up'], { LASTUNIT_DATA_DIR: dataDir, ...extra });
    expect({ status: ended.status, err: ended.err }).toMatchObject({ status: 1 });
    expect(ended.err.trim().split('\n')).toHaveLength(1);
    expect(processesNaming(folder)).toEqual([]);
    return ended.err;
  }

  test('a port in use, of NATS or of the console', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    expect(await refusal({ LASTUNIT_NATS_PORT: String(port) })).toMatch(
      new RegExp(`Port ${port} .*in use.*LASTUNIT_NATS_PORT`),
    );
    expect(await refusal({ LASTUNIT_HTTP_PORT: String(port) })).toMatch(
      new RegExp(`port ${port} .*in use.*LASTUNIT_HTTP_PORT`),
    );
    other.close();
  });

  test('a data directory in use', async () => {
    const running = await up();
    const ended = await run(['up'], { LASTUNIT_DATA_DIR: dataDir });
    expect(ended).toMatchObject({ status: 1, err: expect.stringMatching(/in use by another/) });
    expect((await running.end('SIGINT')).status).toBe(0);
  });

  test('a data directory that cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    expect(await refusal({ LASTUNIT_DATA_DIR: join(folder, 'file', 'data') })).toMatch(
      /cannot be written.*LASTUNIT_DATA_DIR/,
    );
  });

  test('no nats-server, and one that is too old', async () => {
    expect(await refusal({ LASTUNIT_NATS_SERVER: join(folder, 'none') })).toMatch(
      /LASTUNIT_NATS_SERVER names .* not an executable/,
    );
    const old = join(folder, 'nats-server');
    writeFileSync(old, '#!/bin/sh\necho "nats-server: v2.10.1"\n');
    chmodSync(old, 0o755);
    expect(await refusal({ LASTUNIT_NATS_SERVER: old })).toMatch(/2\.10\.1, and lastunit needs/);
  });
});

test('a configuration with problems: all of them at once, status 2', async () => {
  const config = join(folder, 'lastunit.json');
  const wrong = { partitions: 0, limits: { mailboxCommandMax: 5 }, channels: { Web: {} } };
  writeFileSync(config, JSON.stringify(wrong));
  const ended = await run(['up'], { LASTUNIT_CONFIG: config, LASTUNIT_DATA_DIR: dataDir });
  expect(ended.status).toBe(2);
  expect(ended.err).toMatch(/partitions/);
  expect(ended.err).toMatch(/mailboxCommandMax.*did you mean mailboxCommandsMax/);
  expect(ended.err).toMatch(/channels\.Web/);
  expect(existsSync(dataDir)).toBe(false);
});

test('a configuration with another number of partitions than the journal: it says which', async () => {
  const first = await up();
  await first.end('SIGINT');
  mkdirSync(join(folder, 'config'));
  const config = join(folder, 'config', 'lastunit.json');
  writeFileSync(config, '{"partitions": 32}');
  const ended = await run(['up'], { LASTUNIT_CONFIG: config, LASTUNIT_DATA_DIR: dataDir });
  expect(ended).toMatchObject({ status: 1, err: expect.stringMatching(/set "partitions" to 16/) });
  expect(processesNaming(folder)).toEqual([]);
});

test('when its nats-server dies, it says so and ends with 1', async () => {
  const running = await up();
  const [server] = processesNaming('server.conf').filter((pid) =>
    processesNaming(dataDir).includes(pid),
  );
  process.kill(server as number, 'SIGKILL');
  const ended = await running.ended;
  expect(ended).toMatchObject({
    status: 1,
    err: expect.stringMatching(/nats-server has ended by itself/),
  });
  expect(processesNaming(folder)).toEqual([]);
});

describe('--demo', () => {
  test('imports the sample once and sells it through several channels', async () => {
    const first = await up(['--demo']);
    while (!/"demo":"(web|mobile)"/.test(first.out())) await sleep(50);
    expect(first.out()).toContain('24 rows received');
    expect(first.out()).toContain('stock CONSOLE-LIMITED --watch');
    await sleep(1_500);
    expect((await lastunit(first, 'audit')).status).toBe(0);
    expect((await first.end('SIGINT')).status).toBe(0);

    const second = await up(['--demo']);
    while (!second.out().includes('imported earlier')) await sleep(50);
    const listed = await lastunit(second, 'stock');
    expect(listed.out).toContain('PUZZLE, 1000 PIECES');
  });
});

test("a node of one's own joins the same NATS, takes its share, and hands it back", async () => {
  const first = await up();
  const second = await serve(['node', '--name', 'second'], { LASTUNIT_NATS_URL: first.natsUrl });
  serving.push(second);
  const served = async () => {
    const { out } = await lastunit(first, 'nodes', '--json');
    const nodes = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    return Object.fromEntries(nodes.map(({ name, partitions }) => [name, partitions.length]));
  };
  for (let tries = 0; ((await served()).second ?? 0) === 0 && tries < 50; tries += 1)
    await sleep(200);
  const shares = await served();
  expect(shares.second).toBeGreaterThan(0);
  await lastunit(first, 'receive', 'SHARED', '--qty', '3');
  const taken = await run(['node', '--name', 'second'], { LASTUNIT_NATS_URL: first.natsUrl });
  expect(taken).toMatchObject({ status: 1, err: expect.stringMatching(/named second already/) });
  expect((await second.end('SIGTERM')).status).toBe(0);
  for (let tries = 0; (await served()).local !== 16 && tries < 50; tries += 1) await sleep(200);
  expect(await served()).toEqual({ local: 16 });
  expect(await onHand(first, 'SHARED')).toBe(3);
});
