// Prints the comparison as a table: `main.js [--seeds n] [--json file]`. Ends with 1 where it has faults.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  faultsOf,
  type PolicyResult,
  type QualityResult,
  runReconcileQuality,
  spreadOf,
} from './run.ts';

const columns: readonly (readonly [string, (result: PolicyResult) => number, number])[] = [
  ['oversold units', (r) => r.oversold, 0],
  ['overstated unit-hours', (r) => r.overstatedUnitHours, 0],
  ['understated unit-hours', (r) => r.understatedUnitHours, 0],
  ['corrections', (r) => r.corrections, 0],
  ['harmful %', (r) => r.harmfulShare * 100, 1],
];

export function tableOf(result: QualityResult): string {
  const policies = result.seeds[0]!.policies.map((policy) => policy.policy);
  const rows = policies.map((policy) => [
    policy,
    ...columns.map(([, value, digits]) => {
      const { least, median, most } = spreadOf(result, policy, value);
      return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
    }),
  ]);
  const all = [['policy', ...columns.map(([name]) => name)], ...rows];
  const widths = all[0]!.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')).join('\n');
}

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '20' }, json: { type: 'string' } },
});
const { seeds, json: file } = values;
const startedAt = Date.now();
const result = runReconcileQuality({
  seeds: Number(seeds),
  onSeed: ({ seed, policies, lateShare }) => {
    const own = policies.at(-1)!;
    console.log(
      `seed ${seed}: late postings ${(lateShare * 100).toFixed(1)} %, oversold ` +
        policies.map((policy) => `${policy.policy} ${policy.oversold}`).join(', ') +
        ` · ours: ${JSON.stringify(own.notes)}`,
    );
  },
});
const { ledgers, hours } = result.shape;
console.log(`\n${ledgers} ledgers, ${hours} hours, ${seeds} seeds: median (least–most)\n`);
console.log(tableOf(result));
const late = result.seeds.map(({ lateShare }) => lateShare * 100);
const [leastLate, mostLate] = [Math.min(...late).toFixed(1), Math.max(...late).toFixed(1)];
console.log(`\npostings later than policies are told: ${leastLate}–${mostLate} %`);
const faults = faultsOf(result);
for (const fault of faults) console.log(`FAULT: ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;
console.log(`\n${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
if (file !== undefined) writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
