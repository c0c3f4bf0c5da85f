/**
 * What a comparison has proven, applied: late facts netted, corrections made, large ones put into
 * quarantine. Each line is on its own: one that cannot be corrected keeps nobody else waiting.
 */

import type { Comparison, DriftingLine, LineNetting } from './compare.ts';
import {
  bySku,
  type Correction,
  type CorrectionOutcome,
  correctionId,
  eachLimited,
  partitionOfSku,
} from './correcting.ts';
import { syncPartition } from './ledger-sync.ts';
import { type JudgingContext, judgeLine, lateFactRule, nettingEvidence } from './line-case.ts';
import type { Proposed } from './quarantine.ts';
import type { Applied, AppliedNetting, Result } from './report-lines.ts';
import type { SourceContext } from './source-context.ts';

export interface ApplyingDone {
  readonly applied: readonly Applied[];
  readonly netted: readonly AppliedNetting[];
  /** The lease was lost on the way. */
  readonly displaced: boolean;
}

type Work =
  | { readonly sku: string; readonly netting: LineNetting }
  | { readonly sku: string; readonly line: DriftingLine };

/** How often one line is compared again because the ledger has moved behind the comparison. */
const comparedAgainMax = 3;

export async function applyComparison(
  source: SourceContext,
  judging: JudgingContext,
  comparison: Comparison,
): Promise<ApplyingDone> {
  const applied: Applied[] = [];
  const netted: AppliedNetting[] = [];
  const { lines } = comparison.judged;
  const work: Work[] = [
    ...comparison.nettings.map((netting) => ({ sku: netting.sku, netting })),
    ...lines
      .filter((line) => line.verdict.kind === 'correct')
      .map((line) => ({ sku: line.sku, line })),
  ];
  const applying = new Applying(source, judging);
  await eachLimited(bySku(work), source.settings.correctionsInFlightMax, async (ofSku) => {
    for (const item of ofSku) {
      if ('line' in item) {
        applied.push({ line: item.line, result: await applying.correct(item.line) });
      } else {
        netted.push({ netting: item.netting, result: await applying.net(item.netting) });
      }
    }
  });
  const displaced = !source.isLeading();
  if (!displaced) await renewQuarantine(source, judging, lines);
  return { applied, netted, displaced };
}

class Applying {
  readonly #source: SourceContext;
  readonly #judging: JudgingContext;

  constructor(source: SourceContext, judging: JudgingContext) {
    this.#source = source;
    this.#judging = judging;
  }

  /** Corrects a line by what is proven; compares it again when the ledger has moved. */
  async correct(line: DriftingLine): Promise<Result> {
    let now: DriftingLine | undefined = line;
    for (let times = 0; times <= comparedAgainMax; times += 1) {
      if (!this.#source.isLeading()) return 'displaced';
      const outcome = await this.#source.corrector.correct(this.#correctionOf(now));
      if (outcome.kind !== 'stock_changed') return resultOf(outcome);
      now = await this.#again(line);
      if (now === undefined) return 'gone';
    }
    return 'failed: stock_changed';
  }

  async net(netting: LineNetting): Promise<Result> {
    if (!this.#source.isLeading()) return 'displaced';
    const { sku, location, delta, nettings, asOfSeq } = netting;
    const { name } = this.#source;
    const { window } = this.#judging;
    const outcome = await this.#source.corrector.correct({
      id: correctionId('netting', name, sku, location, window.snapshotId),
      sku,
      location,
      delta,
      evidence: {
        asOfSeq,
        source: name,
        rule: lateFactRule,
        snapshotIds: [window.snapshotId],
        asOfFromMs: window.asOfFromMs,
        ...nettingEvidence(nettings),
      },
    });
    // Something has come in between: the next run sees it all.
    return outcome.kind === 'stock_changed' ? 'gone' : resultOf(outcome);
  }

  /** The line with what has happened since; undefined: nothing is to be corrected any more. */
  async #again(line: DriftingLine): Promise<DriftingLine | undefined> {
    const { journal, ledger, partitions, snapshots } = this.#source;
    const { sku, location, lanes } = line;
    await syncPartition(journal, ledger, partitionOfSku(sku, partitions));
    const staged = snapshots.stagedLine(line);
    if (staged === undefined) return undefined;
    const { verdict, nettings, asOfSeq } = judgeLine(staged, this.#judging);
    if (verdict.kind !== 'correct' || nettings.length > 0) return undefined;
    return { sku, location, qty: staged.qty, verdict, lanes, asOfSeq };
  }

  #correctionOf(line: DriftingLine): Correction {
    const { sku, location, verdict } = line;
    const { snapshotId } = this.#judging.window;
    return {
      id: correctionId(this.#source.name, sku, location, snapshotId),
      sku,
      location,
      delta: verdict.delta,
      evidence: evidenceOf(this.#source, this.#judging, line),
    };
  }
}

/** Why a line is corrected, for the event and for whoever has to approve it. */
function evidenceOf(
  { name }: SourceContext,
  { window }: JudgingContext,
  { qty, verdict, asOfSeq }: DriftingLine,
) {
  return {
    asOfSeq,
    source: name,
    snapshotIds: verdict.snapshotIds,
    observed: qty,
    lo: verdict.interval.lo,
    hi: verdict.interval.hi,
    rule: 'proven_drift',
    asOfFromMs: window.asOfFromMs,
    asOfToMs: window.asOfToMs,
  };
}

async function renewQuarantine(
  source: SourceContext,
  judging: JudgingContext,
  lines: readonly DriftingLine[],
): Promise<void> {
  const proposed = lines
    .filter((line) => line.verdict.kind === 'quarantine')
    .map(
      (line): Proposed => ({
        sku: line.sku,
        source: source.name,
        location: line.location,
        delta: line.verdict.delta,
        evidence: evidenceOf(source, judging, line),
      }),
    );
  const wasCompared = (sku: string, location: string) =>
    source.snapshots.stagedLine({ sku, location }) !== undefined;
  await source.quarantine.renew(source.name, proposed, wasCompared, source.clock.now());
}

function resultOf(outcome: CorrectionOutcome): Result {
  switch (outcome.kind) {
    case 'applied':
      return 'applied';
    case 'done_before':
    case 'stock_changed':
      return 'gone';
    case 'failed':
      return `failed: ${outcome.code}`;
  }
}
