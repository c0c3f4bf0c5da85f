/**
 * The reconciler of a node, where the configuration names ERP sources. One of all nodes is active. It
 * works in a process of its own; when that ends without being asked to, another is started.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

/** What the process is told at its start. */
export interface ProcessOrder {
  readonly natsUrl: string;
  readonly partitions: number;
  readonly incarnation: string;
  readonly nodeName: string;
  readonly databasePath: string;
}

/** What the process says. */
export type FromProcess =
  | { readonly kind: 'report'; readonly report: RunReport }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn';
      readonly fields: object;
      readonly message: string;
    };

const restartAfterMs = 5_000;
const stopPatienceMs = 7_000;
const program = fileURLToPath(new URL('./reconcile-process.js', import.meta.url));
/** Its garbage is collected by itself, in larger portions: helpers would take processors from sales. */
const execArgv = ['--single-threaded-gc', '--max-semi-space-size=32'];

/** Starts it; does nothing without sources. */
export async function runReconciler(options: RunReconcilerOptions): Promise<void> {
  if (options.sources.length === 0) return;
  const reconciler = new ReconcilerProcess(options);
  await options.lifetime.onClose(() => reconciler.stop());
  reconciler.start();
}

class ReconcilerProcess {
  readonly #options: RunReconcilerOptions;
  readonly #order: ProcessOrder;
  #child: ChildProcess | undefined;
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
    const child = fork(program, [JSON.stringify(this.#order)], {
      execArgv,
      serialization: 'advanced',
    });
    this.#child = child;
    child.on('message', (message: FromProcess) => this.#hear(message));
    child.on('error', (error) => log.error({ error }, 'the reconciler cannot be started or told'));
    this.#ended = new Promise((resolve) => {
      child.once('exit', (status, signal) => {
        resolve();
        if (this.#isStopped) return;
        log.error({ status, signal }, 'the reconciler has ended; it is started again');
        this.#restart = setTimeout(() => this.start(), restartAfterMs);
        this.#restart.unref();
      });
    });
  }

  /** Lets the process give its lease back; one that does not is ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#restart);
    if (this.#child?.connected) this.#child.send('stop');
    const patience = setTimeout(() => this.#child?.kill('SIGKILL'), stopPatienceMs);
    await this.#ended;
    clearTimeout(patience);
  }

  #hear(message: FromProcess): void {
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
