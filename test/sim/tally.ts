/** What a search has covered: faults, refusal codes, acknowledged commands, what reconcilers did. */

import type { SimResult } from './simulate.ts';

export class Tally {
  seeds = 0;
  failed = 0;
  steps = 0;
  readonly #acknowledged: number[] = [];
  readonly #codes = new Map<string, number>();
  /** In how many seeds each kind of fault has struck. */
  readonly #faults = new Map<string, number>();
  #erps = 0;
  readonly #reconciled = new Map<string, number>();

  add(result: SimResult): void {
    this.seeds += 1;
    this.steps += result.steps;
    if (result.failures.length > 0) this.failed += 1;
    this.#acknowledged.push(result.acknowledged);
    for (const [code, count] of result.codes) {
      this.#codes.set(code, (this.#codes.get(code) ?? 0) + count);
    }
    if (result.reconciled) this.#erps += 1;
    for (const [what, count] of result.reconciled ?? []) {
      this.#reconciled.set(what, (this.#reconciled.get(what) ?? 0) + count);
    }
    for (const kind of result.faults.keys()) {
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + 1);
    }
  }

  lines(): string[] {
    const sorted = [...this.#acknowledged].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    const share = (count: number) => `${((100 * count) / Math.max(1, this.seeds)).toFixed(0)} %`;
    const list = (map: ReadonlyMap<string, number>, text: (count: number) => string) =>
      [...map]
        .sort((a, b) => b[1] - a[1])
        .map(([name, count]) => `${name} ${text(count)}`)
        .join(', ');
    return [
      `${this.seeds} seeds, ${this.failed} failed, ${this.steps} steps, median of ${median} acknowledged commands per seed`,
      `faults, by share of seeds: ${list(this.#faults, share)}`,
      `refusals: ${list(this.#codes, String)}`,
      `${this.#erps} seeds with an ERP: ${list(this.#reconciled, String)}`,
    ];
  }
}
