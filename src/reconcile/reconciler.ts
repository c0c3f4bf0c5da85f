/**
 * The reconciler of a node: one course per source, run only while this node holds the cluster's lease,
 * and the orders of operators.
 *
 * 1. One reconciler is active in the cluster. Another takes over when the lease lapses, and finds
 *    what was applied in the journal.
 */

import type { Names } from '../contract/subjects.ts';
import type { ErpSource, Inbound, Subscription } from '../ports.ts';
import { Corrector } from './correcting.ts';
import { Course } from './course.ts';
import { laneBook, needsMs } from './lanes.ts';
import { Lease } from './lease.ts';
import type { Log } from './log.ts';
import { type Order, parseOrder } from './orders.ts';
import { Quarantine } from './quarantine.ts';
import type { RunReport } from './report.ts';
import type { ReconcileSettings } from './settings.ts';
import type { ReconcilePorts, SourceContext } from './source-context.ts';
import { SourceMemories } from './source-memory.ts';
import { openDatabase, type Sql } from './store/database.ts';
import { HistoryStore } from './store/history-store.ts';
import { LedgerStore } from './store/ledger-store.ts';
import { PostedStore } from './store/posted-store.ts';
import { RowStore } from './store/row-store.ts';
import { SnapshotStore } from './store/snapshot-store.ts';
import { Turn } from './turn.ts';
import { ViewCheck } from './view-check.ts';

export interface ReconcilerOptions {
  readonly names: Names;
  /** Of the journal. */
  readonly partitions: number;
  /** Unique among all runs of all nodes. */
  readonly incarnation: string;
  /** File of the database; `:memory:` for none. */
  readonly databasePath: string;
  readonly sources: readonly { readonly erp: ErpSource; readonly settings: ReconcileSettings }[];
  readonly log: Log;
  readonly leaseLapseMs?: number;
  /** Called with every report, for metrics. */
  readonly onReport?: (report: RunReport) => void;
}

export class Reconciler {
  readonly #ports: ReconcilePorts;
  readonly #options: ReconcilerOptions;
  readonly #sql: Sql;
  readonly #lease: Lease;
  readonly #memories: SourceMemories;
  readonly #quarantine: Quarantine;
  readonly #corrector: Corrector;
  readonly #views: ViewCheck | undefined;
  readonly #courses = new Map<string, Course>();
  readonly #turn = new Turn();
  #subscriptions: Subscription[] = [];

  constructor(ports: ReconcilePorts, options: ReconcilerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#sql = openDatabase(options.databasePath);
    this.#memories = new SourceMemories(ports.values);
    this.#quarantine = new Quarantine(ports.values);
    this.#corrector = new Corrector({ bus: ports.bus, clock: ports.clock, names: options.names });
    const { clock, views } = ports;
    const rows = new RowStore(this.#sql);
    this.#views = views && new ViewCheck({ clock, ...views }, rows, options.partitions);
    this.#lease = new Lease({
      values: ports.values,
      clock: ports.clock,
      holder: options.incarnation,
      ...(options.leaseLapseMs === undefined ? {} : { lapseMs: options.leaseLapseMs }),
      onGained: () => this.#lead(),
      onLost: () => this.#follow(),
    });
    const ledger = new LedgerStore(this.#sql, rows);
    for (const source of options.sources) this.#addCourse(source, ledger);
  }

  /** Whether this node is the one that reconciles. */
  get isLeading(): boolean {
    return this.#lease.isHeld;
  }

  start(): void {
    for (const course of this.#courses.values()) course.start();
    this.#lease.start();
  }

  /** Gives the lease back; a run under way is given up between two corrections. */
  async stop(): Promise<void> {
    await this.#lease.stop();
    for (const course of this.#courses.values()) course.stop();
    // Nobody reads or writes the database after the last turn.
    (await this.#turn.take())();
    await Promise.all([...this.#courses.values()].map((course) => course.close()));
    this.#sql.close();
  }

  /** Runs a source now. Resolves with its report; undefined: this node does not reconcile it. */
  request(
    source: string,
    order: { dryRun: boolean; force: boolean },
  ): Promise<RunReport | undefined> {
    const course = this.#courses.get(source);
    if (course === undefined || !this.#lease.isHeld) return Promise.resolve(undefined);
    return course.request(order);
  }

  #addCourse({ erp, settings }: ReconcilerOptions['sources'][number], ledger: LedgerStore): void {
    const { clock, journal, acknowledgements, exposures = async () => [] } = this.#ports;
    const { names, partitions, sources } = this.#options;
    const others = sources.filter((other) => other.erp !== erp);
    const histories = new HistoryStore(this.#sql, erp.name);
    const context: SourceContext = {
      ...{ name: erp.name, erp, settings, names, partitions, clock, journal, ledger },
      ...{ acknowledgements, exposures, views: this.#views },
      lanes: laneBook(settings.lanes),
      othersNeedMs: Math.max(0, ...others.map((other) => needsMs(other.settings))),
      histories,
      snapshots: new SnapshotStore(this.#sql, erp.name, histories),
      posted: new PostedStore(this.#sql, erp.name),
      memories: this.#memories,
      quarantine: this.#quarantine,
      corrector: this.#corrector,
      isLeading: () => this.#lease.isHeld,
    };
    const { log, onReport } = this.#options;
    const course = new Course(context, { turn: this.#turn, bus: this.#ports.bus, log, onReport });
    this.#courses.set(erp.name, course);
  }

  #lead(): void {
    const { bus } = this.#ports;
    const { subjects } = this.#options.names;
    this.#options.log.info({}, 'this node reconciles');
    this.#subscriptions = (['run', 'approve', 'reject'] as const).map((what) =>
      bus.serve(subjects.reconcile(what), {}, (message) => void this.#order(what, message)),
    );
    for (const course of this.#courses.values()) course.lead();
  }

  #follow(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    for (const course of this.#courses.values()) course.follow();
  }

  /** An operator's order; the answer is JSON with `ok`. */
  async #order(what: Order['what'], message: Inbound): Promise<void> {
    const order = parseOrder(what, message.payload);
    const answer = (value: object) => message.respond?.(JSON.stringify(value));
    if (typeof order === 'string') {
      answer({ ok: false, error: { code: 'invalid_request', message: order } });
      return;
    }
    try {
      answer(await this.#obey(order));
    } catch (error) {
      const { message: text } = error as Error;
      answer({ ok: false, error: { code: 'unavailable', message: text } });
    }
  }

  async #obey(order: Order): Promise<object> {
    switch (order.what) {
      case 'run': {
        const course = this.#courses.get(order.source);
        if (course === undefined) {
          const known = [...this.#courses.keys()].join(', ') || 'none';
          const message = `no source ${order.source}; there are: ${known}`;
          return { ok: false, error: { code: 'invalid_request', message } };
        }
        if (course.isOverloaded) {
          const message = `too many runs of ${order.source} have been asked for`;
          return { ok: false, error: { code: 'overloaded', message } };
        }
        const report = await this.request(order.source, order);
        if (report !== undefined) return { ok: true, report };
        const message = 'the reconciler has moved to another node: ask again';
        return { ok: false, error: { code: 'unavailable', message } };
      }
      case 'approve':
        return { ok: true, results: await this.#quarantine.approve(order.choice, this.#corrector) };
      case 'reject':
        return { ok: true, results: await this.#quarantine.reject(order.choice) };
    }
  }
}
