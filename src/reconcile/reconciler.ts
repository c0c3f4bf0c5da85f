/**
 * The reconciler of a node: one state machine per source, run only while this node holds the
 * cluster's lease; orders of operators; reports.
 *
 * 1. One reconciler is active in the cluster. Another takes over when the lease lapses, and finds
 *    what was applied in the journal.
 * 2. Who asks for a run hears of its end, whatever that is.
 */

import { type ActorRefFrom, createActor, fromPromise } from 'xstate';
import { type RunRequest, reconcilerMachine, type StepResult } from '../../actors/reconciler.ts';
import type { Names } from '../contract/subjects.ts';
import type { Clock, ErpSource, Inbound, Subscription } from '../ports.ts';
import { Corrector } from './correcting.ts';
import { laneBook } from './lanes.ts';
import { Lease } from './lease.ts';
import type { Log } from './log.ts';
import { type Order, parseOrder } from './orders.ts';
import { Quarantine } from './quarantine.ts';
import type { RunReport } from './report.ts';
import { Run } from './run.ts';
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

type Asked = (report: RunReport | undefined) => void;

interface Course {
  readonly context: SourceContext;
  readonly actor: ActorRefFrom<typeof reconcilerMachine>;
  run: Run | undefined;
  /** The step that is under way, also after its run has been given up. */
  step: Promise<unknown>;
  endTurn: () => void;
  /** Rises when a run is given up: what it still does is nobody's. */
  given: number;
  hasRun: boolean;
}

/** The first run by itself comes soon after the lease, so that a take-over is no gap. */
const firstRunAfterMs = 10_000;

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
  readonly #asked = new Map<number, Asked>();
  readonly #turn = new Turn();
  #subscriptions: Subscription[] = [];
  #token = 0;

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
    for (const { actor } of this.#courses.values()) actor.start();
    this.#lease.start();
  }

  /** Gives the lease back; a run under way is given up between two corrections. */
  async stop(): Promise<void> {
    await this.#lease.stop();
    for (const { actor } of this.#courses.values()) actor.stop();
    // Nobody reads or writes the database after the last turn.
    (await this.#turn.take())();
    await Promise.all([...this.#courses.values()].map(({ context }) => context.erp.close()));
    this.#sql.close();
  }

  /** Runs a source now. Resolves with its report; undefined: this node does not reconcile it. */
  request(
    source: string,
    order: { dryRun: boolean; force: boolean },
  ): Promise<RunReport | undefined> {
    const course = this.#courses.get(source);
    if (course === undefined || !this.#lease.isHeld) return Promise.resolve(undefined);
    this.#token += 1;
    const token = this.#token;
    return new Promise((resolve) => {
      this.#asked.set(token, resolve);
      course.actor.send({ type: 'run.requested', request: { ...order, token } });
    });
  }

  #addCourse({ erp, settings }: ReconcilerOptions['sources'][number], ledger: LedgerStore): void {
    const { clock, journal, acknowledgements, exposures = async () => [] } = this.#ports;
    const { names, partitions } = this.#options;
    const histories = new HistoryStore(this.#sql, erp.name);
    const context: SourceContext = {
      ...{ name: erp.name, erp, settings, names, partitions, clock, journal, ledger },
      ...{ acknowledgements, exposures, views: this.#views },
      lanes: laneBook(settings.lanes),
      histories,
      snapshots: new SnapshotStore(this.#sql, erp.name, histories),
      posted: new PostedStore(this.#sql, erp.name),
      memories: this.#memories,
      quarantine: this.#quarantine,
      corrector: this.#corrector,
      isLeading: () => this.#lease.isHeld,
    };
    const course: Course = {
      context,
      actor: createActor(
        this.#machineFor(() => course),
        { clock: actorClock(clock) },
      ),
      run: undefined,
      step: Promise.resolve(),
      endTurn: () => {},
      given: 0,
      hasRun: false,
    };
    this.#courses.set(erp.name, course);
  }

  #machineFor(courseOf: () => Course) {
    const step = (work: (run: Run) => Promise<StepResult>) =>
      fromPromise<StepResult, RunRequest>(async () => {
        const course = courseOf();
        if (course.run === undefined) throw new Error('a step without a run');
        const result = work(course.run);
        course.step = result.catch(() => {});
        return result;
      });
    return reconcilerMachine.provide({
      actors: {
        fetch: fromPromise<StepResult, RunRequest>(({ input }) => this.#begin(courseOf(), input)),
        stage: step((run) => run.stage()),
        compare: step((run) => run.compare()),
        apply: step((run) => run.apply()),
        report: fromPromise<StepResult, RunRequest>(async ({ input }) => {
          const course = courseOf();
          await this.#checkViews(course);
          await this.#finish(course, input, course.run?.report());
          return 'report';
        }),
        reportFailure: fromPromise<void, { request: RunRequest; trouble: unknown }>(
          async ({ input }) => {
            const course = courseOf();
            await this.#finish(course, input.request, course.run?.fail(input.trouble));
          },
        ),
      },
      actions: {
        decline: ({ event }) => {
          if (event.type === 'run.requested') this.#answer(event.request, undefined);
        },
        abandon: ({ context }) => {
          for (const request of [context.request, ...context.asked]) {
            if (request !== undefined) this.#answer(request, undefined);
          }
          giveUp(courseOf());
        },
      },
      delays: {
        interval: () => {
          const { settings } = courseOf().context;
          return courseOf().hasRun ? settings.everyMs : Math.min(settings.everyMs, firstRunAfterMs);
        },
        backOff: ({ context }) => {
          const { backOffFirstMs, backOffLongestMs } = courseOf().context.settings;
          return Math.min(backOffLongestMs, backOffFirstMs * 2 ** (context.failures - 1));
        },
      },
    });
  }

  async #begin(course: Course, request: RunRequest): Promise<StepResult> {
    const { given } = course;
    const endTurn = await this.#turn.take();
    // It may have been given up while others had their turn.
    if (course.given !== given) {
      endTurn();
      throw new Error('this run has been given up');
    }
    const run = new Run(course.context, request);
    Object.assign(course, { run, endTurn, hasRun: true });
    const result = run.fetch();
    course.step = result.catch(() => {});
    return result;
  }

  /** A read model that cannot be looked at now is no reason to lose the run's report. */
  async #checkViews(course: Course): Promise<void> {
    const checking = course.run?.checkViews() ?? Promise.resolve();
    const source = course.context.name;
    course.step = checking.catch((error: unknown) => {
      this.#options.log.warn({ source, error }, 'read models not checked');
    });
    await course.step;
  }

  async #finish(course: Course, request: RunRequest, report: RunReport | undefined): Promise<void> {
    const { run, given } = course;
    if (report === undefined || run === undefined) return;
    const recorded = this.#record(course, request, run, report);
    course.step = recorded.catch(() => {});
    try {
      await recorded;
    } finally {
      if (course.given === given) {
        course.run = undefined;
        course.endTurn();
        this.#answer(request, report);
      }
    }
  }

  async #record(course: Course, request: RunRequest, run: Run, report: RunReport): Promise<void> {
    const { log, names, onReport } = this.#options;
    const { erp } = course.context;
    onReport?.(report);
    const { outcome, reason, message, source } = report;
    const isTrouble = outcome === 'failed' || outcome === 'refused' || outcome === 'stopped';
    log[isTrouble ? 'warn' : 'info']({ source, outcome, reason, message }, 'reconciliation');
    this.#ports.bus.publish(names.subjects.publishedReconcile(source), JSON.stringify(report));
    // Looked for and found nothing: not worth keeping every ten minutes.
    const rewritten = (report.views ?? []).some((view) => view.rewritten > 0);
    if (outcome === 'nothing' && request.token === undefined && !rewritten) return;
    const isCompared =
      run.snapshotWasCompared && !request.dryRun && outcome !== 'displaced' && outcome !== 'failed';
    await this.#memories.record(report, isCompared);
    if (isCompared) await erp.settle('compared');
    else await erp.settle(outcome === 'refused' && !request.dryRun ? 'refused' : 'later');
  }

  #answer(request: RunRequest, report: RunReport | undefined): void {
    if (request.token === undefined) return;
    this.#asked.get(request.token)?.(report);
    this.#asked.delete(request.token);
  }

  #lead(): void {
    const { bus } = this.#ports;
    const { subjects } = this.#options.names;
    this.#options.log.info({}, 'this node reconciles');
    this.#subscriptions = (['run', 'approve', 'reject'] as const).map((what) =>
      bus.serve(subjects.reconcile(what), {}, (message) => void this.#order(what, message)),
    );
    for (const { actor } of this.#courses.values()) actor.send({ type: 'lease.gained' });
  }

  #follow(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    for (const { actor } of this.#courses.values()) actor.send({ type: 'lease.lost' });
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
        if (!this.#courses.has(order.source)) {
          const known = [...this.#courses.keys()].join(', ') || 'none';
          const message = `no source ${order.source}; there are: ${known}`;
          return { ok: false, error: { code: 'invalid_request', message } };
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

/** The database is ours until the step that is under way has ended. */
function giveUp(course: Course): void {
  const { endTurn, step } = course;
  course.given += 1;
  course.run = undefined;
  course.endTurn = () => {};
  void step.then(endTurn);
}

/** XState's timers on our clock. */
function actorClock(clock: Clock) {
  const timers = new Map<number, { cancel(): void }>();
  let last = 0;
  return {
    setTimeout(ring: (...args: never[]) => void, ms: number): number {
      last += 1;
      const id = last;
      timers.set(
        id,
        clock.after(ms, () => {
          timers.delete(id);
          (ring as () => void)();
        }),
      );
      return id;
    },
    clearTimeout(id: number): void {
      timers.get(id)?.cancel();
      timers.delete(id);
    },
  };
}
