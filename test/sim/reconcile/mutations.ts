/** Reconciliation broken on purpose, one rule at a time; `mutations.ts` says how that works. */

import type { Mutation } from '../mutations.ts';

function one(name: string, step: number, file: string, find: string, replace: string): Mutation {
  const invariant = `reconciliation, step ${step}`;
  return { name, invariant, erp: true, edits: [{ file, find, replace }] };
}

const ourOnHand =
  '((line) => line.opening + this.#source.ledger.entries(line.id).reduce((sum, entry) => sum + entry.delta, 0))(this.#source.ledger.line(sku, location))';

export const reconcileMutations: readonly Mutation[] = [
  one(
    'stock is overwritten with the snapshot instead of changed by what is proven',
    7,
    'src/reconcile/applying',
    'delta: verdict.delta,\n            evidence: evidenceOf',
    `delta: (line.qty - ${ourOnHand}) || verdict.delta,\n            evidence: evidenceOf`,
  ),
  one(
    'nobody looks whether the ledger has changed behind a correction',
    7,
    'src/domain/decide-stock',
    'if (state.backdated.since(evidence.asOfSeq, fromMs)) {',
    'if (false) {',
  ),
  one(
    'corrections of our own are not in the ledger',
    1,
    'src/domain/reconciliation/classify',
    "if (entry.correction === true)\n        return 'in';",
    "if (entry.correction === true)\n        return 'out';",
  ),
  one(
    'a line that the snapshot does not have counts as zero',
    0,
    'src/reconcile/store/snapshot-store',
    '*match(loud) {',
    "*match(loud) {\n        this.#sql.exec('INSERT INTO staged (sku, location, qty) SELECT sku, location, 0 FROM line l WHERE NOT EXISTS (SELECT 1 FROM staged s WHERE s.sku = l.sku AND s.location = l.location)');",
  ),
  one(
    'one snapshot is proof enough',
    5,
    'src/domain/reconciliation/assess',
    'const needed = newest.drift < 0 ? rules.proofsToLower : rules.proofsToRaise;',
    'const needed = 1;',
  ),
  one(
    'the largest drift that was seen is corrected instead of the smallest',
    5,
    'src/domain/reconciliation/proofs',
    'if (Math.abs(drift) < Math.abs(smallest))',
    'if (Math.abs(drift) > Math.abs(smallest))',
  ),
  one(
    'work in flight counts as drift',
    2,
    'src/domain/reconciliation/classify',
    "return startMs > window.asOfToMs + lane.clockSkewMs ? 'out' : 'uncertain';\n}",
    "return startMs > window.asOfToMs + lane.clockSkewMs ? 'out' : 'in';\n}",
  ),
  one(
    'large corrections do not wait for a human',
    6,
    'src/domain/reconciliation/assess',
    "Math.abs(delta) > rules.perLineMaxUnits ? 'quarantine' : 'correct'",
    "'correct'",
  ),
  one(
    'a late fact is set off against a correction again and again',
    8,
    'src/reconcile/line-case',
    'const done = recorded.filter(isNetting).flatMap(recordedNettings);',
    'const done = [];',
  ),
];
