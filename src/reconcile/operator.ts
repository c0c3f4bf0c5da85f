/**
 * The operators' side: asks the node that reconciles, wherever it is. For the command line and the
 * console.
 */

import type { Names } from '../contract/subjects.ts';
import type { Bus, KeyValues } from '../ports.ts';
import { PortError } from '../ports.ts';
import {
  type OpenSku,
  type ProposalChoice,
  type ProposalResult,
  Quarantine,
} from './quarantine.ts';
import type { RunReport } from './report.ts';

/** The order was not carried out; `code` is one of the contract's. */
export class OrderRefusedError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'OrderRefusedError';
    this.code = code;
  }
}

export interface Operator {
  /** Runs a source now and answers its report. Rejects with `OrderRefusedError` or `PortError`. */
  run(source: string, order: { dryRun?: boolean; force?: boolean }): Promise<RunReport>;
  approve(choice: ProposalChoice): Promise<readonly ProposalResult[]>;
  reject(choice: ProposalChoice): Promise<readonly ProposalResult[]>;
  /** What waits for approval, and what was rejected. */
  open(): Promise<readonly OpenSku[]>;
  /** The newest report of a source, or of all. */
  latest(source?: string): Promise<RunReport | undefined>;
}

/** A run reads the whole of the ERP's stock: it may take its time. */
const runTimeoutMs = 15 * 60_000;
const orderTimeoutMs = 60_000;

export function createOperator(bus: Bus, values: KeyValues, names: Names): Operator {
  const quarantine = new Quarantine(values);

  async function ask<T>(what: 'run' | 'approve' | 'reject', order: object, ms: number): Promise<T> {
    let reply: Uint8Array;
    try {
      reply = await bus.request(names.subjects.reconcile(what), JSON.stringify(order), ms);
    } catch (error) {
      if (!(error instanceof PortError) || error.code !== 'no_responders') throw error;
      const message = 'no node reconciles: is there a node with erp.sources in its configuration?';
      throw new OrderRefusedError('unavailable', message);
    }
    const answer = JSON.parse(new TextDecoder().decode(reply));
    if (answer.ok === true) return answer as T;
    throw new OrderRefusedError(String(answer.error?.code), String(answer.error?.message));
  }

  return {
    async run(source, order) {
      const { report } = await ask<{ report: RunReport }>(
        'run',
        { source, ...order },
        runTimeoutMs,
      );
      return report;
    },
    approve: async (choice) =>
      (await ask<{ results: ProposalResult[] }>('approve', choice, orderTimeoutMs)).results,
    reject: async (choice) =>
      (await ask<{ results: ProposalResult[] }>('reject', choice, orderTimeoutMs)).results,
    open: () => quarantine.list(),
    async latest(source) {
      const key = source === undefined ? 'latest' : `latest.${source}`;
      const stored = await values.read(key);
      return stored === undefined ? undefined : (JSON.parse(stored.payload) as RunReport);
    },
  };
}
