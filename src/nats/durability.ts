// Whether an acknowledged commit is on disk. JetStream's default syncs every two minutes, and a stream's
// configuration does not tell: only the server's monitoring port does, if it has one that we can reach.

import type { NatsConnection } from '@nats-io/transport-node';

/** `always`: on disk when acknowledged. `interval`: up to `sync_interval` later. `unknown`: nobody tells. */
export type JournalDurability = 'always' | 'interval' | 'unknown';

export interface DurabilityOptions {
  /** Monitoring URLs to ask, `http://host:port`. Default: port 8222 of the server that we are connected to. */
  readonly monitoringUrls?: readonly string[] | undefined;
  /** Default: 1000. */
  readonly timeoutMs?: number | undefined;
}

interface ServerVariables {
  readonly server_id?: string;
  readonly jetstream?: { readonly config?: { readonly sync_always?: boolean } };
}

/**
 * Asks the monitoring ports. With several servers the worst answer counts. A server found at a guessed port
 * counts only if it is the one that we are connected to. Never rejects.
 */
export async function journalDurability(
  connection: NatsConnection,
  options: DurabilityOptions = {},
): Promise<JournalDurability> {
  const given = options.monitoringUrls;
  const urls = given ?? [`http://${hostOf(connection)}:8222`];
  const answers = await Promise.all(
    urls.map((url) => variablesOf(url, options.timeoutMs ?? 1_000)),
  );
  const serverId = connection.info?.server_id;
  const known = answers.filter(
    (answer) => answer !== undefined && (given !== undefined || answer.server_id === serverId),
  );
  const syncs = known.map((answer) => answer?.jetstream?.config).filter((config) => config);
  if (syncs.some((config) => config?.sync_always !== true)) return 'interval';
  return syncs.length > 0 && syncs.length === urls.length ? 'always' : 'unknown';
}

function hostOf(connection: NatsConnection): string {
  return connection.getServer().replace(/:\d+$/, '');
}

async function variablesOf(url: string, timeoutMs: number): Promise<ServerVariables | undefined> {
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/varz`, {
      signal: AbortSignal.timeout(timeoutMs),
    });
    return response.ok ? ((await response.json()) as ServerVariables) : undefined;
  } catch {
    return undefined;
  }
}
