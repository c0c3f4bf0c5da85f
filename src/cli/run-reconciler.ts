/** The reconciler of a node, where the configuration names ERP sources. One of all nodes is active. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ReconcileMetrics } from '../http/reconcile-metrics.ts';
import type { NatsPorts } from '../nats/nats-ports.ts';
import { createReconcilePorts } from '../nats/reconcile-ports.ts';
import { createRowBuckets } from '../nats/row-buckets.ts';
import type { ReadySource } from '../reconcile/configured.ts';
import { Reconciler } from '../reconcile/reconciler.ts';
import { ownerRows } from '../runtime/rows-remote.ts';
import type { Lifetime } from './lifetime.ts';
import type { Pino } from './log.ts';

export interface RunReconcilerOptions {
  readonly nats: NatsPorts;
  readonly sources: readonly ReadySource[];
  /** Channels whose views are checked. */
  readonly viewChannels: readonly string[];
  readonly incarnation: string;
  /** Where its memory is kept, so that a restart need not read the whole journal; absent: in memory. */
  readonly folder: string | undefined;
  readonly nodeName: string;
  readonly log: Pino;
  readonly lifetime: Lifetime;
  readonly metrics: ReconcileMetrics;
}

/** Starts it; does nothing without sources. */
export async function runReconciler(options: RunReconcilerOptions): Promise<void> {
  const { nats, sources, incarnation, log, lifetime, metrics } = options;
  if (sources.length === 0) return;
  const { clock, bus, journal, members } = nats.ports;
  const views = {
    buckets: createRowBuckets(nats.api, nats.names, options.viewChannels),
    owners: ownerRows(bus, members, nats.names),
  };
  const reconciler = new Reconciler(
    { clock, bus, journal, views, ...createReconcilePorts(nats.api, nats.names) },
    {
      names: nats.names,
      partitions: nats.provisioned.partitions,
      incarnation,
      databasePath: databasePath(options),
      sources,
      log,
      onReport: (report) => metrics.add(report),
    },
  );
  await lifetime.onClose(() => reconciler.stop());
  reconciler.start();
}

function databasePath({ folder, nodeName }: RunReconcilerOptions): string {
  if (folder === undefined) return ':memory:';
  mkdirSync(folder, { recursive: true });
  return join(folder, `reconcile-${nodeName}.sqlite`);
}
