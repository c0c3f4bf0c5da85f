/**
 * At rest: the ERP has posted everything and has shown it often enough, so our on hand is the ERP's,
 * up to what the rules leave alone: the tolerance, what waits for a human or was rejected by one, what
 * the last comparison has explained by postings, and everything where the breaker has stopped it.
 */

import { livesOf } from '../lives.ts';
import { lineOf } from '../model/ledger.ts';
import { skuKeyOf } from '../model/names.ts';
import type { ReconcileRecord } from '../reconcile/reconciliation.ts';
import type { RunRecord } from '../run-record.ts';

export function checkErpAgrees(run: RunRecord): readonly string[] {
  const { reconciliation } = run;
  if (!reconciliation || reconciliation.plan.mode === 'dry-run') return [];
  const compared = new Set(['applied', 'stopped']);
  const last = reconciliation.reports.findLast(({ outcome }) => compared.has(outcome));
  if (last === undefined || last.endedAtMs < run.healedMs) {
    return ['nothing was compared after all faults had stopped'];
  }
  // So much would change that a human has to look at it first.
  if (last.outcome === 'stopped') return [];
  const wrong: string[] = [];
  for (const [line, inErp] of reconciliation.books.quantities) {
    const space = line.indexOf(' ');
    const location = line.slice(0, space);
    const sku = line.slice(space + 1);
    const ours = livesOf(run).bySku.get(sku)?.moments.at(-1)?.stock.places.get(location);
    const difference = inErp - (ours?.onHand ?? 0);
    if (Math.abs(difference) <= reconciliation.plan.rules.toleranceUnits) continue;
    if (isExplained(line, last) || isProposed(run, sku, location)) continue;
    const why = reconciliation.books.uncleanness(line);
    wrong.push(`${line}: the ERP has ${inErp}, we ${ours?.onHand} (${why}); last ${last.run}`);
  }
  return wrong.slice(0, 5);
}

function isExplained(line: string, last: ReconcileRecord['reports'][number]): boolean {
  return (last.explained ?? []).some(({ sku, location }) => lineOf(sku, location) === line);
}

function isProposed(run: RunRecord, sku: string, location: string): boolean {
  const stored = run.world.reconcile.read(`open.${skuKeyOf(sku)}`);
  if (!stored) return false;
  const { proposals } = JSON.parse(stored.payload) as { proposals: { location: string }[] };
  return proposals.some((proposal) => proposal.location === location);
}
