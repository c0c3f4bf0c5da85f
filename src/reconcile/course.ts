/**
 * The course of one source: its state machine, wired to the steps of its runs.
 *
 * 1. Who asks for a run hears of its end, whatever that is.
 * 2. A run that is given up (the lease is gone) answers nobody and records nothing; the database is its
 *    own until the step that is under way has ended.
 */

import { type ActorRefFrom, createActor, fromPromise } from 'xstate';
import {
  type RunRequest,
  reconcilerMachine,
  type StepResult,
  timedRun,
} from '../../actors/reconciler.ts';
import type { Bus, Subscription } from '../ports.ts';
import { actorClock } from './actor-clock.ts';
import type { Log } from './log.ts';
import type { RunReport } from './report.ts';
import { Run } from './run.ts';
import type { SourceContext } from './source-context.ts';
import type { Turn } from './turn.ts';

export interface CourseOptions {
  /** Runs of several sources take turns: they share one database. */
  readonly turn: Turn;
  readonly bus: Bus;
  readonly log: Log;
  /** Called with every report. */
  readonly onReport?: ((report: RunReport) => void) | undefined;
}

/** The first run by itself comes soon after the lease, so that a take-over is no gap. */
const firstRunAfterMs = 10_000;
/** Requests for runs that wait at a time. */
const askedMax = 100;

type Asked = (report: RunReport | undefined) => void;

export class Course {
  readonly #context: SourceContext;
  readonly #options: CourseOptions;
  readonly #actor: ActorRefFrom<typeof reconcilerMachine>;
  readonly #asked = new Map<number, Asked>();
  #run: Run | undefined;
  /** The step that is under way, also after its run has been given up. */
  #step: Promise<unknown> = Promise.resolve();
  #endTurn: () => void = () => {};
  /** Rises when a run is given up: what it still does is nobody's. */
  #given = 0;
  #hasRun = false;
  #token = 0;
  #arrivals: Subscription | undefined;

  constructor(context: SourceContext, options: CourseOptions) {
    this.#context = context;
    this.#options = options;
    this.#actor = createActor(this.#machine(), { clock: actorClock(context.clock) });
  }

  start(): void {
    this.#actor.start();
  }

  stop(): void {
    this.follow();
    this.#actor.stop();
  }

  close(): Promise<void> {
    return this.#context.erp.close();
  }

  /** This node reconciles from now on. */
  lead(): void {
    this.#actor.send({ type: 'lease.gained' });
    this.#arrivals = this.#context.erp.onArrival?.(() => {
      this.#actor.send({ type: 'run.requested', request: timedRun });
    });
  }

  /** Another node reconciles from now on. */
  follow(): void {
    this.#arrivals?.unsubscribe();
    this.#arrivals = undefined;
    this.#actor.send({ type: 'lease.lost' });
  }

  get isOverloaded(): boolean {
    return this.#asked.size >= askedMax;
  }

  /** Runs now. Resolves with the report; undefined: this node does not reconcile. */
  request(order: { dryRun: boolean; force: boolean }): Promise<RunReport | undefined> {
    this.#token += 1;
    const token = this.#token;
    return new Promise((resolve) => {
      this.#asked.set(token, resolve);
      this.#actor.send({ type: 'run.requested', request: { ...order, token } });
    });
  }

  #answer(request: RunRequest, report: RunReport | undefined): void {
    if (request.token === undefined) return;
    this.#asked.get(request.token)?.(report);
    this.#asked.delete(request.token);
  }

  #machine() {
    const step = (work: (run: Run) => Promise<StepResult>) =>
      fromPromise<StepResult, RunRequest>(async () => {
        if (this.#run === undefined) throw new Error('a step without a run');
        return this.#during(work(this.#run));
      });
    return reconcilerMachine.provide({
      actors: {
        fetch: fromPromise<StepResult, RunRequest>(({ input }) => this.#begin(input)),
        stage: step((run) => run.stage()),
        compare: step((run) => run.compare()),
        apply: step((run) => run.apply()),
        report: fromPromise<StepResult, RunRequest>(async ({ input }) => {
          await this.#checkViews();
          await this.#finish(input, this.#run?.report());
          return 'report';
        }),
        reportFailure: fromPromise<void, { request: RunRequest; trouble: unknown }>(({ input }) =>
          this.#finish(input.request, this.#run?.fail(input.trouble)),
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
          this.#giveUp();
        },
      },
      delays: {
        interval: () => {
          const { everyMs } = this.#context.settings;
          return this.#hasRun ? everyMs : Math.min(everyMs, firstRunAfterMs);
        },
        backOff: ({ context }) => {
          const { backOffFirstMs, backOffLongestMs } = this.#context.settings;
          return Math.min(backOffLongestMs, backOffFirstMs * 2 ** (context.failures - 1));
        },
      },
    });
  }

  #during<T>(step: Promise<T>): Promise<T> {
    this.#step = step.catch(() => {});
    return step;
  }

  async #begin(request: RunRequest): Promise<StepResult> {
    const given = this.#given;
    const endTurn = await this.#options.turn.take();
    // It may have been given up while others had their turn.
    if (this.#given !== given) {
      endTurn();
      throw new Error('this run has been given up');
    }
    this.#run = new Run(this.#context, request);
    this.#endTurn = endTurn;
    this.#hasRun = true;
    return this.#during(this.#run.fetch());
  }

  /** A read model that cannot be looked at now is no reason to lose the run's report. */
  async #checkViews(): Promise<void> {
    const run = this.#run;
    await this.#during(
      (run?.checkViews() ?? Promise.resolve()).catch((error: unknown) => {
        run?.viewsNotChecked(error);
        const source = this.#context.name;
        this.#options.log.warn({ source, error }, 'read models not checked');
      }),
    );
  }

  #giveUp(): void {
    const endTurn = this.#endTurn;
    this.#given += 1;
    this.#run = undefined;
    this.#endTurn = () => {};
    void this.#step.then(endTurn);
  }

  async #finish(request: RunRequest, report: RunReport | undefined): Promise<void> {
    const run = this.#run;
    if (report === undefined || run === undefined) return;
    const given = this.#given;
    try {
      await this.#during(this.#record(request, run, report));
    } catch (error) {
      const source = this.#context.name;
      this.#options.log.warn({ source, error, run: report.run }, 'report not recorded');
      throw error;
    } finally {
      if (this.#given === given) {
        this.#run = undefined;
        this.#endTurn();
        this.#answer(request, report);
      }
    }
  }

  async #record(request: RunRequest, run: Run, report: RunReport): Promise<void> {
    const { log, bus, onReport } = this.#options;
    const { erp, memories, names } = this.#context;
    onReport?.(report);
    const { outcome, reason, message, source } = report;
    const isTrouble = outcome === 'failed' || outcome === 'refused' || outcome === 'stopped';
    log[isTrouble ? 'warn' : 'info']({ source, outcome, reason, message }, 'reconciliation');
    bus.publish(names.subjects.publishedReconcile(source), JSON.stringify(report));
    // Looked for and found nothing: not worth keeping every ten minutes.
    const rewritten = (report.views ?? []).some((view) => view.rewritten > 0);
    if (outcome === 'nothing' && request.token === undefined && !rewritten) return;
    const isCompared =
      run.snapshotWasCompared && !request.dryRun && outcome !== 'displaced' && outcome !== 'failed';
    await memories.record(report, isCompared);
    if (isCompared) await erp.settle('compared');
    else await erp.settle(outcome === 'refused' && !request.dryRun ? 'refused' : 'later');
  }
}
