// Nodes of this process on a real nats-server, for integration tests.

import { randomUUID } from 'node:crypto';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { LastunitConfig } from '../../src/config/config.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { createNatsPorts, type NatsPorts } from '../../src/nats/nats-ports.ts';
import type { Clock, Ports } from '../../src/ports.ts';
import type { Logger } from '../../src/runtime/log.ts';
import { createNode, type LastunitNode } from '../../src/runtime/node.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { tapWire, type WireTap } from './wire-tap.ts';

/** A configuration with the defaults, small enough for tests. */
export function testConfig(raw: Record<string, unknown> = {}): LastunitConfig {
  const resolved = resolveConfig({ partitions: 4, ...raw });
  if (resolved.problems) throw new Error(resolved.problems.join('\n'));
  return resolved.config;
}

export interface TestNodeOptions {
  readonly url: string;
  readonly name?: string;
  readonly config?: LastunitConfig;
  readonly clock?: Clock;
  readonly log?: Logger;
  /** Wraps the ports, to watch or disturb what goes through them. */
  readonly wrap?: (ports: Ports) => Ports;
}

export interface TestNode {
  readonly node: LastunitNode;
  readonly nats: NatsPorts;
  readonly config: LastunitConfig;
  stop(): Promise<void>;
  /** Ends the connection without a word, as a crash of the process would. */
  crash(): Promise<void>;
}

const quiet = () => {};
export const silentLog: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };

/** Logs to standard error when LASTUNIT_TEST_LOG is set. */
export function testLog(name: string): Logger {
  if (process.env.LASTUNIT_TEST_LOG === undefined) return silentLog;
  const line = (level: string) => (fields: object, message: string) =>
    console.error(name, level, message, fields);
  return { debug: quiet, info: line('info'), warn: line('warn'), error: line('error') };
}

/** One tap per server; every test that stops its node in order also proves what was on the wire. */
const taps = new Map<string, Promise<WireTap>>();

/** What the tap of a server has seen so far. */
export function wireTapOf(url: string): Promise<WireTap> | undefined {
  return taps.get(url);
}

/** @throws when a message of the contract did not fit its schema */
async function proveWire(url: string): Promise<void> {
  const violations = (await taps.get(url))?.violations ?? [];
  if (violations.length > 0) throw new Error(violations.slice(0, 5).join('\n'));
}

export async function startNode(options: TestNodeOptions): Promise<TestNode> {
  const config = options.config ?? testConfig();
  if (!taps.has(options.url)) taps.set(options.url, tapWire(options.url, config.prefix));
  await taps.get(options.url);
  const name = options.name ?? 'n1';
  const nats = await createNatsPorts({
    nats: { url: options.url, name },
    prefix: config.prefix,
    partitions: config.partitions,
    viewChannels: [...config.rules.channels.values()].filter((c) => c.view).map((c) => c.name),
    clock: options.clock ?? systemClock,
    memberTtlSeconds: config.limits.memberTtlMs / 1000,
    eventsRetentionMs: config.limits.eventsRetentionMs,
  });
  const node = createNode(config, options.wrap ? options.wrap(nats.ports) : nats.ports, {
    name,
    incarnation: randomUUID(),
    log: options.log ?? testLog(name),
  });
  try {
    await node.start();
  } catch (error) {
    await nats.close();
    throw error;
  }
  return {
    node,
    nats,
    config,
    async stop() {
      await node.stop();
      await nats.close();
      await proveWire(options.url);
    },
    async crash() {
      await nats.connection.close();
    },
  };
}

/** A plain NATS client, as an integrator would use it. */
export interface TestChannel {
  readonly connection: NatsConnection;
  request(subject: string, payload: unknown, timeoutMs?: number): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export async function connectChannel(url: string): Promise<TestChannel> {
  const connection = await connect({ servers: url });
  return {
    connection,
    async request(subject, payload, timeoutMs = 5_000) {
      const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
      const reply = await connection.request(subject, body, { timeout: timeoutMs });
      return reply.json() as Record<string, unknown>;
    },
    close: () => connection.close(),
  };
}
