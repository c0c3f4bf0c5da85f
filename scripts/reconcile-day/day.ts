/**
 * The day itself: the shop opens with stock that both sides know, sells through the public contract
 * what the file says, and the ERP exports its stock now and then, each export followed by a run of the
 * reconciler. What happens to whom when is decided here; who is right is judged in `judge.ts`.
 */

import { createHash } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, connectClient } from '../../src/client/index.ts';
import type { RunReport } from '../../src/reconcile/report.ts';
import type { Plan, Step } from '../replay/plan.ts';
import { runStep, sellingChannels } from '../replay/run.ts';
import type { Deployment } from './deployment.ts';
import { Erp, type ExportOptions } from './erp.ts';
import { type Faults, piecesPerBox, postedOf } from './faults.ts';
import type { Reports } from './reports.ts';

/** One export of the ERP and what the reconciler said to it. */
export interface Exported {
  readonly name: string;
  readonly report: RunReport;
  /** Articles of which the ERP had not posted everything yet. */
  readonly inFlight: ReadonlySet<string>;
}

export interface DayResult {
  readonly exports: readonly Exported[];
  readonly truncated: RunReport;
  /** On hand of each code, as far as the file and the faults are concerned. */
  readonly expected: ReadonlyMap<string, number>;
  /** Commands that were refused, by code. */
  readonly refused: ReadonlyMap<string, number>;
}

export interface DayTimes {
  /** Length of the day's trading. */
  readonly tradingMs: number;
  /** The lane's longest posting lag; every slip is posted within 80 % of it. */
  readonly lagMs: number;
  readonly skewMs: number;
}

/** More than is sold of every code: nothing is refused, and what vanishes was there. */
const slack = 200;
/** Parts of the day after which the ERP exports. */
const exportsAfter = [0.2, 0.55, 0.75, 1] as const;
/** Faults happen between the first two. */
export const faultsFrom = 0.22;
export const faultsUntil = 0.4;

export async function liveThroughDay(
  plan: Plan,
  faults: Faults,
  times: DayTimes,
  deployment: Deployment,
  reports: Reports,
  log: (line: string) => void,
): Promise<DayResult> {
  const connectAs = (channel: string) =>
    connectClient({ servers: deployment.natsUrl, channel, deadlineMs: 60_000 });
  const selling = await Promise.all(sellingChannels.map(connectAs));
  const warehouse = await connectAs('wms');
  const day = new Day(plan, faults, times, { selling, warehouse }, deployment, reports, log);
  try {
    return await day.live();
  } finally {
    await Promise.all([...selling, warehouse].map((client) => client.close()));
  }
}

class Day {
  readonly #plan: Plan;
  readonly #faults: Faults;
  readonly #times: DayTimes;
  readonly #clients: { readonly selling: readonly Client[]; readonly warehouse: Client };
  readonly #deployment: Deployment;
  readonly #reports: Reports;
  readonly #log: (line: string) => void;
  readonly #erp: Erp;
  readonly #expected = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  readonly #exports: Exported[] = [];
  #number = 0;

  constructor(
    plan: Plan,
    faults: Faults,
    times: DayTimes,
    clients: { readonly selling: readonly Client[]; readonly warehouse: Client },
    deployment: Deployment,
    reports: Reports,
    log: (line: string) => void,
  ) {
    this.#plan = plan;
    this.#faults = faults;
    this.#times = times;
    this.#clients = clients;
    this.#deployment = deployment;
    this.#reports = reports;
    this.#log = log;
    const packed = faults.planted.find(({ kind }) => kind === 'in packs')!;
    this.#erp = new Erp(
      () => (0.05 + 0.75 * Math.random()) * times.lagMs,
      (document, article, units) => postedOf(faults, document, article, units),
      new Map([[packed.sku, piecesPerBox]]),
    );
  }

  async live(): Promise<DayResult> {
    await this.#open();
    await this.#export('before the shop opens');
    const fromMs = Date.now();
    const trading = this.#trade(fromMs);
    let truncated: RunReport | undefined;
    for (const [i, share] of exportsAfter.entries()) {
      await sleep(fromMs + share * this.#times.tradingMs - Date.now());
      if (share === 1) await trading;
      // What went wrong before has to be overdue by now.
      const overdueMs = fromMs + faultsUntil * this.#times.tradingMs + this.#certainMs;
      if (i === 1) await sleep(overdueMs - Date.now());
      const inBoxes = new Set(i === 2 ? [this.#faults.inBoxes] : []);
      await this.#export(`after ${Math.round(share * 100)} % of the day`, { inBoxes });
      if (i === 1) truncated = await this.#exportTruncated();
    }
    for (const which of ['in the evening', 'at night']) {
      await sleep(this.#certainMs);
      await this.#export(which);
    }
    return {
      exports: this.#exports,
      truncated: truncated!,
      expected: this.#expected,
      refused: this.#refused,
    };
  }

  /** After so long, whatever happened is posted, or never will be. */
  get #certainMs(): number {
    return this.#times.lagMs + this.#times.skewMs + 500;
  }

  /** Both sides know the opening stock: it was counted. */
  async #open(): Promise<void> {
    const opening = [...this.#plan.opening].map(([sku, qty]) => [sku, qty + slack] as const);
    await Promise.all(
      opening.map(async ([sku, qty], i) => {
        const delivery = { id: `open-${i}`, sku, qty, ref: `opening-${i}` };
        this.#note(await this.#clients.warehouse.receive(delivery));
        this.#erp.open(sku, qty);
        this.#move(sku, qty);
      }),
    );
    this.#log(`opened with ${opening.length} articles`);
    await sleep(this.#certainMs);
  }

  async #trade(fromMs: number): Promise<void> {
    const { steps } = this.#plan;
    const { tradingMs } = this.#times;
    const under: Promise<void>[] = [];
    for (const [i, step] of steps.entries()) {
      await sleep(fromMs + (i / steps.length) * tradingMs - Date.now());
      under.push(this.#step(step, i));
      if (i === Math.floor(steps.length * faultsUntil)) under.push(this.#goWrong());
    }
    await Promise.all(under);
    this.#log(`${steps.length} invoices, returns and write-offs done`);
  }

  async #step(step: Step, i: number): Promise<void> {
    const { selling, warehouse } = this.#clients;
    // An invoice of several carts goes through one channel: it is one document of one lane.
    const client = selling[laneOf(step.invoice, selling.length)]!;
    await runStep(step, `day-${i}`, client, warehouse, (reply) => this.#note(reply));
    const lines = step.kind === 'sale' ? step.lines : new Map([[step.sku, step.qty]]);
    const sign = step.kind === 'return' ? 1 : -1;
    const signed = new Map([...lines].map(([sku, qty]) => [sku, sign * qty]));
    for (const [sku, units] of signed) this.#move(sku, units);
    this.#erp.hand({ document: step.invoice, lines: signed, happenedAtMs: Date.now() });
  }

  /** What no invoice of the file does: a delivery that is booked in packs, and losses. */
  async #goWrong(): Promise<void> {
    for (const { kind, sku, units, document } of this.#faults.planted) {
      if (kind === 'in packs') {
        const delivery = { id: 'in-packs', sku, qty: units, ref: document! };
        this.#note(await this.#clients.warehouse.receive(delivery));
        const lines = new Map([[sku, units]]);
        this.#erp.hand({ document: document!, lines, happenedAtMs: Date.now() });
        this.#move(sku, units);
      } else if (kind === 'shrinkage' || kind === 'large shrinkage') {
        this.#erp.count(sku, units, Date.now());
        this.#move(sku, units);
      }
    }
  }

  /** The ERP drops an export, an operator asks for a run. */
  async #export(when: string, options: ExportOptions = {}): Promise<void> {
    const atMs = Date.now();
    const inFlight = this.#erp.unposted(atMs);
    const { name, report } = await this.#drop(this.#erp.exported(atMs, options), atMs, true);
    this.#exports.push({ name: when, report, inFlight });
    const { compared = 0, inFlight: possible = 0, drifting = 0 } = report.lines ?? {};
    this.#log(
      `${name} ${when}: ${report.outcome}; ${compared} compared, ${possible} in flight, ${drifting} drifting`,
    );
  }

  /** An export that breaks off between two lines, and has nothing beside it that tells. */
  async #exportTruncated(): Promise<RunReport> {
    const atMs = Date.now();
    const rows = this.#erp.exported(atMs);
    const { name, report } = await this.#drop(rows.slice(0, rows.length >> 1), atMs, false);
    this.#log(`${name} cut in half: ${report.outcome} (${report.reason})`);
    return report;
  }

  async #drop(rows: readonly string[], asOfMs: number, isWhole: boolean) {
    this.#number += 1;
    const name = `stock-${String(this.#number).padStart(2, '0')}.csv`;
    const path = join(this.#deployment.dropPath, name);
    const text = `${rows.join('\n')}\n`;
    const meta = { snapshotId: name, asOfMs, ...(isWhole ? { lineCount: rows.length - 1 } : {}) };
    await writeFile(`${path}.meta.json`, JSON.stringify(meta));
    if (isWhole) {
      await writeFile(`${path}.sha256`, createHash('sha256').update(text).digest('hex'));
    }
    await writeFile(`${path}.part`, text);
    await rename(`${path}.part`, path);
    await this.#deployment.lastunit('reconcile', '--erp', 'sap', '--json');
    return { name, report: await this.#reports.on(name) };
  }

  #move(sku: string, units: number): void {
    this.#expected.set(sku, (this.#expected.get(sku) ?? 0) + units);
  }

  #note(reply: { readonly ok: boolean; readonly error?: { readonly code: string } }): void {
    if (reply.ok) return;
    const code = reply.error?.code ?? 'unknown';
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
  }
}

function laneOf(invoice: string, lanes: number): number {
  return [...invoice].reduce((sum, char) => sum + char.charCodeAt(0), 0) % lanes;
}
