// A reconciler beside a test's node, fed with snapshots that the test makes up.

import { randomUUID } from 'node:crypto';
import { Problems } from '../../src/config/problems.ts';
import { checkSource, createErpSource } from '../../src/erp/factory.ts';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import { createReconcilePorts } from '../../src/nats/reconcile-ports.ts';
import { createRowBuckets } from '../../src/nats/row-buckets.ts';
import type { ErpLine, ErpSnapshot, ErpSource, ErpWatermark } from '../../src/ports.ts';
import { configuredSources } from '../../src/reconcile/configured.ts';
import { Reconciler, type ReconcilerOptions } from '../../src/reconcile/reconciler.ts';
import type { RunReport } from '../../src/reconcile/report.ts';
import { resolveReconcile } from '../../src/reconcile/settings.ts';
import type { ReconcilePorts } from '../../src/reconcile/source-context.ts';
import { ownerRows } from '../../src/runtime/rows-remote.ts';
import { testLog } from './node.ts';

export interface MadeUp {
  readonly lines: readonly ErpLine[];
  readonly asOfMs?: number;
  readonly snapshotId?: string;
  readonly complete?: boolean;
  readonly watermarks?: Readonly<Record<string, ErpWatermark>>;
}

/** An ERP that shows what it is told to. */
export class MadeUpErp implements ErpSource {
  readonly name: string;
  readonly settled: string[] = [];
  readonly #coming: (MadeUp | Error)[] = [];
  #count = 0;

  constructor(name = 'erp') {
    this.name = name;
  }

  show(next: MadeUp | Error): void {
    this.#coming.push(next);
  }

  async fetch() {
    const next = this.#coming[0];
    if (next === undefined) return { kind: 'none', why: 'absent' } as const;
    if (next instanceof Error) {
      this.#coming.shift();
      throw next;
    }
    this.#count += 1;
    return { kind: 'snapshot', snapshot: snapshotOf(next, `s-${this.#count}`) } as const;
  }

  async settle(outcome: 'compared' | 'refused' | 'later') {
    this.settled.push(outcome);
    if (outcome !== 'later') this.#coming.shift();
  }

  async close() {}
}

function snapshotOf(made: MadeUp, id: string): ErpSnapshot {
  const { lines, asOfMs = Date.now(), snapshotId = id, complete = true, watermarks = {} } = made;
  return {
    ...{ snapshotId, asOfFromMs: asOfMs, asOfToMs: asOfMs, complete, watermarks },
    async read(each) {
      for (let at = 0; at < lines.length; at += 1_000) {
        await each({ lines: lines.slice(at, at + 1_000), refused: [] });
      }
      return { lines: lines.length, refused: 0, checksum: '' };
    },
  };
}

export interface TestReconciler {
  readonly reconciler: Reconciler;
  /** Runs a source and answers its report. */
  run(source?: string, order?: { dryRun?: boolean; force?: boolean }): Promise<RunReport>;
  stop(): Promise<void>;
}

export interface TestReconcilerOptions {
  readonly nats: NatsPorts;
  readonly sources: readonly ErpSource[];
  readonly settings?: Record<string, unknown>;
  /** The section `erp.sources` of a configuration, instead of `sources` and `settings`. */
  readonly configured?: Record<string, Record<string, unknown>>;
  readonly incarnation?: string;
  /** Whether the read models are checked, and which channels have a view. */
  readonly viewChannels?: readonly string[];
  readonly databasePath?: string;
  readonly leaseLapseMs?: number;
  /** Whether to wait until it has the lease. Default: yes. */
  readonly waits?: boolean;
  readonly wrap?: (ports: ReconcilePorts) => ReconcilePorts;
  readonly onReport?: (report: RunReport) => void;
}

export function resolvedSettings(settings: Record<string, unknown>) {
  const problems = new Problems();
  const resolved = resolveReconcile('erp.sources.test', settings, problems);
  if (resolved === undefined) throw new Error(problems.lines.join('\n'));
  return resolved.ours;
}

/** Sources of a configuration, as the command line makes them. */
function configuredErp(sections: Record<string, Record<string, unknown>>) {
  const { sources, problems } = configuredSources(sections, checkSource);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return sources.map(({ name, settings, fields }) => {
    const surroundings = { nowMs: Date.now, environment: process.env };
    return { erp: createErpSource(name, fields, surroundings), settings };
  });
}

export async function startReconciler(options: TestReconcilerOptions): Promise<TestReconciler> {
  const { nats, sources, incarnation = randomUUID() } = options;
  const { clock, bus, journal } = nats.ports;
  const ports: ReconcilePorts = {
    ...{ clock, bus, journal },
    ...createReconcilePorts(nats.api, nats.names),
    ...(options.viewChannels === undefined
      ? {}
      : {
          views: {
            buckets: createRowBuckets(nats.api, nats.names, options.viewChannels),
            owners: ownerRows(bus, nats.ports.members, nats.names),
          },
        }),
  };
  const settings = resolvedSettings({ mode: 'apply', everyMs: 3_600_000, ...options.settings });
  const reconcilerOptions: ReconcilerOptions = {
    names: nats.names,
    partitions: nats.provisioned.partitions,
    incarnation,
    databasePath: options.databasePath ?? ':memory:',
    sources:
      options.configured === undefined
        ? sources.map((erp) => ({ erp, settings }))
        : configuredErp(options.configured),
    log: testLog('reconciler'),
    leaseLapseMs: options.leaseLapseMs ?? 1_000,
    ...(options.onReport === undefined ? {} : { onReport: options.onReport }),
  };
  const reconciler = new Reconciler(options.wrap?.(ports) ?? ports, reconcilerOptions);
  reconciler.start();
  while (options.waits !== false && !reconciler.isLeading) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    reconciler,
    async run(source = sources[0]?.name ?? 'erp', order = {}) {
      const report = await reconciler.request(source, { dryRun: false, force: false, ...order });
      if (report === undefined) throw new Error('this reconciler does not lead');
      return report;
    },
    stop: () => reconciler.stop(),
  };
}
