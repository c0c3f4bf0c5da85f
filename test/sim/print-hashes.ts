/**
 * Prints the trace hashes of seeds, one per line: what `other-nodes.test.ts` runs under other versions
 * of Node. Without an ERP: its SQLite is compiled for one version only.
 */

import { quickPlan } from './quick-plan.ts';
import { simulate } from './simulate.ts';

for (const seed of process.argv.slice(2).map(Number)) {
  const { hash } = await simulate(seed, { plan: quickPlan, erp: false });
  console.log(hash);
}
process.exit(0);
