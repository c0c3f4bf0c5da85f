/**
 * An ERP beside the shop, reconcilers in the nodes' processes, a till and an operator: put together
 * for one run, and what is left of them for the checkers.
 */

import type { LastunitConfig } from '../../../src/config/config.ts';
import type { RunReport } from '../../../src/reconcile/report.ts';
import { Client } from '../client.ts';
import { SimProcess } from '../engine/process.ts';
import type { Random } from '../engine/random.ts';
import type { LaneTerms } from '../model/ledger.ts';
import type { Plan } from '../plan.ts';
import type { Intent } from '../run-record.ts';
import { busTwin } from '../twins/bus.ts';
import { Link } from '../twins/link.ts';
import { keyValuesTwin } from '../twins/snapshots.ts';
import type { World } from '../twins/world.ts';
import { Wisher } from '../wishes.ts';
import { ErpBooks, tillLane } from './erp-books.ts';
import { ErpSnapshots } from './erp-snapshots.ts';
import { startOperator } from './operator.ts';
import type { ReconcilePlan } from './reconcile-plan.ts';
import { type RunningReconciler, startReconciler } from './reconciler-host.ts';
import { Till } from './till.ts';

/** What a run with an ERP leaves behind. */
export interface ReconcileRecord {
  readonly plan: ReconcilePlan;
  readonly terms: LaneTerms;
  readonly books: ErpBooks;
  readonly snapshots: ErpSnapshots;
  readonly reports: readonly RunReport[];
}

export class Reconciliation {
  /** What reconcilers asked of SKUs. */
  readonly intents: Intent[] = [];
  readonly tillClient: Client;
  readonly record: ReconcileRecord;
  readonly #world: World;
  readonly #random: Random;
  readonly #plan: ReconcilePlan;
  readonly #config: LastunitConfig;
  readonly #till: Till;
  readonly #reports: RunReport[] = [];
  #isSettled = false;
  /** Snapshots that were compared since. */
  #comparedSince = 0;

  constructor(
    world: World,
    random: Random,
    plan: Plan,
    reconcile: ReconcilePlan,
    config: LastunitConfig,
  ) {
    this.#world = world;
    this.#random = random;
    this.#plan = reconcile;
    this.#config = config;
    const books = new ErpBooks(world, random.fork(), reconcile, plan.skus);
    const snapshots = new ErpSnapshots(world, random.fork(), reconcile, books);
    const link = this.#link('till');
    this.tillClient = new Client(link, random.fork(), new Wisher(plan, random.fork(), 'till'));
    this.#till = new Till(world, random.fork(), reconcile, books, this.tillClient);
    const { lagMs, skewMs } = reconcile;
    this.record = {
      plan: reconcile,
      terms: { lagMs, skewMs, fromOccurrence: new Set([tillLane]) },
      ...{ books, snapshots, reports: this.#reports },
    };
  }

  start(): void {
    this.record.snapshots.start();
    this.#till.start();
    const link = this.#link('operator');
    const values = keyValuesTwin(link, this.#world.reconcile);
    startOperator(this.#plan, { clock: link.process.clock, bus: busTwin(link), values });
  }

  /** A process has started: it reconciles, too. */
  beginIn(process: SimProcess, incarnation: string): RunningReconciler {
    const options = {
      ...{ world: this.#world, plan: this.#plan, config: this.#config, intents: this.intents },
      snapshots: this.record.snapshots,
      isSettled: () => this.#isSettled,
      onReport: (report: RunReport) => this.#hear(report),
    };
    return startReconciler(options, process, incarnation, this.#random.fork());
  }

  /**
   * Whether it may take longer until all is corrected: the first proofs may rest on postings that were
   * still going on, and what they leave has to be proven once more.
   */
  get busy(): boolean {
    const { proofsToRaise, proofsToLower } = this.#plan.rules;
    const needed = 2 * Math.max(proofsToRaise, proofsToLower) + 2;
    return this.tillClient.busy || this.#comparedSince < needed;
  }

  #hear(report: RunReport): void {
    this.#reports.push(report);
    const isCompared = ['applied', 'stopped', 'dry_run'].includes(report.outcome);
    if (this.#isSettled && isCompared) this.#comparedSince += 1;
  }

  /** Nothing goes wrong any more, and what went wrong in the postings is put right. */
  settle(): void {
    this.#isSettled = true;
    this.record.books.settle();
    this.record.snapshots.settle();
    this.#till.settle();
  }

  #link(name: string): Link {
    const { timeline } = this.#world;
    return new Link(this.#world, new SimProcess(name, timeline, this.#random.fork()));
  }
}
