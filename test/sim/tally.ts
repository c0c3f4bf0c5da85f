/**
 * What a search has covered: faults, refusal codes, acknowledged commands, what reconcilers did; and
 * what of it is too little to say that a search has looked.
 */

import { codes } from '../../src/contract/codes.ts';
import { faultKinds } from './engine/faults.ts';
import type { SimResult } from './simulate.ts';

/** What a search of ten minutes has to reach. */
export const goals = {
  /** Share of the seeds that each kind of fault strikes in. */
  faultShare: 0.1,
  /** Times that each refusal code is heard. */
  refusals: 1_000,
  /** Median of acknowledged commands per seed. */
  acknowledged: 200,
} as const;

export class Tally {
  seeds = 0;
  failed = 0;
  steps = 0;
  readonly #acknowledged: number[] = [];
  readonly #codes = new Map<string, number>(Object.keys(codes).map((code) => [code, 0]));
  /** In how many seeds each kind of fault has struck. */
  readonly #faults = new Map<string, number>(faultKinds.map((kind) => [kind, 0]));
  #fenced = 0;
  #erps = 0;
  readonly #reconciled = new Map<string, number>();

  add(result: SimResult): void {
    this.seeds += 1;
    this.steps += result.steps;
    if (result.failures.length > 0) this.failed += 1;
    this.#acknowledged.push(result.acknowledged);
    for (const [code, count] of result.codes) addTo(this.#codes, code, count);
    if (result.fenced > 0) this.#fenced += 1;
    if (result.reconciled) this.#erps += 1;
    for (const [what, count] of result.reconciled ?? []) addTo(this.#reconciled, what, count);
    for (const kind of result.faults.keys()) addTo(this.#faults, kind, 1);
  }

  get #median(): number {
    const sorted = [...this.#acknowledged].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? 0;
  }

  lines(): string[] {
    const { seeds, failed, steps } = this;
    const share = (count: number) => `${((100 * count) / Math.max(1, seeds)).toFixed(0)} %`;
    const list = (map: ReadonlyMap<string, number>, text: (count: number) => string) =>
      [...map]
        .sort((a, b) => b[1] - a[1])
        .map(([name, count]) => `${name} ${text(count)}`)
        .join(', ');
    return [
      `${seeds} seeds, ${failed} failed, ${steps} steps, median of ${this.#median} acknowledged commands per seed`,
      `faults, by share of seeds: ${list(this.#faults, share)}`,
      `two owners at once, one of them fenced: ${share(this.#fenced)} of the seeds`,
      `refusals: ${list(this.#codes, String)}`,
      `${this.#erps} seeds with an ERP: ${list(this.#reconciled, String)}`,
    ];
  }

  /** What is below its goal, one line each; a short search is. */
  shortcomings(): string[] {
    const { faultShare, refusals, acknowledged } = goals;
    const lines: string[] = [];
    for (const [kind, count] of this.#faults) {
      if (count >= faultShare * this.seeds) continue;
      lines.push(`${kind} strikes in ${count} of ${this.seeds} seeds`);
    }
    for (const [code, count] of this.#codes) {
      if (count < refusals) lines.push(`${code} is heard ${count} times`);
    }
    if (this.#median < acknowledged) {
      lines.push(`a median of ${this.#median} commands is acknowledged per seed`);
    }
    return lines;
  }
}

function addTo(counts: Map<string, number>, name: string, more: number): void {
  counts.set(name, (counts.get(name) ?? 0) + more);
}
