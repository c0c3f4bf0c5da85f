/**
 * The reconciler of one node's process, with a connection of its own: the production code, stopped
 * and killed together with its node.
 */

import type { LastunitConfig } from '../../../src/config/config.ts';
import { createNames } from '../../../src/contract/subjects.ts';
import type { KeyValues } from '../../../src/ports.ts';
import { Reconciler } from '../../../src/reconcile/reconciler.ts';
import type { RunReport } from '../../../src/reconcile/report.ts';
import {
  defaultReconcileSettings,
  type ReconcileSettings,
} from '../../../src/reconcile/settings.ts';
import { ownerRows } from '../../../src/runtime/rows-remote.ts';
import type { SimProcess } from '../engine/process.ts';
import type { Random } from '../engine/random.ts';
import type { Intent } from '../run-record.ts';
import { acknowledgementsTwin } from '../twins/acknowledgements.ts';
import { busTwin } from '../twins/bus.ts';
import { journalTwin } from '../twins/journal.ts';
import { Link } from '../twins/link.ts';
import { membersTwin } from '../twins/members.ts';
import { rowBucketTwin } from '../twins/row-bucket.ts';
import { BucketState, keyValuesTwin } from '../twins/snapshots.ts';
import type { World } from '../twins/world.ts';
import { tillLane } from './erp-books.ts';
import type { ErpSnapshots } from './erp-snapshots.ts';
import { erpSourceTwin } from './erp-source.ts';
import type { ReconcilePlan } from './reconcile-plan.ts';
import { recordedBus } from './recorded-bus.ts';

export interface ReconcilerHostOptions {
  readonly world: World;
  readonly plan: ReconcilePlan;
  readonly config: LastunitConfig;
  readonly snapshots: ErpSnapshots;
  readonly intents: Intent[];
  readonly isSettled: () => boolean;
  readonly onReport: (report: RunReport) => void;
}

/** One process's reconciler. */
export interface RunningReconciler {
  stop(): Promise<void>;
  /** The process is gone. */
  close(): void;
}

export function startReconciler(
  options: ReconcilerHostOptions,
  process: SimProcess,
  incarnation: string,
  random: Random,
): RunningReconciler {
  const { world, plan, config, snapshots, intents, isSettled } = options;
  const link = new Link(world, process);
  const names = createNames(config.prefix);
  const bus = recordedBus(busTwin(link), world, incarnation, intents);
  const channels = [...config.rules.channels.values()];
  const sourced = channels.filter(({ sourcing }) => sourcing.length > 0);
  const buckets = [...world.sinks.values()].filter(({ name }) => name !== 'events');
  const reconciler = new Reconciler(
    {
      clock: process.clock,
      bus,
      journal: journalTwin(link),
      values: plan.splitLease ? splitLease(link, isSettled) : keyValuesTwin(link, world.reconcile),
      acknowledgements: acknowledgementsTwin(link),
      views: {
        buckets: buckets.map((state) => rowBucketTwin(link, state)),
        owners: ownerRows(bus, membersTwin(link), names),
        ownersOnly: new Set(sourced.map(({ name }) => `view.${name}`)),
      },
    },
    {
      ...{ names, incarnation, partitions: world.options.partitions, databasePath: ':memory:' },
      sources: [
        {
          erp: erpSourceTwin({ world, process, random, plan, snapshots, isSettled }),
          settings: settingsOf(plan),
        },
      ],
      log: {
        info: (_fields, message) => world.timeline.mark(`${incarnation} reconciler: ${message}`),
        warn: (fields, message) =>
          world.timeline.mark(`${incarnation} reconciler: ${message} ${JSON.stringify(fields)}`),
      },
      leaseLapseMs: plan.leaseLapseMs,
      onReport: (report) => {
        world.timeline.mark(`${incarnation} reports ${summary(report)}`);
        options.onReport(report);
      },
    },
  );
  reconciler.start();
  return { stop: () => reconciler.stop(), close: () => link.close() };
}

function settingsOf(plan: ReconcilePlan): ReconcileSettings {
  const { rules, admission } = defaultReconcileSettings;
  const lane = { maxPostingLagMs: plan.lagMs, clockSkewMs: plan.skewMs, postsInOrder: false };
  return {
    ...defaultReconcileSettings,
    everyMs: plan.everyMs,
    mode: plan.mode,
    lanes: {
      '*': { ...lane, lagFrom: 'recording' },
      [tillLane]: { ...lane, lagFrom: 'occurrence' },
    },
    rules: {
      ...rules,
      ...plan.rules,
      breakerLinesShare: 0,
      breakerUnitsShare: 0,
    },
    admission,
    backOffFirstMs: 100,
    backOffLongestMs: 1_500,
  };
}

/** Every reconciler finds its own lease, so that all of them believe to be the only one. */
function splitLease(link: Link, isSettled: () => boolean): KeyValues {
  const { world } = link;
  world.faults.count('erp-split');
  const shared = keyValuesTwin(link, world.reconcile);
  const own = keyValuesTwin(link, new BucketState());
  const of = (key: string) => (key === 'lease' && !isSettled() ? own : shared);
  return {
    ...shared,
    read: (key) => of(key).read(key),
    write: (key, payload, expect) => of(key).write(key, payload, expect),
  };
}

function summary({ outcome, reason, corrections, netted, views }: RunReport): string {
  const rewritten = (views ?? []).reduce((sum, view) => sum + view.rewritten, 0);
  return JSON.stringify({ outcome, reason, corrections, netted, rewritten });
}
