// What may be done with an ERP snapshot: nothing, the two usual ways, and ours.

import { assess } from '../../../src/domain/reconciliation/assess.ts';
import {
  type LineHistory,
  noHistory,
  observationsOf,
  remember,
} from '../../../src/domain/reconciliation/history.ts';
import type {
  LaneSettings,
  LedgerEntry,
  SnapshotWindow,
} from '../../../src/domain/reconciliation/ledger.ts';
import {
  type AppliedCorrection,
  type Netting,
  nettingsOf,
} from '../../../src/domain/reconciliation/netting.ts';
import { proofOf } from '../../../src/domain/reconciliation/proofs.ts';
import { judgeRun, type RunLine, recentLanes } from '../../../src/domain/reconciliation/run.ts';
import {
  defaultReconciliationRules,
  type ReconciliationRules,
} from '../../../src/domain/reconciliation/settings.ts';
import type { Twin } from './twin.ts';
import { hourMs, minuteMs, type WorldShape } from './world.ts';

/** One ERP export: the number of each twin, in their order, read somewhere between the two times. */
export interface Export {
  readonly fromMs: number;
  readonly toMs: number;
  readonly quantities: readonly number[];
}

/** Sees every export and corrects the twins. */
export interface Policy {
  readonly name: string;
  apply(snapshot: Export, twins: readonly Twin[], nowMs: number): void;
  /** Counts of what it did besides correcting. */
  readonly notes: Record<string, number>;
}

export function nothing(): Policy {
  return { name: 'none', notes: {}, apply: () => {} };
}

/** The ERP's number is the truth. */
export function overwrite(): Policy {
  return {
    name: 'overwrite',
    notes: {},
    apply({ quantities }, twins) {
      for (const [i, twin] of twins.entries()) changeTo(twin, quantities[i]!);
    },
  };
}

/** The ERP's number, and everything that happened after it by the clock. */
export function snapshotPlusLater(): Policy {
  return {
    name: 'snapshot + later events',
    notes: {},
    apply({ fromMs, quantities }, twins) {
      for (const [i, twin] of twins.entries()) {
        const later = twin.heard.filter((heard) => heard.occurredAtMs > fromMs);
        changeTo(twin, quantities[i]! + later.reduce((sum, heard) => sum + heard.delta, 0));
      }
    },
  };
}

function changeTo(twin: Twin, qty: number): void {
  if (qty !== twin.believed) twin.correct(qty - twin.believed);
}

/** What `ours` remembers of a twin. */
interface LineMemory {
  entries: LedgerEntry[];
  opening: number;
  heardCount: number;
  history: LineHistory;
  corrections: AppliedCorrection[];
  nettings: Netting[];
}

export function ours(
  shape: WorldShape,
  rules: ReconciliationRules = { ...defaultReconciliationRules, explainWindowMs: 24 * hourMs },
): Policy {
  const lane: LaneSettings = {
    maxPostingLagMs: shape.statedLagMs,
    clockSkewMs: minuteMs,
    lagFrom: 'occurrence',
    postsInOrder: true,
  };
  const lanes = () => lane;
  const memories = new Map<Twin, LineMemory>();
  const notes: Record<string, number> = {};
  const note = (what: string) => {
    notes[what] = (notes[what] ?? 0) + 1;
  };
  let seq = 0;

  const correct = (twin: Twin, memory: LineMemory, delta: number, nowMs: number) => {
    twin.correct(delta);
    seq += 1;
    const at = { occurredAtMs: nowMs, recordedAtMs: nowMs, seq };
    memory.entries.push({
      delta,
      ...at,
      lane: 'reconciler',
      document: `c-${seq}`,
      correction: true,
    });
  };

  return {
    name: 'ours',
    notes,
    apply({ fromMs, toMs, quantities }, twins, nowMs) {
      const window: SnapshotWindow = {
        snapshotId: String(fromMs),
        asOfFromMs: fromMs,
        asOfToMs: toMs,
        watermarks: new Map(),
      };
      const drifting: (RunLine & { readonly twin: Twin; readonly memory: LineMemory })[] = [];
      const linesIn = new Map<string, number>();
      for (const [i, twin] of twins.entries()) {
        const memory = memories.get(twin) ?? firstMemory(twin);
        memories.set(twin, memory);
        for (const heard of twin.heard.slice(memory.heardCount)) {
          seq += 1;
          const { heardAtMs: recordedAtMs, ...entry } = heard;
          memory.entries.push({ ...entry, recordedAtMs, seq });
        }
        memory.heardCount = twin.heard.length;
        const recent = recentLanes(memory.entries, window, lanes);
        for (const name of recent) linesIn.set(name, (linesIn.get(name) ?? 0) + 1);
        const facts = memory.entries.filter((entry) => entry.correction !== true);
        const newest = { window, qty: quantities[i]! };
        const seen = { ...memory, observations: [], unheardUnits: 0 };
        const { drift } = proofOf(newest, seen, lanes);
        const { corrections, nettings } = memory;
        const net = nettingsOf(drift, corrections, facts, nettings, lanes);
        memory.nettings.push(...net);
        if (net.length > 0) {
          note('netted');
          correct(twin, memory, sumOf(net), nowMs);
        }
        const observations = observationsOf(memory.history, newest);
        const { opening, entries, history } = memory;
        const known = history.explained === undefined ? {} : { explained: history.explained };
        const ledger = { opening, entries, observations, unheardUnits: 0, ...known };
        const verdict = assess(ledger, rules, lanes);
        memory.history = remember(history, newest, verdict, rules.historyMax);
        if (memory.history.recent.length === 0) fold(memory, fromMs - 4 * shape.statedLagMs);
        if (verdict.kind === 'agrees') continue;
        const line = { sku: twin.ledger.name, location: 'main', verdict, lanes: recent };
        drifting.push({ ...line, twin, memory });
      }
      const units = quantities.reduce((sum, qty) => sum + Math.max(0, qty), 0);
      const linesAt = new Map([['main', twins.length]]);
      const judged = judgeRun(drifting, { lines: twins.length, units, linesAt, linesIn }, rules);
      for (const outage of judged.outages) note(`outage of a ${outage.kind}`);
      if (judged.breaker !== undefined) return note('stopped by the breaker');
      for (const { verdict, twin, memory } of judged.lines) {
        note(verdict.explanation?.cause ?? verdict.kind);
        if (verdict.kind !== 'correct') continue;
        correct(twin, memory, verdict.delta, nowMs);
        memory.corrections.push({ seq, delta: verdict.delta, window });
      }
    },
  };
}

function sumOf(changes: readonly { readonly delta: number }[]): number {
  return changes.reduce((sum, { delta }) => sum + delta, 0);
}

function firstMemory(twin: Twin): LineMemory {
  return {
    entries: [],
    opening: twin.ledger.opening,
    heardCount: 0,
    history: noHistory,
    corrections: [],
    nettings: [],
  };
}

/** What is long since posted becomes part of the opening balance. */
function fold(memory: LineMemory, beforeMs: number): void {
  const isOld = (entry: LedgerEntry) =>
    entry.occurredAtMs < beforeMs && entry.recordedAtMs < beforeMs;
  for (const entry of memory.entries) if (isOld(entry)) memory.opening += entry.delta;
  memory.entries = memory.entries.filter((entry) => !isOld(entry));
}
