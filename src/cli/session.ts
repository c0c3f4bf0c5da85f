/**
 * A command's connection to a running deployment: for reading what it publishes, and as a channel's client.
 *
 * 1. NATS that cannot be reached is found out at once, never waited for.
 * 2. Whatever a command opens, it closes, however it ends: else the process would not.
 */

import { type Client, connectClient } from '../client/index.ts';
import { createNames, type Names } from '../contract/subjects.ts';
import { connectNats } from '../nats/connect.ts';
import { createJetStreamApi, type JetStreamApi } from '../nats/jetstream-api.ts';
import { createMux } from '../nats/mux.ts';
import { createReadModels, type ReadModels } from '../nats/read-models.ts';
import type { Context } from './context.ts';

export interface Session {
  readonly names: Names;
  readonly api: JetStreamApi;
  readonly read: ReadModels;
}

/** Connects, runs, and closes. Rejects with a `PortError` when no server answers. */
export async function withSession<T>(
  context: Context,
  run: (session: Session) => Promise<T>,
): Promise<T> {
  const { natsUrl: url, credentialsFile } = context.environment;
  const connection = await connectNats({ url, name: 'lastunit-cli', credentialsFile });
  const mux = createMux(connection);
  try {
    const names = createNames(context.config.prefix);
    const api = createJetStreamApi(mux);
    return await run({ names, api, read: createReadModels(api, names) });
  } finally {
    mux.close();
    await connection.close();
  }
}

export interface ClientChoice {
  readonly channel: string;
  /** How long a command is repeated before it counts as failed. */
  readonly deadlineMs?: number;
  /** Of the client that many commands go through at once. */
  readonly framesInFlightMax?: number;
}

/** The same with the TypeScript client of a channel. */
export async function withClient<T>(
  context: Context,
  choice: ClientChoice,
  run: (client: Client) => Promise<T>,
): Promise<T> {
  const { natsUrl, credentialsFile } = context.environment;
  const client = await connectClient({
    ...choice,
    servers: natsUrl,
    prefix: context.config.prefix,
    name: 'lastunit-cli',
    credentialsFile,
  });
  try {
    return await run(client);
  } finally {
    await client.close();
  }
}
