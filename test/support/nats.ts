// Private nats-servers for integration tests: one, or a cluster of three, each in a temporary directory on
// a free port, started by the same code as `lastunit up` and treated as roughly as a test wants.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import {
  type EmbeddedServer,
  type EmbeddedServerOptions,
  startEmbeddedServer,
} from '../../src/nats/embedded-server.ts';
import { signalProcess } from '../../src/nats/process-table.ts';

/** Options of `startNats`: those of the embedded server, with a temporary data directory by default. */
export type TestNatsOptions = Partial<EmbeddedServerOptions>;

/** A server that a test may maltreat. `url`, `port` and `dataDir` stay the same through restarts. */
export interface TestNats {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** The server now running, or the one that ran last. */
  readonly server: EmbeddedServer;
  /** Ends it without warning; resolves when it is gone. Default: SIGKILL. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again with the same data on the same port; stops it first if it runs. */
  restart(options?: TestNatsOptions): Promise<void>;
  /** Freezes the process: once it resolves, connections stay open and nothing answers. */
  pause(): Promise<void>;
  /** Lets a frozen process go on. */
  resume(): void;
  /** Stops it for good, and removes the directory if it was a temporary one. */
  stop(): Promise<void>;
}

/** Three servers that form one cluster, with JetStream streams of three replicas. */
export interface TestCluster {
  readonly servers: readonly TestNats[];
  /** The URLs of all three, as a client's list of servers. */
  readonly urls: readonly string[];
  /** Waits until the cluster can place a stream with this many replicas. Default: 3. */
  ready(replicas?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one private server. */
export async function startNats(options: TestNatsOptions = {}): Promise<TestNats> {
  const isTemporary = options.dataDir === undefined;
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'lastunit-nats-'));
  let server = await startEmbeddedServer({ ...options, dataDir });
  const { url, port } = server;
  return {
    url,
    port,
    dataDir,
    get server() {
      return server;
    },
    async kill(signal = 'SIGKILL') {
      signalProcess(server.pid, signal);
      await server.exited;
    },
    async restart(changed = {}) {
      await server.stop();
      server = await startEmbeddedServer({ ...options, ...changed, dataDir, port });
    },
    async pause() {
      signalProcess(server.pid, 'SIGSTOP');
      while (!isFrozen(server.pid)) await sleep(5);
    },
    resume: () => signalProcess(server.pid, 'SIGCONT'),
    async stop() {
      // A frozen process cannot be asked to stop.
      signalProcess(server.pid, 'SIGCONT');
      await server.stop();
      if (isTemporary) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Starts a cluster of servers (three, unless told otherwise), and waits until it can place streams. */
export async function startCluster(
  size = 3,
  options: Omit<TestNatsOptions, 'dataDir' | 'port' | 'serverName'> = {},
): Promise<TestCluster> {
  const ports = await freePorts(size);
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
  const servers = await Promise.all(
    ports.map((port, index) =>
      startNats({
        ...options,
        serverName: `n${index + 1}`,
        extraConfig: [
          `cluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes}], ping_interval: "2s" }`,
          options.extraConfig ?? '',
        ].join('\n'),
      }),
    ),
  );
  const urls = servers.map((server) => server.url);
  const cluster: TestCluster = {
    servers,
    urls,
    ready: (replicas = size) => canPlaceStreams(urls, replicas),
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
  try {
    await cluster.ready();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** Whether every thread has stopped: a signal is not there as soon as it has been sent. */
function isFrozen(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) =>
    /\) T /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')),
  );
}

/** Tries to create a stream with replicas until it works: the only proof that covers everything. */
async function canPlaceStreams(urls: readonly string[], replicas: number): Promise<void> {
  const connection = await connect({ servers: [...urls], maxReconnectAttempts: -1 });
  const name = 'READY_PROBE';
  const attemptsMax = 150;
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        const manager = await jetstreamManager(connection, { timeout: 2_000 });
        await manager.streams.add({ name, subjects: ['ready.probe'], num_replicas: replicas });
        await manager.streams.delete(name);
        return;
      } catch (error) {
        if (attempt === attemptsMax) throw error;
        await sleep(200);
      }
    }
  } finally {
    await connection.close();
  }
}

/** Distinct ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const probes = await Promise.all(
    Array.from({ length: count }, async () => {
      const probe = createServer();
      await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
      return probe;
    }),
  );
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}
