/**
 * One run of one source: what is known so far, step by step. The steps are called in order by the
 * state machine; whatever they find stays here until the report.
 *
 * 1. The ledger is read after the snapshot has been fetched, so that it knows at least as much.
 * 2. A dry run and a refused snapshot change nothing and remember nothing.
 * 3. Corrections are made only while the lease is held.
 */

import type { RunRequest, StepResult } from '../../actors/reconciler.ts';
import { refuseSnapshot, type SnapshotHeader } from '../domain/reconciliation/admission.ts';
import type { ErpSnapshot, ErpTotals } from '../ports.ts';
import { ErpSourceError } from '../ports.ts';
import { takeAcknowledgements } from './acknowledgements.ts';
import { applyComparison } from './applying.ts';
import { type Comparison, compareStaged } from './compare.ts';
import { syncLedger } from './ledger-sync.ts';
import type { JudgingContext } from './line-case.ts';
import { Pace } from './pace.ts';
import {
  type ReportedRefusal,
  type RunOutcome,
  type RunReport,
  reportedLinesMax,
} from './report.ts';
import { driftFields } from './report-lines.ts';
import { snapshotWindow } from './snapshot-window.ts';
import type { SourceContext } from './source-context.ts';
import { UnheardUnits } from './unheard.ts';
import type { FirstLook } from './view-check.ts';

export class Run {
  readonly #source: SourceContext;
  readonly #request: RunRequest;
  readonly #startedAtMs: number;
  readonly #pace: Pace;
  #outcome: RunOutcome;
  #why: { readonly reason: string; readonly message: string } | undefined;
  #snapshot: ErpSnapshot | undefined;
  #totals: ErpTotals | undefined;
  #viewLook: FirstLook | undefined;
  #refusedLines: ReportedRefusal[] = [];
  #judging: JudgingContext | undefined;
  #comparison: Comparison | undefined;
  #fields: Partial<RunReport> = {};

  constructor(source: SourceContext, request: RunRequest) {
    this.#source = source;
    this.#request = request;
    this.#startedAtMs = source.clock.now();
    this.#pace = new Pace(source.clock);
    this.#outcome = this.#isDry ? 'dry_run' : 'applied';
  }

  /** Whether stock is left alone: the source is new, or somebody only wants to see. */
  get #isDry(): boolean {
    return this.#request.dryRun || this.#source.settings.mode === 'dry-run';
  }

  /** A dry run on demand leaves no trace in what later runs rest on. */
  get #keeps(): boolean {
    return !this.#request.dryRun;
  }

  get snapshotWasCompared(): boolean {
    return this.#comparison !== undefined;
  }

  async fetch(): Promise<StepResult> {
    try {
      const fetched = await this.#source.erp.fetch();
      if (fetched.kind === 'none') return this.#end('nothing', fetched.why, 'no new snapshot');
      this.#snapshot = fetched.snapshot;
      return 'go on';
    } catch (error) {
      return this.#refuseBroken(error);
    }
  }

  async stage(): Promise<StepResult> {
    const { snapshots, acknowledgements, posted, name } = this.#source;
    const snapshot = this.#known(this.#snapshot);
    await this.#sync();
    await this.#lookAtViews();
    snapshots.clear();
    try {
      this.#totals = await snapshot.read((batch) => {
        snapshots.stage(batch.lines);
        for (const { withdraws } of batch.refused) if (withdraws) snapshots.unstage(withdraws);
        const free = reportedLinesMax - this.#refusedLines.length;
        for (const { line, reason, message } of batch.refused.slice(0, Math.max(0, free))) {
          this.#refusedLines.push({ line, reason, message });
        }
        return this.#pace.breathe();
      });
    } catch (error) {
      return this.#refuseBroken(error);
    }
    const { lag, ...taken } = await takeAcknowledgements(acknowledgements, posted, name);
    this.#fields = { ...this.#fields, postingLag: lag, acknowledged: taken };
    return this.#admit(snapshot, this.#totals);
  }

  async #admit(snapshot: ErpSnapshot, totals: ErpTotals): Promise<StepResult> {
    const { memories, name, settings, clock, histories } = this.#source;
    const memory = await memories.read(name);
    const header: SnapshotHeader = { ...snapshot, ...totals, refusedLines: totals.refused };
    const refusal = refuseSnapshot(header, memory, settings.admission, clock.now());
    if (refusal !== undefined) return this.#end('refused', refusal.reason, refusal.message);
    if (this.#keeps && !histories.wasLastCompared(memory.lastId)) histories.breakStreaks();
    return 'go on';
  }

  async compare(): Promise<StepResult> {
    const { clock, snapshots } = this.#source;
    const judging = await this.#judgingContext(this.#known(this.#snapshot));
    const options = { keeps: this.#keeps, nowMs: clock.now(), pace: this.#pace };
    const comparison = await compareStaged(judging, snapshots, options);
    this.#judging = judging;
    this.#comparison = comparison;
    this.#fields = { ...this.#fields, ...driftFields(comparison, [], []) };
    const { breaker } = comparison.judged;
    if (breaker !== undefined && !this.#request.force) {
      const message = `${breaker.lines} lines and ${breaker.units} units would change`;
      return this.#end('stopped', 'circuit_breaker', message);
    }
    return this.#isDry ? 'report' : 'go on';
  }

  async #judgingContext(snapshot: ErpSnapshot): Promise<JudgingContext> {
    const {
      name: source,
      ledger,
      histories,
      settings,
      lanes,
      exposures,
      partitions,
    } = this.#source;
    const foldsBeforeMs = this.#startedAtMs - this.#source.othersNeedMs;
    const window = snapshotWindow(snapshot, ledger, this.#source.posted);
    const unheard = new UnheardUnits(await exposures(), snapshot.asOfToMs);
    const judgedBy = { source, ledger, histories, settings, lanes, partitions };
    return { ...judgedBy, window, unheard, foldsBeforeMs };
  }

  async apply(): Promise<StepResult> {
    const comparison = this.#known(this.#comparison);
    const done = await applyComparison(this.#source, this.#known(this.#judging), comparison);
    this.#fields = { ...this.#fields, ...driftFields(comparison, done.applied, done.netted) };
    if (done.displaced) this.#outcome = 'displaced';
    return 'report';
  }

  /** A first look before the work on the snapshot: while that lasts, late rows settle. */
  async #lookAtViews(): Promise<void> {
    try {
      this.#viewLook = await this.#source.views?.look(this.#pace);
    } catch {
      // `checkViews` looks anew, and its trouble is reported; the snapshot is compared all the same.
      this.#viewLook = undefined;
    }
  }

  /** Looks at the read models, also when there was nothing to compare; repairs them unless dry. */
  async checkViews(): Promise<void> {
    const { views } = this.#source;
    if (views === undefined || this.#outcome === 'displaced') return;
    if (this.#viewLook === undefined) await this.#sync();
    const order = { repairs: !this.#request.dryRun, sync: () => this.#sync(), pace: this.#pace };
    const drifts = await views.check({ ...order, look: this.#viewLook });
    this.#fields = { ...this.#fields, views: drifts };
  }

  /** Why the report says nothing of the read models. */
  viewsNotChecked(trouble: unknown): void {
    const viewsNotChecked = trouble instanceof Error ? trouble.message : String(trouble);
    this.#fields = { ...this.#fields, viewsNotChecked };
  }

  async #sync(): Promise<void> {
    const { journal, ledger, partitions, histories } = this.#source;
    if ((await syncLedger(journal, ledger, partitions)) === 'anew') histories.reload();
  }

  /** The report, to be stored and shown. */
  report(): RunReport {
    const { settings, clock, name, snapshots } = this.#source;
    const { oldestMs, never } = snapshots.comparisons();
    return {
      run: runName(name, this.#startedAtMs),
      source: name,
      mode: this.#isDry ? 'dry-run' : settings.mode,
      outcome: this.#outcome,
      ...this.#why,
      startedAtMs: this.#startedAtMs,
      endedAtMs: clock.now(),
      ...this.#snapshotFields(),
      ...this.#fields,
      ...(oldestMs === undefined ? {} : { oldestComparisonMs: oldestMs }),
      neverCompared: never,
      ...(this.#refusedLines.length === 0 ? {} : { refusedLines: this.#refusedLines }),
    };
  }

  #snapshotFields(): Partial<RunReport> {
    if (this.#snapshot === undefined) return {};
    const { snapshotId, asOfFromMs, asOfToMs, complete } = this.#snapshot;
    const snapshot = { snapshotId, asOfFromMs, asOfToMs, complete };
    const received = this.#totals?.lines ?? 0;
    const refused = this.#totals?.refused ?? 0;
    const none = { compared: 0, exact: 0, inFlight: 0, unknown: 0, truncated: 0, missing: 0 };
    const counts = this.#comparison ?? { ...none, widthSum: 0, widthMax: 0 };
    const { compared, exact, inFlight, unknown, truncated, missing, widthMax, widthSum } = counts;
    const drifting = this.#comparison?.judged.lines.length ?? 0;
    return {
      snapshot,
      lines: {
        ...{ received, refused, compared, exact, inFlight, drifting },
        unknown,
        truncated,
        missing,
      },
      intervalWidth: { max: widthMax, mean: compared === 0 ? 0 : widthSum / compared },
    };
  }

  /** The run could not go on: what is reported instead. */
  fail(trouble: unknown): RunReport {
    const code = (trouble as { code?: unknown })?.code;
    const message = trouble instanceof Error ? trouble.message : String(trouble);
    this.#end('failed', typeof code === 'string' ? code : 'error', message);
    return this.report();
  }

  #refuseBroken(error: unknown): StepResult {
    if (!(error instanceof ErpSourceError) || !error.isFinal) throw error;
    return this.#end('refused', error.code, error.message);
  }

  #end(outcome: RunOutcome, reason: string, message: string): 'report' {
    this.#outcome = outcome;
    this.#why = { reason, message };
    return 'report';
  }

  #known<T>(value: T | undefined): T {
    if (value === undefined) throw new Error('a step of the run was left out');
    return value;
  }
}

/** Sorts by time, and is a key of a bucket. */
function runName(source: string, startedAtMs: number): string {
  return `${new Date(startedAtMs).toISOString().replace(/[-:.]/g, '')}-${source}`;
}
