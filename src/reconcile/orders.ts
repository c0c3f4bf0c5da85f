/**
 * What operators ask of the reconciling node, as JSON on `inv.reconcile.<what>`:
 * `run {source, dryRun?, force?}`, `approve {sku, location?, source?}`, `reject` the same.
 */

import type { ProposalChoice } from './quarantine.ts';

export type Order =
  | {
      readonly what: 'run';
      readonly source: string;
      readonly dryRun: boolean;
      readonly force: boolean;
    }
  | { readonly what: 'approve' | 'reject'; readonly choice: ProposalChoice };

/** The order, or what is wrong with it. */
export function parseOrder(what: Order['what'], payload: Uint8Array): Order | string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(payload));
  } catch {
    return 'not JSON';
  }
  if (typeof value !== 'object' || value === null) return 'not an object';
  const { source, dryRun = false, force = false, sku, location } = value as Record<string, unknown>;
  if (what === 'run') {
    if (typeof source !== 'string') return 'source is missing';
    if (typeof dryRun !== 'boolean' || typeof force !== 'boolean')
      return 'dryRun and force are true or false';
    return { what, source, dryRun, force };
  }
  if (typeof sku !== 'string') return 'sku is missing';
  if (!isOptionalText(location) || !isOptionalText(source)) return 'location and source are texts';
  const choice = {
    sku,
    ...(location === undefined ? {} : { location }),
    ...(source === undefined ? {} : { source }),
  };
  return { what, choice };
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}
