// How we connect to NATS: one set of options for nodes, command line and client library. The client's defaults
// give up after ten attempts and notice a dead server after four minutes.
//
// 1. A connection that has once been made is repaired for ever; only the first attempt may fail.
// 2. Replies arrive below an inbox prefix of our own, so that permissions can name it.
// 3. A connection to a silent server is cut. The client itself first waits until what it has written is out, which
//    with full buffers and a frozen server is never: it would not even try the other servers of a cluster.

import { readFileSync } from 'node:fs';
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import { toPortError } from './errors.ts';

export interface ConnectOptions {
  /** `nats://[user:password@|token@]host:port`, several separated by commas. */
  readonly url: string;
  /** Shown in the server's list of connections. */
  readonly name?: string | undefined;
  /** Subjects below which replies arrive. Default: `_INBOX.lastunit`. */
  readonly inboxPrefix?: string | undefined;
  /** Keeps trying when no server answers at first; otherwise the first failure is final. Default: false. */
  readonly waitForServer?: boolean | undefined;
  /** A silent server is given up after two of these. Default: 2000. */
  readonly pingIntervalMs?: number | undefined;
  /** How long one attempt to connect may take. Default: 5000. */
  readonly connectTimeoutMs?: number | undefined;
  /** File with a user's JWT and seed. */
  readonly credentialsFile?: string | undefined;
}

/** Connects, or rejects with a `PortError`: `disconnected` (nobody there) or `misconfigured` (not let in). */
export async function connectNats(options: ConnectOptions): Promise<NatsConnection> {
  try {
    const connection = await connect(clientOptions(options));
    void cutWhenSilent(connection);
    return connection;
  } catch (cause) {
    throw toPortError(cause, `cannot connect to ${withoutSecrets(options.url)}`);
  }
}

/** The socket is not part of the client's public interface; without it nothing can be cut. */
interface WithSocket {
  readonly protocol?: { readonly transport?: { readonly socket?: { destroy(): void } } };
}

async function cutWhenSilent(connection: NatsConnection): Promise<void> {
  for await (const event of connection.status()) {
    if (event.type !== 'staleConnection') continue;
    (connection as WithSocket).protocol?.transport?.socket?.destroy();
  }
}

function clientOptions(options: ConnectOptions): NodeConnectionOptions {
  const urls = serverUrls(options.url);
  return {
    servers: urls.map((url) => url.server),
    name: options.name ?? 'lastunit',
    inboxPrefix: options.inboxPrefix ?? '_INBOX.lastunit',
    waitOnFirstConnect: options.waitForServer ?? false,
    timeout: options.connectTimeoutMs ?? 5_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    pingInterval: options.pingIntervalMs ?? 2_000,
    maxPingOut: 2,
    noAsyncTraces: true,
    ...authentication(options, urls[0]?.user, urls[0]?.password),
  };
}

function authentication(
  options: ConnectOptions,
  user: string | undefined,
  password: string | undefined,
): { user?: string; pass?: string; token?: string; authenticator?: Authenticator } {
  if (options.credentialsFile !== undefined) {
    return { authenticator: credsAuthenticator(readFileSync(options.credentialsFile)) };
  }
  if (user === undefined) return {};
  return password === undefined ? { token: user } : { user, pass: password };
}

interface ServerUrl {
  readonly server: string;
  readonly user?: string;
  readonly password?: string;
}

function serverUrls(list: string): ServerUrl[] {
  return list
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '')
    .map(splitUrl);
}

/** The client does not read user and password from a URL. */
function splitUrl(url: string): ServerUrl {
  const parts =
    /^(?<scheme>[a-z]+:\/\/)?(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<host>.+)$/.exec(url);
  const { scheme = '', user, password, host = url } = parts?.groups ?? {};
  return {
    server: scheme === 'nats://' ? host : `${scheme}${host}`,
    ...(user === undefined ? {} : { user: decodeURIComponent(user) }),
    ...(password === undefined ? {} : { password: decodeURIComponent(password) }),
  };
}

/** The URLs as they may appear in logs and errors. */
export function withoutSecrets(list: string): string {
  return list.replace(/\/\/[^@/,]*@/g, '//');
}
