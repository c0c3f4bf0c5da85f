/** Where a client is put together: connection, inbox, number of partitions. */

import { createNames } from '../contract/subjects.ts';
import { createBus } from '../nats/bus.ts';
import { connectNats } from '../nats/connect.ts';
import { header, headerBlock } from '../nats/headers.ts';
import { createMux, type Mux } from '../nats/mux.ts';
import { publishAcked } from '../nats/publish-acked.ts';
import { Client } from './client.ts';
import { monotonicClock } from './clock.ts';
import type { FactPublisher } from './facts.ts';
import { resolveSendOptions, type SendOptions } from './options.ts';
import { findPartitions } from './partitions.ts';

export interface ClientOptions extends SendOptions {
  /** `nats://[user:password@|token@]host:port`, one or several. Default: `nats://127.0.0.1:4222`. */
  readonly servers?: string | readonly string[] | undefined;
  /** Read from the deployment when absent. */
  readonly partitions?: number | undefined;
  /** Shown in the server's list of connections. Default: `lastunit-client`. */
  readonly name?: string | undefined;
  /** Subjects below which replies arrive, where permissions name them. */
  readonly inboxPrefix?: string | undefined;
  /** File with a user's JWT and seed. */
  readonly credentialsFile?: string | undefined;
  /** Keeps trying when no server answers at first. Default: false. */
  readonly waitForServer?: boolean | undefined;
}

/**
 * Connects to the servers of a deployment. Resolves when connected; nodes need not run yet. Rejects
 * with a `RangeError` for options that cannot be used and with a `PortError` when no server
 * answers (`disconnected`) or lets us in (`misconfigured`).
 */
export async function connectClient(options: ClientOptions): Promise<Client> {
  const { prefix } = resolveSendOptions(options);
  const { servers = 'nats://127.0.0.1:4222', name = 'lastunit-client' } = options;
  const url = typeof servers === 'string' ? servers : servers.join(',');
  const { inboxPrefix, credentialsFile, waitForServer } = options;
  const connection = await connectNats({ url, name, inboxPrefix, credentialsFile, waitForServer });
  const mux = createMux(connection);
  const given = options.partitions;
  const partitions =
    given === undefined
      ? await findPartitions(mux, createNames(prefix), monotonicClock)
      : { current: () => given, stop() {} };
  return new Client(options, {
    bus: createBus(mux),
    clock: monotonicClock,
    random: Math.random,
    partitions: partitions.current,
    publishFact: factPublisher(mux),
    async disconnect() {
      partitions.stop();
      mux.close();
      await connection.close();
    },
  });
}

function factPublisher(mux: Mux): FactPublisher {
  return async ({ stream, subject, payload, messageId, timeoutMs }) => {
    const headers = headerBlock({ [header.messageId]: messageId });
    const result = await publishAcked(mux, stream, subject, payload, headers, timeoutMs);
    switch (result.kind) {
      case 'stored':
        return { seq: result.seq, duplicate: false };
      case 'duplicate':
        return { seq: result.seq, duplicate: true };
      case 'wrong_last':
        return { again: new Error('refused by an expectation that was never stated') };
      default:
        return { again: new Error(result.reason) };
    }
  };
}
