/**
 * The reconciler in a process of its own (`run-reconciler.ts` starts it): comparing a hundred thousand
 * lines is seconds of work, and no sale must wait for it, nor for the garbage of it. It has its own
 * connection to NATS and reads the configuration by itself; what it says goes to the node.
 *
 * It ends when the node says so or is gone, and not by a signal: a terminal sends its Ctrl-C to both.
 */

import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { createNames } from '../contract/subjects.ts';
import { viewChannels } from '../http/backend.ts';
import { createBus } from '../nats/bus.ts';
import { connectNats } from '../nats/connect.ts';
import { createJetStreamApi } from '../nats/jetstream-api.ts';
import { createJournal } from '../nats/journal.ts';
import { createMembers } from '../nats/members.ts';
import { createMux } from '../nats/mux.ts';
import { createReconcilePorts } from '../nats/reconcile-ports.ts';
import { createRowBuckets } from '../nats/row-buckets.ts';
import type { Log } from '../reconcile/log.ts';
import { Reconciler } from '../reconcile/reconciler.ts';
import { ownerRows } from '../runtime/rows-remote.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { createContext } from './context.ts';
import { erpSources } from './erp-sources.ts';
import type { FromProcess, ProcessOrder } from './run-reconciler.ts';

const order = JSON.parse(process.argv[2] as string) as ProcessOrder;
const { natsUrl, partitions, incarnation, nodeName, databasePath } = order;

/** Sales go before: where processors are scarce, a run takes longer. */
const niceness = 19;
/** What is left undone then, the next reconciler does: the lease lapses. */
const stopPatienceMs = 5_000;

if (process.platform === 'linux') {
  // A priority is a thread's own, and Node has several by now.
  for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), niceness);
} else setPriority(niceness);

/** What has been opened, newest first. */
const closers: (() => Promise<void> | void)[] = [];
let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  setTimeout(() => process.exit(1), stopPatienceMs).unref();
  for (const close of closers) await close();
  process.exit(0);
}
// Before anything is waited for: the node may end at any moment, and may have ended already.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.once('message', () => void stop());
process.once('disconnect', () => void stop());
if (!process.connected) await stop();

function say(message: FromProcess): void {
  if (process.connected) process.send?.(message);
}

const log: Log = {
  info: (fields, message) => say({ kind: 'log', level: 'info', fields, message }),
  warn: (fields, message) => say({ kind: 'log', level: 'warn', fields, message }),
};

const context = createContext();
const { config, environment } = context;
const sources = erpSources(context);
const connection = await connectNats({
  url: natsUrl,
  name: `lastunit-reconciler-${nodeName}`,
  credentialsFile: environment.credentialsFile,
});
closers.unshift(() => connection.close());
const mux = createMux(connection);
closers.unshift(() => mux.close());
const api = createJetStreamApi(mux);
const names = createNames(config.prefix);
const bus = createBus(mux);
const members = createMembers(api, names, { ttlSeconds: config.limits.memberTtlMs / 1_000 });
/** Views of channels that are served by listed locations only. */
const sourced = new Set(
  [...config.rules.channels.values()]
    .filter(({ sourcing }) => sourcing.length > 0)
    .map(({ name }) => `view.${name}`),
);
const reconciler = new Reconciler(
  {
    clock: systemClock,
    bus,
    journal: createJournal(api, names),
    views: {
      buckets: createRowBuckets(api, names, viewChannels(config)),
      owners: ownerRows(bus, members, names),
      ownersOnly: sourced,
    },
    ...createReconcilePorts(api, names),
  },
  {
    ...{ names, partitions, incarnation, databasePath, sources, log },
    onReport: (report) => say({ kind: 'report', report }),
  },
);
closers.unshift(() => reconciler.stop());
reconciler.start();
