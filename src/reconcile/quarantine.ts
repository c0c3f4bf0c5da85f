/**
 * Proposals that wait for a human, one key `open.<skuKey>` per SKU in the bucket `inv_reconcile`. Each
 * run renews them: what is no longer proven disappears, and what was rejected stays rejected for as
 * long as it is the same amount.
 */

import { skuKeyOf } from '../domain/names.ts';
import type { KeyValues } from '../ports.ts';
import {
  type Correction,
  type CorrectionOutcome,
  type Corrector,
  correctionId,
} from './correcting.ts';

export interface Proposal {
  readonly source: string;
  readonly location: string;
  readonly delta: number;
  readonly status: 'open' | 'rejected';
  readonly sinceMs: number;
  readonly evidence: Readonly<Record<string, unknown>> & {
    readonly snapshotIds: readonly string[];
  };
}

export interface OpenSku {
  readonly sku: string;
  readonly proposals: readonly Proposal[];
}

/** A proposal of the present run. */
export type Proposed = Omit<Proposal, 'status' | 'sinceMs'> & { readonly sku: string };

export interface ProposalChoice {
  readonly sku: string;
  /** Absent: all. */
  readonly location?: string;
  readonly source?: string;
}

export interface ProposalResult {
  readonly sku: string;
  readonly location: string;
  readonly source: string;
  readonly delta: number;
  readonly outcome: CorrectionOutcome['kind'] | 'rejected';
  readonly code?: string;
}

const attemptsMax = 10;

export class Quarantine {
  readonly #values: KeyValues;

  constructor(values: KeyValues) {
    this.#values = values;
  }

  /** Everything that waits or was rejected. */
  async list(): Promise<readonly OpenSku[]> {
    const stored = await this.#values.list('open');
    return [...stored.values()].map(({ payload }) => JSON.parse(payload) as OpenSku);
  }

  /** Makes the source's proposals those of its newest run; `wasCompared`: others are left alone. */
  async renew(
    source: string,
    proposed: readonly Proposed[],
    wasCompared: (sku: string, location: string) => boolean,
    nowMs: number,
  ): Promise<void> {
    const bySku = new Map<string, Proposed[]>();
    for (const one of proposed) bySku.set(one.sku, [...(bySku.get(one.sku) ?? []), one]);
    for (const { sku } of await this.list()) if (!bySku.has(sku)) bySku.set(sku, []);
    for (const [sku, ofSku] of bySku) {
      await this.#change(sku, (before) => [
        ...before.filter((one) => one.source !== source || !wasCompared(sku, one.location)),
        ...ofSku.map((one) => renewed(one, before, nowMs)),
      ]);
    }
  }

  /** Applies what was proposed. What cannot be applied stays open. */
  async approve(choice: ProposalChoice, corrector: Corrector): Promise<ProposalResult[]> {
    const chosen = await this.#chosen(choice, 'open');
    const results: ProposalResult[] = [];
    for (const proposal of chosen) {
      const outcome = await corrector.correct(approvedCorrection(choice.sku, proposal));
      const isDone = outcome.kind === 'applied' || outcome.kind === 'done_before';
      if (isDone) {
        await this.#change(choice.sku, (before) => before.filter((one) => !isSame(one, proposal)));
      }
      results.push({
        ...resultOf(choice.sku, proposal),
        outcome: outcome.kind,
        ...(outcome.kind === 'failed' ? { code: outcome.code } : {}),
      });
    }
    return results;
  }

  /** Leaves stock as it is; the same drift is not proposed again. */
  async reject(choice: ProposalChoice): Promise<ProposalResult[]> {
    const chosen = await this.#chosen(choice, 'open');
    await this.#change(choice.sku, (before) =>
      before.map((one) =>
        chosen.some((other) => isSame(one, other)) ? { ...one, status: 'rejected' } : one,
      ),
    );
    return chosen.map((one) => ({ ...resultOf(choice.sku, one), outcome: 'rejected' as const }));
  }

  async #chosen(
    { sku, location, source }: ProposalChoice,
    status: Proposal['status'],
  ): Promise<readonly Proposal[]> {
    const stored = await this.#values.read(openKey(sku));
    const { proposals } = stored ? (JSON.parse(stored.payload) as OpenSku) : { proposals: [] };
    return proposals.filter(
      (one) =>
        one.status === status &&
        (location === undefined || one.location === location) &&
        (source === undefined || one.source === source),
    );
  }

  async #change(
    sku: string,
    change: (before: readonly Proposal[]) => readonly Proposal[],
  ): Promise<void> {
    const key = openKey(sku);
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const stored = await this.#values.read(key);
      const before = stored ? (JSON.parse(stored.payload) as OpenSku).proposals : [];
      const proposals = change(before);
      if (JSON.stringify(proposals) === JSON.stringify(before)) return;
      const payload = JSON.stringify({ sku, proposals } satisfies OpenSku);
      const written = await this.#values.write(key, payload, stored?.revision ?? 0);
      if (written.kind === 'conflict') continue;
      if (proposals.length === 0) await this.#values.remove(key);
      return;
    }
    throw new Error(`${key} keeps changing`);
  }
}

function openKey(sku: string): string {
  return `open.${skuKeyOf(sku)}`;
}

function isSame(a: Proposal, b: Proposal): boolean {
  return a.source === b.source && a.location === b.location;
}

function renewed(
  { sku: _, ...one }: Proposed,
  before: readonly Proposal[],
  nowMs: number,
): Proposal {
  const known = before.find(
    (other) => other.source === one.source && other.location === one.location,
  );
  const isRejected = known?.status === 'rejected' && known.delta === one.delta;
  return { ...one, status: isRejected ? 'rejected' : 'open', sinceMs: known?.sinceMs ?? nowMs };
}

function approvedCorrection(
  sku: string,
  { source, location, delta, evidence }: Proposal,
): Correction {
  const snapshotId = evidence.snapshotIds.at(-1) ?? '';
  return {
    id: correctionId('approved', source, sku, location, snapshotId),
    sku,
    location,
    delta,
    evidence: { ...evidence, rule: 'approved' },
  };
}

function resultOf(sku: string, { location, source, delta }: Proposal) {
  return { sku, location, source, delta };
}
