// All ports on one NATS connection: what the composition root hands to a node.

import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { createNames, type Names } from '../contract/subjects.ts';
import type { Clock, Ports } from '../ports.ts';
import { createBus } from './bus.ts';
import { type ConnectOptions, connectNats } from './connect.ts';
import { type JournalDurability, journalDurability } from './durability.ts';
import { createFactLog } from './facts.ts';
import { createJetStreamApi, type JetStreamApi } from './jetstream-api.ts';
import { createJournal } from './journal.ts';
import { createMembers } from './members.ts';
import { type ConnectionStatus, createMux } from './mux.ts';
import { type Provisioned, provision } from './provision.ts';
import { createSinks } from './sinks.ts';
import { createSnapshots } from './snapshots.ts';

export interface NatsPortsOptions {
  /** Where to connect, or a connection that is already there and stays open at `close`. */
  readonly nats: ConnectOptions | NatsConnection;
  /** Subject prefix. Default: `inv`. */
  readonly prefix?: string | undefined;
  readonly partitions: number;
  /** Channels that have a view. */
  readonly viewChannels: readonly string[];
  readonly clock: Clock;
  /** How long a node's key lives without renewal; whole seconds. Default: 2. */
  readonly memberTtlSeconds?: number | undefined;
  /** Default: 3 on a clustered server, 1 otherwise; existing streams keep theirs. */
  readonly replicas?: number | undefined;
  /** How long per-SKU history is kept; 0: for ever. Default: 30 days. */
  readonly eventsRetentionMs?: number | undefined;
  /** For all other requests. Default: 5000. */
  readonly requestTimeoutMs?: number | undefined;
  /** JetStream domain to use, when it is not the server's own. */
  readonly domain?: string | undefined;
  /** Where the servers tell about themselves over HTTP; see durability.ts. */
  readonly monitoringUrls?: readonly string[] | undefined;
}

export interface NatsPorts {
  readonly ports: Ports;
  readonly connection: NatsConnection;
  readonly names: Names;
  /** For tools that look at streams by themselves. */
  readonly api: JetStreamApi;
  readonly provisioned: Provisioned;
  /** Whether an acknowledged commit is on disk. */
  readonly durability: JournalDurability;
  /** Rejects what is under way, sends what is buffered and closes the connection if it was made here. */
  close(): Promise<void>;
}

const drainTimeoutMs = 2_000;
/** For one attempt of what is repeated until it is known. */
const attemptMs = 1_500;

/** Connects, makes what is missing and composes the adapters. Rejects with `PortError`. */
export async function createNatsPorts(options: NatsPortsOptions): Promise<NatsPorts> {
  const isOurs = !isConnection(options.nats);
  const connection = isConnection(options.nats) ? options.nats : await connectNats(options.nats);
  const mux = createMux(connection);
  const close = async () => {
    const { status } = mux;
    mux.close();
    if (isOurs) await closeConnection(connection, status);
  };
  try {
    const timeoutMs = options.requestTimeoutMs;
    const api = createJetStreamApi(mux, { domain: options.domain, timeoutMs });
    // What decides about ownership is asked again soon: a question to a leader that died is never answered.
    const impatient = createJetStreamApi(mux, { domain: options.domain, timeoutMs: attemptMs });
    const names = createNames(options.prefix ?? 'inv');
    const provisioned = await provision(api, { ...options, names });
    const sinks = await createSinks(api, names, options.viewChannels, { timeoutMs });
    const ports: Ports = {
      clock: options.clock,
      journal: createJournal(impatient, names, { appendTimeoutMs: attemptMs }),
      snapshots: createSnapshots(api, names, { timeoutMs }),
      sinks,
      members: createMembers(impatient, names, {
        ttlSeconds: options.memberTtlSeconds ?? 2,
        timeoutMs: attemptMs,
      }),
      bus: createBus(mux),
      facts: createFactLog(api, names, { timeoutMs }),
    };
    const durability = await journalDurability(connection, options);
    return { ports, connection, names, api, provisioned, durability, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Sends what is buffered first, unless there is nobody to send it to. */
async function closeConnection(
  connection: NatsConnection,
  status: ConnectionStatus,
): Promise<void> {
  if (connection.isClosed()) return;
  if (status === 'connected') {
    const drained = connection.drain().catch(() => {});
    await Promise.race([drained, sleep(drainTimeoutMs, undefined, { ref: false })]);
  }
  await connection.close();
}

function isConnection(nats: ConnectOptions | NatsConnection): nats is NatsConnection {
  return !('url' in nats);
}
