/**
 * A staged snapshot held against the ledger: in bulk where there is nothing to judge, else line by
 * line, in short pieces.
 *
 * 1. Nothing is changed but our own memory, and that only if `keeps`.
 * 2. A line that we do not know, and one whose beginning the journal has lost, proves nothing.
 */

import type { LineHistory } from '../domain/reconciliation/history.ts';
import type { Netting } from '../domain/reconciliation/netting.ts';
import { judgeRun, type RunJudgement, type RunLine } from '../domain/reconciliation/run.ts';
import { lagsKept } from './lanes.ts';
import { type JudgingContext, judgeLine } from './line-case.ts';
import type { Pace } from './pace.ts';
import type { QuietLines, SnapshotStore, StagedLine } from './store/snapshot-store.ts';

/** A line with drift, and where it comes from. */
export interface DriftingLine extends RunLine {
  readonly qty: number;
  /** Journal position of the ledger that it was judged by. */
  readonly asOfSeq: number;
}

/** What of a line's earlier corrections late facts take back. */
export interface LineNetting {
  readonly sku: string;
  readonly location: string;
  readonly nettings: readonly Netting[];
  /** All of them together. */
  readonly delta: number;
  readonly asOfSeq: number;
}

export interface Comparison {
  readonly compared: number;
  /** Lines whose number is exactly ours. */
  readonly exact: number;
  /** Lines whose number is possible while work is in flight, and how wide that is in all. */
  readonly inFlight: number;
  readonly widthSum: number;
  readonly widthMax: number;
  /** SKUs or locations that only the ERP knows. */
  readonly unknown: number;
  /** Lines whose beginning the journal has lost. */
  readonly truncated: number;
  /** Our lines that the snapshot does not have. */
  readonly missing: number;
  readonly units: number;
  readonly nettings: readonly LineNetting[];
  readonly judged: RunJudgement<DriftingLine>;
}

const linesPerPiece = 1_000;

export interface CompareOptions {
  /** Whether what is seen is remembered. */
  readonly keeps: boolean;
  readonly nowMs: number;
  readonly pace: Pace;
}

export async function compareStaged(
  context: JudgingContext,
  snapshots: SnapshotStore,
  { keeps, nowMs, pace }: CompareOptions,
): Promise<Comparison> {
  if (keeps) context.histories.know(context.window);
  for (const _ of snapshots.match(context.unheard.lines())) await pace.breathe();
  const comparing = new Comparing(context, keeps);
  comparing.addQuiet(snapshots.quiet());
  for (let after = 0; ; ) {
    const piece = snapshots.toJudge(after, linesPerPiece);
    after = piece.at(-1)?.id ?? 0;
    if (after === 0) break;
    comparing.add(piece);
    const waiting = pace.breathe();
    if (waiting !== undefined) await waiting;
  }
  if (keeps) {
    for (const _ of snapshots.rememberCompared(context.window, nowMs)) await pace.breathe();
  }
  return comparing.end(snapshots);
}

class Comparing {
  readonly #context: JudgingContext;
  readonly #keeps: boolean;
  readonly #counts = {
    ...{ compared: 0, exact: 0, inFlight: 0, widthSum: 0, widthMax: 0 },
    ...{ truncated: 0, units: 0 },
  };
  readonly #linesAt = new Map<string, number>();
  readonly #linesIn = new Map<string, number>();
  readonly #drifting: DriftingLine[] = [];
  readonly #nettings: LineNetting[] = [];
  #histories: (readonly [line: number, history: LineHistory])[] = [];
  /** Lines whose entries of before a time are all posted. */
  #settled: (readonly [line: number, beforeMs: number])[] = [];

  constructor(context: JudgingContext, keeps: boolean) {
    this.#context = context;
    this.#keeps = keeps;
  }

  addQuiet(quiet: readonly QuietLines[]): void {
    for (const { location, lines, units } of quiet) {
      this.#countCompared(location, lines, units);
      this.#counts.exact += lines;
    }
  }

  add(piece: readonly StagedLine[]): void {
    for (const staged of piece) {
      if (staged.line.isTruncated) {
        this.#counts.truncated += 1;
        continue;
      }
      this.#countCompared(staged.location, 1, Math.max(0, staged.qty));
      this.#judge(staged);
    }
    if (this.#keeps) {
      this.#context.histories.remember(this.#histories);
      this.#context.ledger.fold(this.#settled);
    }
    this.#histories = [];
    this.#settled = [];
  }

  #countCompared(location: string, lines: number, units: number): void {
    this.#counts.compared += lines;
    this.#counts.units += units;
    this.#linesAt.set(location, (this.#linesAt.get(location) ?? 0) + lines);
  }

  #judge(staged: StagedLine): void {
    const { sku, location, qty } = staged;
    const judged = judgeLine(staged, this.#context);
    const { verdict, history, nettings, lanes, entries, asOfSeq } = judged;
    const width = verdict.interval.hi - verdict.interval.lo;
    this.#histories.push([staged.line.id, history]);
    for (const lane of lanes) this.#linesIn.set(lane, (this.#linesIn.get(lane) ?? 0) + 1);
    this.#counts.widthSum += width;
    this.#counts.widthMax = Math.max(this.#counts.widthMax, width);
    if (verdict.kind === 'agrees') this.#counts[width === 0 ? 'exact' : 'inFlight'] += 1;
    if (nettings.length > 0) {
      // What they change is judged by the next snapshot.
      const delta = nettings.reduce((sum, netting) => sum + netting.delta, 0);
      this.#nettings.push({ sku, location, nettings, delta, asOfSeq });
    } else if (verdict.kind !== 'agrees') {
      this.#drifting.push({ sku, location, qty, verdict, lanes, asOfSeq });
    }
    const isSettled = history.recent.length === 0 && history.anchor !== undefined;
    if (isSettled && entries.length > 0) {
      this.#settled.push([staged.line.id, this.#postedBeforeMs(lanesOf(entries))]);
    }
  }

  #postedBeforeMs(names: ReadonlySet<string>): number {
    const { lanes, window } = this.#context;
    const lags = [...names].map((name) => lanes(name).maxPostingLagMs + lanes(name).clockSkewMs);
    // What is settled for us may still be uncertain to another source.
    return Math.min(window.asOfFromMs - lagsKept * Math.max(...lags), this.#context.foldsBeforeMs);
  }

  end(snapshots: SnapshotStore): Comparison {
    const { settings } = this.#context;
    const { compared: lines, units } = this.#counts;
    const totals = { lines, units, linesAt: this.#linesAt, linesIn: this.#linesIn };
    return {
      ...this.#counts,
      unknown: snapshots.unknown(),
      missing: snapshots.missing([...this.#linesAt.keys()]),
      nettings: this.#nettings,
      judged: judgeRun(this.#drifting, totals, settings.rules),
    };
  }
}

function lanesOf(entries: readonly { readonly lane: string }[]): ReadonlySet<string> {
  return new Set(entries.map((entry) => entry.lane));
}
