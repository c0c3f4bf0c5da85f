// The servers that the other integration tests rely on: a private one that can be maltreated, a cluster
// that survives the loss of one of three, and the configurations that we ship.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, describe, expect, test } from 'vitest';
import { findServerBinary } from '../../src/nats/server-binary.ts';
import { startCluster, startNats } from '../support/nats.ts';
import { repoRoot } from '../support/source-text.ts';

let stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.reverse()) await stop();
  stops = [];
});

async function connected(servers: string | readonly string[]): Promise<NatsConnection> {
  const connection = await connect({
    servers: typeof servers === 'string' ? servers : [...servers],
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
  });
  stops.push(() => connection.close());
  return connection;
}

async function publishUntilStored(connection: NatsConnection, text: string): Promise<void> {
  for (;;) {
    try {
      await jetstream(connection, { timeout: 1_000 }).publish('kept', text);
      return;
    } catch {
      // no leader yet, or the connection is moving
    }
  }
}

describe('a private server', () => {
  test('comes back on its port with its data after kill -9', async () => {
    const nats = await startNats();
    stops.push(nats.stop);
    const connection = await connected(nats.url);
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'KEPT', subjects: ['kept'] });
    await publishUntilStored(connection, 'one');

    await nats.kill();
    await nats.restart();
    expect(nats.server.unclean).toBe(true);
    expect(nats.server.url).toBe(nats.url);
    const again = await jetstreamManager(await connected(nats.url));
    expect((await again.streams.info('KEPT')).state.messages).toBe(1);
  });

  test('answers nothing while it is frozen', async () => {
    const nats = await startNats();
    stops.push(nats.stop);
    const connection = await connected(nats.url);
    await nats.pause();
    const answered = connection.flush().then(() => true);
    const waited = new Promise((resolve) => setTimeout(() => resolve(false), 300));
    expect(await Promise.race([answered, waited])).toBe(false);
    nats.resume();
    expect(await answered).toBe(true);
  });

  test('leaves no directory behind', async () => {
    const nats = await startNats();
    await nats.stop();
    expect(existsSync(nats.dataDir)).toBe(false);
  });
});

describe('a cluster', () => {
  test('keeps a stream of three replicas through kill -9 of one server and its return', async () => {
    const cluster = await startCluster(3);
    stops.push(cluster.stop);
    const connection = await connected(cluster.urls);
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'KEPT', subjects: ['kept'], num_replicas: 3 });
    await publishUntilStored(connection, 'one');

    const leader = (await manager.streams.info('KEPT')).cluster?.leader;
    const victim = cluster.servers[Number(leader?.slice(1)) - 1]!;
    await victim.kill();
    await publishUntilStored(connection, 'two');

    await victim.restart();
    await cluster.ready();
    await publishUntilStored(connection, 'three');
    const { state } = await (await jetstreamManager(connection)).streams.info('KEPT');
    expect(state.messages).toBeGreaterThanOrEqual(3);
  });
});

describe('the configurations that we ship', () => {
  const files = ['hub.conf', 'cluster-1.conf', 'cluster-2.conf', 'cluster-3.conf'];

  test.each(files)('%s is valid, syncs always, and fits the largest commit', async (name) => {
    const path = join(repoRoot, 'config', name);
    const { path: binary } = await findServerBinary();
    execFileSync(binary, ['--config', path, '-t'], { stdio: 'ignore' });
    const text = readFileSync(path, 'utf8');
    expect(text).toMatch(/^\s*sync_interval: always$/m);
    expect(text).toMatch(/^max_payload: 8388608$/m);
    expect(text).toMatch(/^ping_interval: "2s"$/m);
  });
});
