/** The connection and the mux over it: every request ends, whatever happens to the server. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBus } from '../../src/nats/bus.ts';
import { connectNats, withoutSecrets } from '../../src/nats/connect.ts';
import { headerBlock } from '../../src/nats/headers.ts';
import { createMux, type Mux } from '../../src/nats/mux.ts';
import { createNatsPorts } from '../../src/nats/nats-ports.ts';
import { PortError } from '../../src/ports.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { until } from '../support/deployment.ts';
import { startNats, type TestNats } from '../support/nats.ts';

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error) => (error instanceof PortError ? error.code : `not a PortError: ${error}`),
  );

describe('a connection', () => {
  let nats: TestNats;
  let mux: Mux;

  beforeEach(async () => {
    nats = await startNats();
    mux = createMux(await connectNats({ url: nats.url }));
  });
  afterEach(async () => {
    mux.close();
    await mux.connection.close();
    await nats.stop();
  });

  test('rejects what is under way as soon as the server dies, and everything while it is away', async () => {
    mux.connection.subscribe('silent', { callback: () => {} });
    const underWay = [1, 2, 3].map(() => codeOf(mux.request('silent', 'x', { timeoutMs: 60_000 })));
    const collecting = codeOf(mux.collect('silent', 'x', { timeoutMs: 60_000 }, () => 'more'));
    await mux.connection.flush();
    await nats.kill();
    expect(await Promise.all([...underWay, collecting])).toEqual(Array(4).fill('disconnected'));
    expect(mux.status).toBe('disconnected');
    expect(await codeOf(mux.request('silent', 'x', { timeoutMs: 60_000 }))).toBe('disconnected');
    expect(await codeOf(createBus(mux).ping())).toBe('disconnected');
    mux.publish('silent', 'into the void');
  });

  test('comes back by itself, subscriptions included', async () => {
    const bus = createBus(mux);
    const statuses: string[] = [];
    bus.onStatus((status) => statuses.push(status));
    bus.serve('echo', {}, (message) => message.respond?.('here'));
    await nats.kill();
    await until(() => mux.status === 'disconnected');
    await nats.restart();
    await until(() => mux.status === 'connected');
    expect(await codeOf(bus.request('echo', '', 5_000))).toBe('answered');
    expect(statuses).toEqual(['disconnected', 'connected']);
  });

  test('is cut when the server is silent, even with full buffers', async () => {
    await nats.pause();
    for (let index = 0; index < 20_000; index++) mux.publish('flood', 'x'.repeat(1_000));
    const statuses: string[] = [];
    void (async () => {
      for await (const event of mux.connection.status()) statuses.push(event.type);
    })();
    // The client itself would wait here until the server reads again.
    await until(() => statuses.includes('reconnecting'));
    expect(mux.status).toBe('disconnected');
    nats.resume();
    await until(() => mux.status === 'connected');
  });

  test('carries headers both ways', async () => {
    mux.connection.subscribe('headers', {
      callback: (_error, message) => {
        const value = message.headers?.get('Lastunit-Test') ?? '';
        if (message.headers === undefined) throw new Error('no headers arrived');
        message.respond(`${value}|${message.string()}`, { headers: message.headers });
      },
    });
    const headers = headerBlock({ 'Lastunit-Test': 'Ü €', Count: 7, Absent: undefined });
    const reply = await mux.request('headers', 'body', { headers });
    expect(reply.text()).toBe('Ü €|body');
    expect(reply.header('Count')).toBe('7');
    expect(reply.header('Absent')).toBeUndefined();
    expect(reply.status).toBe(0);
    expect(() => headerBlock({ Bad: 'a\r\nb' })).toThrow('line break');
  });

  test('says that a message is too large instead of losing the connection', async () => {
    createBus(mux).serve('large', {}, (message) => message.respond?.('ok'));
    const max = mux.connection.info?.max_payload ?? 0;
    expect(await codeOf(mux.request('large', new Uint8Array(max)))).toBe('answered');
    expect(await codeOf(mux.request('large', new Uint8Array(max + 1)))).toBe('misconfigured');
    expect(mux.status).toBe('connected');
  });
});

test('values that are asked for all at once do not make the server cut us off', async () => {
  const nats = await startNats({ extraConfig: 'max_pending: 8388608' });
  const { ports, close } = await createNatsPorts({
    ...{ nats: { url: nats.url }, prefix: 'inv', partitions: 1, viewChannels: [] },
    clock: systemClock,
  });
  const statuses: string[] = [];
  ports.bus.onStatus((status) => statuses.push(status));
  const payload = 'x'.repeat(100_000);
  const keys = Array.from({ length: 20 }, (_, index) => `0.page.${index}`);
  for (const key of keys) await ports.snapshots.write(key, payload, 0);
  const asked = Array.from({ length: 50 }, () => keys).flat();
  const values = await Promise.all(asked.map((key) => ports.snapshots.read(key)));
  expect(values.every((value) => value?.payload === payload)).toBe(true);
  expect(statuses).toEqual([]);
  await close();
  await nats.stop();
});

describe('connecting', () => {
  test('fails at once when nobody is there', async () => {
    const nats = await startNats();
    await nats.stop();
    expect(await codeOf(connectNats({ url: nats.url }))).toBe('disconnected');
  });

  test('waits for the server if asked to', async () => {
    const nats = await startNats();
    await nats.kill();
    const connecting = connectNats({ url: nats.url, waitForServer: true });
    await nats.restart();
    const connection = await connecting;
    expect(connection.isClosed()).toBe(false);
    await connection.close();
    await nats.stop();
  });

  test('takes the user from the URL, and a refusal is no reason to repeat', async () => {
    const nats = await startNats({
      extraConfig: `accounts {
        app { jetstream: enabled, users: [
          {user: app, password: "p:w/d"},
          {user: channel, password: c, permissions: {publish: ["inv.cmd.web.>"], subscribe: ["_INBOX.lastunit.>"]}}
        ]}
      }`,
    });
    const at = (user: string) => nats.url.replace('//', `//${user}@`);
    expect(await codeOf(connectNats({ url: nats.url }))).toBe('misconfigured');
    expect(await codeOf(connectNats({ url: at('app:wrong') }))).toBe('misconfigured');
    const app = await connectNats({ url: at('app:p%3Aw%2Fd') });
    const channel = await connectNats({ url: at('channel:c') });
    const mux = createMux(channel);
    createBus(createMux(app)).serve('inv.cmd.*.reserve', {}, (m) => m.respond?.('ok'));
    await app.flush();
    expect(await codeOf(mux.request('inv.cmd.web.reserve', ''))).toBe('answered');
    // Known from the server's refusal, long before the time limit.
    const forbidden = mux.request('inv.cmd.pos.reserve', '', { timeoutMs: 3_600_000 });
    expect(await codeOf(forbidden)).toBe('misconfigured');
    await channel.close();
    await app.close();
    await nats.stop();
  });

  test('keeps passwords out of messages', () => {
    expect(withoutSecrets('nats://me:secret@one:4222,nats://token@two:4222')).toBe(
      'nats://one:4222,nats://two:4222',
    );
  });
});
