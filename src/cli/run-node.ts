/**
 * The composition root: one node on a NATS that is there, with its console. What `lastunit up` and
 * `lastunit node` have in common.
 */

import { randomUUID } from 'node:crypto';
import { createNames } from '../contract/subjects.ts';
import { type ProposalChoice, viewChannels } from '../http/backend.ts';
import { packageVersion } from '../http/package-info.ts';
import { ReconcileMetrics } from '../http/reconcile-metrics.ts';
import { createHttp, type HttpService } from '../http/service.ts';
import { createBus } from '../nats/bus.ts';
import { connectNats, withoutSecrets } from '../nats/connect.ts';
import { createJetStreamApi } from '../nats/jetstream-api.ts';
import { createMux } from '../nats/mux.ts';
import { createNatsPorts, type NatsPorts } from '../nats/nats-ports.ts';
import { createReadModels } from '../nats/read-models.ts';
import { createReconcilePorts } from '../nats/reconcile-ports.ts';
import type { ReadySource } from '../reconcile/configured.ts';
import { createOperator } from '../reconcile/operator.ts';
import { NameTakenError } from '../runtime/membership.ts';
import { CountingMetrics } from '../runtime/metrics.ts';
import { ConfigurationMismatchError, createNode, type LastunitNode } from '../runtime/node.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { Context } from './context.ts';
import { failure } from './exit.ts';
import type { Lifetime } from './lifetime.ts';
import { always, type Pino } from './log.ts';
import { runReconciler } from './run-reconciler.ts';

export interface RunNodeOptions {
  readonly context: Context;
  readonly log: Pino;
  readonly lifetime: Lifetime;
  readonly http: HttpService;
  readonly natsUrl: string;
  readonly name: string;
  /** ERP sources to reconcile with. */
  readonly erp: readonly ReadySource[];
  /** Where this node may keep files under its name; absent: nowhere. */
  readonly folder?: string | undefined;
  /** Of the embedded server, which we have configured ourselves: an acknowledged commit is on disk. */
  readonly durable?: boolean;
  /** Before the node starts, with everything connected. */
  readonly prepare?: (nats: NatsPorts) => Promise<void>;
}

export interface RunningNode {
  readonly node: LastunitNode;
  readonly nats: NatsPorts;
  readonly httpUrl: string;
}

/** Console and API, listening before anything else: a port in use ends the start at once. */
export async function listen(
  context: Context,
  log: Pino,
  lifetime: Lifetime,
): Promise<HttpService> {
  const { httpHost: host, httpPort: port } = context.environment;
  const http = createHttp({ config: context.config, version: packageVersion(), log });
  try {
    await http.listen(host, port);
  } catch (error) {
    await http.close();
    throw listenFailure(error, host, port);
  }
  await lifetime.onClose(() => http.close());
  return http;
}

/** Starts a node and tells when it serves. */
export async function runNode(options: RunNodeOptions): Promise<RunningNode> {
  const { context, log, lifetime, http, natsUrl, name } = options;
  const { config, environment } = context;
  const nats = await createNatsPorts({
    nats: {
      url: natsUrl,
      name: `lastunit-node-${name}`,
      credentialsFile: environment.credentialsFile,
    },
    prefix: config.prefix,
    partitions: config.partitions,
    viewChannels: viewChannels(config),
    clock: systemClock,
    memberTtlSeconds: config.limits.memberTtlMs / 1_000,
    eventsRetentionMs: config.limits.eventsRetentionMs,
    monitoringUrls: environment.monitoringUrls,
  });
  await lifetime.onClose(() => nats.close());
  if (options.durable !== true) warnAboutDurability(nats, log);
  await options.prepare?.(nats);

  const metrics = new CountingMetrics();
  const reconcile = new ReconcileMetrics();
  const incarnation = randomUUID();
  const node = createNode(config, nats.ports, {
    name,
    incarnation,
    log,
    metrics,
    httpUrl: () => http.url,
    onTaken: () => lifetime.end(failure(`another process has taken the name ${name}`)),
  });
  const console = await openConsole(options);
  http.serve({ node, metrics, reconcile, ...console });
  // Registered before it has started: a signal meanwhile must not leave it behind.
  await lifetime.onClose(() => {
    http.notReady();
    return node.stop();
  });
  try {
    await node.start();
  } catch (error) {
    throw startFailure(error);
  }
  const { erp: sources, folder } = options;
  const reconciling = { sources, folder, incarnation, nodeName: name, metrics: reconcile };
  const { partitions } = nats.provisioned;
  await runReconciler({ ...reconciling, natsUrl, partitions, log, lifetime });
  http.ready();
  const fields = { natsUrl: withoutSecrets(natsUrl), httpUrl: http.url, node: name };
  if (!lifetime.ending) always(log).info(fields, 'ready');
  return { node, nats, httpUrl: http.url };
}

/** The console reads over a connection of its own: whoever looks at much must not hold up commits. */
async function openConsole({ context, lifetime, natsUrl: url, name }: RunNodeOptions) {
  const { credentialsFile } = context.environment;
  const connection = await connectNats({
    url,
    name: `lastunit-console-${name}`,
    credentialsFile,
  });
  const mux = createMux(connection);
  await lifetime.onClose(async () => {
    mux.close();
    await connection.close();
  });
  const names = createNames(context.config.prefix);
  const api = createJetStreamApi(mux);
  const operator = createOperator(createBus(mux), createReconcilePorts(api, names).values, names);
  return {
    read: createReadModels(api, names),
    connected: () => mux.status === 'connected',
    decide: (what: 'approve' | 'reject', choice: ProposalChoice) => operator[what](choice),
  };
}

function warnAboutDurability({ durability }: NatsPorts, log: Pino): void {
  if (durability === 'always') return;
  if (durability === 'interval') {
    log.warn(
      'ACKNOWLEDGED CHANGES CAN BE LOST: this nats-server does not sync before it acknowledges; set "sync_interval: always" in its jetstream block (config/hub.conf has it)',
    );
    return;
  }
  log.warn(
    'whether acknowledged changes are on disk is unknown: make sure that nats-server has "sync_interval: always" in its jetstream block (LASTUNIT_NATS_MONITOR says where its monitoring port is)',
  );
}

function startFailure(error: unknown): unknown {
  if (error instanceof NameTakenError || error instanceof ConfigurationMismatchError) {
    return failure(error.message);
  }
  return error;
}

function listenFailure(error: unknown, host: string, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return failure(
      `port ${port} on ${host} is in use: stop what listens there or set LASTUNIT_HTTP_PORT to another (0 = any free one)`,
    );
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return failure(
      `cannot listen on ${host}:${port} (${code}): set LASTUNIT_HTTP_HOST and LASTUNIT_HTTP_PORT to what this machine allows`,
    );
  }
  return error;
}
