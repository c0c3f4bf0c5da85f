/**
 * The reconciler of a node, where the configuration names ERP sources. One of all nodes is active. It
 * works in a thread of its own; when that ends without being asked to, another is started.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ReconcileMetrics } from '../http/reconcile-metrics.ts';
import type { ReadySource } from '../reconcile/configured.ts';
import type { RunReport } from '../reconcile/report.ts';
import type { Lifetime } from './lifetime.ts';
import type { Pino } from './log.ts';

export interface RunReconcilerOptions {
  readonly natsUrl: string;
  /** Of the journal. */
  readonly partitions: number;
  readonly sources: readonly ReadySource[];
  readonly incarnation: string;
  /** Where its memory is kept, so that a restart need not read the whole journal; absent: in memory. */
  readonly folder: string | undefined;
  readonly nodeName: string;
  readonly log: Pino;
  readonly lifetime: Lifetime;
  readonly metrics: ReconcileMetrics;
}

/** What the thread is told at its start. */
export interface WorkerOrder {
  readonly natsUrl: string;
  readonly partitions: number;
  readonly incarnation: string;
  readonly nodeName: string;
  readonly databasePath: string;
}

/** What the thread says. */
export type FromWorker =
  | { readonly kind: 'report'; readonly report: RunReport }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn';
      readonly fields: object;
      readonly message: string;
    };

const restartAfterMs = 5_000;
const stopPatienceMs = 10_000;

/** Starts it; does nothing without sources. */
export async function runReconciler(options: RunReconcilerOptions): Promise<void> {
  if (options.sources.length === 0) return;
  const thread = new ReconcilerThread(options);
  await options.lifetime.onClose(() => thread.stop());
  thread.start();
}

class ReconcilerThread {
  readonly #options: RunReconcilerOptions;
  readonly #order: WorkerOrder;
  #worker: Worker | undefined;
  #ended: Promise<void> = Promise.resolve();
  #restart: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: RunReconcilerOptions) {
    const { natsUrl, partitions, incarnation, nodeName } = options;
    this.#options = options;
    const databasePath = databasePathOf(options);
    this.#order = { natsUrl, partitions, incarnation, nodeName, databasePath };
  }

  start(): void {
    if (this.#isStopped) return;
    const { log } = this.#options;
    const worker = new Worker(new URL('./reconcile-worker.js', import.meta.url), {
      workerData: this.#order,
    });
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => this.#hear(message));
    worker.on('error', (error) => log.error({ error }, 'the reconciler has failed'));
    this.#ended = new Promise((resolve) => {
      worker.on('exit', () => {
        resolve();
        if (this.#isStopped) return;
        this.#restart = setTimeout(() => this.start(), restartAfterMs);
        this.#restart.unref();
      });
    });
  }

  /** Lets the thread give its lease back; one that does not is ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#restart);
    this.#worker?.postMessage('stop');
    const patience = setTimeout(() => void this.#worker?.terminate(), stopPatienceMs);
    await this.#ended;
    clearTimeout(patience);
  }

  #hear(message: FromWorker): void {
    const { log, metrics } = this.#options;
    if (message.kind === 'report') metrics.add(message.report);
    else log[message.level](message.fields, message.message);
  }
}

function databasePathOf({ folder, nodeName }: RunReconcilerOptions): string {
  if (folder === undefined) return ':memory:';
  mkdirSync(folder, { recursive: true });
  return join(folder, `reconcile-${nodeName}.sqlite`);
}
