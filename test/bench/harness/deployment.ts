// lastunit as it is benchmarked: a nats-server (or three), nodes in processes of their own, and a connection to look
// at what they wrote.

import { setTimeout as sleep } from 'node:timers/promises';
import { createNames, type Names } from '../../../src/contract/subjects.ts';
import { bucketStream } from '../../../src/nats/adapter-names.ts';
import { connectNats } from '../../../src/nats/connect.ts';
import { createJetStreamApi, type JetStreamApi } from '../../../src/nats/jetstream-api.ts';
import { createMux } from '../../../src/nats/mux.ts';
import { startCluster, startNats } from '../../support/nats.ts';
import type { NodeSummary } from './node-figures.ts';
import { startWorker, type Worker } from './worker.ts';

export interface DeploymentOptions {
  readonly nodes?: number;
  readonly servers?: number;
  /** As in `config/lastunit.json`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Options of Node for the first node's process. */
  readonly execArgv?: string[];
}

/** One selling channel with a view, and one for the warehouse: the set-up of the goal with one view. */
export const oneView = {
  web: { verbs: ['reserve', 'renew', 'confirm', 'release', 'sell', 'restock', 'get'], view: true },
  wms: { verbs: ['receive', 'restock', 'adjust', 'count', 'transfer', 'get'] },
};

export interface Deployment {
  readonly url: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly names: Names;
  readonly api: JetStreamApi;
  readonly nodes: readonly Worker[];
  readonly serverPids: readonly number[];
  /** Starts another node, with a new name. */
  startNode(): Promise<Worker>;
  /**
   * Waits until nothing more is written to views and history, and answers when the last of it was
   * stored, in milliseconds since the epoch.
   */
  caughtUp(): Promise<number>;
  /** Stops everything; answers what the nodes that still ran counted. */
  stop(): Promise<NodeSummary[]>;
}

export async function startDeployment(options: DeploymentOptions = {}): Promise<Deployment> {
  const { servers: serverCount = 1, config = {}, execArgv = [] } = options;
  const server = serverCount === 1 ? await startNats() : await startCluster(serverCount);
  const url = 'url' in server ? server.url : server.urls.join(',');
  const servers = 'servers' in server ? server.servers : [server];
  const nodes: Worker[] = [];

  async function startNode(): Promise<Worker> {
    const name = `n${nodes.length + 1}`;
    const node = startWorker('node', { url, name, config }, nodes.length === 0 ? execArgv : []);
    nodes.push(node);
    await node.ready;
    node.tell('go');
    return node;
  }

  for (let count = 0; count < (options.nodes ?? 1); count++) await startNode();
  const connection = await connectNats({ url, name: 'bench' });
  const mux = createMux(connection);
  const api = createJetStreamApi(mux);
  const names = createNames('inv');
  // The server's process does not keep ours alive while it is being stopped.
  const alive = setInterval(() => {}, 60_000);

  return {
    url,
    config,
    names,
    api,
    nodes,
    serverPids: servers.map((one) => one.server.pid),
    startNode,
    caughtUp: () => lastDerivedWrite(api, names),
    async stop() {
      for (const node of nodes) if (node.alive()) node.tell('stop');
      const summaries = await Promise.all(nodes.map((node) => node.result.catch(() => undefined)));
      await Promise.all(nodes.map((node) => node.exited));
      mux.close();
      await connection.close();
      await server.stop();
      clearInterval(alive);
      return summaries.filter((summary) => summary !== undefined) as NodeSummary[];
    },
  };
}

const quietMs = 400;

async function lastDerivedWrite(api: JetStreamApi, names: Names): Promise<number> {
  const { buckets, streams } = names;
  const views = ['web', 'mobile', 'marketplace', 'pos'].map(buckets.view);
  const derived = [streams.events, ...[buckets.stock, ...views].map(bucketStream)];
  let before = '';
  let sinceMs = Date.now();
  for (;;) {
    const states = await Promise.all(
      derived.map(async (stream) => (await api.info(stream))?.state as { last_ts?: string }),
    );
    const now = JSON.stringify(states.map((state) => (state as { last_seq?: number })?.last_seq));
    if (now !== before) sinceMs = Date.now();
    if (Date.now() - sinceMs > quietMs) {
      return Math.max(...states.map((state) => Date.parse(state?.last_ts ?? '') || 0));
    }
    before = now;
    await sleep(50);
  }
}
