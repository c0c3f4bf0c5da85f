/**
 * `npm run sim -- --seed N` replays one seed; `--minutes M` searches, `--from N` says where;
 * `--mutations` breaks the code on purpose and shows which share of the seeds notices.
 *
 * A failure prints what was drawn, what is wrong, the last marks of the trace (`--marks N`) and the
 * smallest plan that still fails (`--minimise SECONDS`, 60 unless told), with the command that replays
 * it. `--plan JSON` overrides what is drawn; `--quick`: a day as short as in the tests; `--erp yes|no`:
 * with an ERP to reconcile with, or without, whatever is drawn.
 */

import { parseArgs } from 'node:util';
import { printFailure, type SeedOptions } from './failing.ts';
import { cleanUp, hunt } from './mutate.ts';
import { mutations } from './mutations.ts';
import { quickPlan } from './quick-plan.ts';
import { type SimResult, simulate } from './simulate.ts';
import { Tally } from './tally.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string' },
    from: { type: 'string' },
    count: { type: 'string' },
    mutations: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    erp: { type: 'string' },
    plan: { type: 'string', default: '{}' },
    marks: { type: 'string', default: '60' },
    minimise: { type: 'string', default: '60' },
  },
});

const options: SeedOptions = {
  plan: { ...(values.quick ? quickPlan : {}), ...JSON.parse(values.plan) },
  erp: values.erp === undefined ? undefined : values.erp === 'yes',
  marks: Number(values.marks),
  minimiseMs: Number(values.minimise) * 1_000,
};

/** Failures of a search that are told in full: the others are only named. */
const toldMax = 3;

async function replay(seed: number): Promise<SimResult> {
  const result = await simulate(seed, { ...options, keepMarks: Math.max(400, options.marks) });
  const { failures, hash, steps, acknowledged } = result;
  const verdict = failures.length === 0 ? 'all is well' : 'FAILED';
  console.log(
    `seed ${seed}: ${verdict}, hash ${hash}, ${steps} steps, ${acknowledged} acknowledged`,
  );
  if (failures.length > 0) await printFailure(result, options);
  return result;
}

async function search(): Promise<number> {
  const tally = new Tally();
  const from = Number(values.from ?? Date.now() % 1_000_000_000);
  const untilMs = Date.now() + Number(values.minutes ?? 1_000_000) * 60_000;
  const count = Number(values.count ?? Number.MAX_SAFE_INTEGER);
  for (let seed = from; seed < from + count && Date.now() < untilMs; seed++) {
    const result = await simulate(seed, options);
    tally.add(result);
    const [first] = result.failures;
    if (first === undefined) continue;
    if (tally.failed <= toldMax) await replay(seed);
    else console.log(`seed ${seed} FAILED: ${first.checker}: ${first.what.slice(0, 400)}`);
  }
  for (const line of tally.lines()) console.log(line);
  const lacking = tally.shortcomings();
  for (const line of lacking) console.log(`below the goal of ten minutes: ${line}`);
  if (lacking.length === 0) console.log('everything is covered as often as it should be');
  return tally.failed === 0 ? 0 : 1;
}

/** Every mutation on the same seeds: how many of them notice. */
async function mutate(): Promise<number> {
  const from = Number(values.from ?? 1);
  const count = Number(values.count ?? 60);
  let missed = 0;
  for (const mutation of mutations) {
    const { seeds, noticed, first, failure } = await hunt(mutation, { from, count }, true);
    if (noticed === 0) missed += 1;
    console.log(
      `${((100 * noticed) / seeds).toFixed(0).padStart(4)} %  first ${first ?? '-'}  ${mutation.name}: ${failure ? `${failure.checker}: ${failure.what.slice(0, 160)}` : 'NOT NOTICED'}`,
    );
  }
  cleanUp();
  return missed === 0 ? 0 : 1;
}

if (values.mutations) {
  process.exitCode = await mutate();
} else if (values.seed !== undefined) {
  const { failures } = await replay(Number(values.seed));
  process.exitCode = failures.length === 0 ? 0 : 1;
} else {
  process.exitCode = await search();
}
