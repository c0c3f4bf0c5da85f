// What a node counted during a run, short enough to be printed.

import { CountingMetrics } from '../../../src/runtime/metrics.ts';

export interface NodeSummary {
  readonly commits: number;
  readonly commandsPerCommit: number;
  readonly bytesPerCommit: number;
  readonly commitMs: number;
  readonly barriers: number;
  readonly rows: Readonly<Record<string, number>>;
  /** From a commit to its rows: the worst of each sink. */
  readonly lagMsMost: Readonly<Record<string, number>>;
  readonly expired: number;
  readonly expiryLateMsMost: number;
  readonly stalls: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly rssMb: number;
  readonly cpuSeconds: number;
}

export class NodeFigures extends CountingMetrics {
  readonly #lagMsMost = new Map<string, number>();
  #expiryLateMsMost = 0;

  override derived(sink: string, rows: number, lagMs: number): void {
    super.derived(sink, rows, lagMs);
    this.#lagMsMost.set(sink, Math.max(lagMs, this.#lagMsMost.get(sink) ?? 0));
  }

  override expired(holds: number, lateMs: number): void {
    super.expired(holds, lateMs);
    this.#expiryLateMsMost = Math.max(lateMs, this.#expiryLateMsMost);
  }

  /** Since the node started. */
  summary(): NodeSummary {
    const { count, sum } = this.commitMs;
    const cpu = process.cpuUsage();
    return {
      commits: count,
      commandsPerCommit: this.commitCommands.sum / Math.max(1, count),
      bytesPerCommit: this.commitBytes.sum / Math.max(1, count),
      commitMs: sum / Math.max(1, count),
      barriers: this.barrierMs.count,
      rows: Object.fromEntries(this.derivedRows.values),
      lagMsMost: Object.fromEntries(this.#lagMsMost),
      expired: this.expiredHolds,
      expiryLateMsMost: this.#expiryLateMsMost,
      stalls: this.stalls,
      outcomes: Object.fromEntries(this.commands.values),
      rssMb: process.memoryUsage.rss() / 1e6,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
    };
  }
}
