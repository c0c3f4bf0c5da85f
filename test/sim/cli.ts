/**
 * `npm run sim -- --seed N` replays one seed; `--minutes M` searches, `--from N` says where; a failure
 * prints the seed, what was drawn, what is wrong and the last marks of the trace. `--quick`: a day as
 * short as in the tests; `--erp yes|no`: with an ERP to reconcile with, or without, whatever is drawn.
 */

import { parseArgs } from 'node:util';
import { cleanUp, hunt } from './mutate.ts';
import { mutations } from './mutations.ts';
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
    marks: { type: 'string', default: '60' },
  },
});

const options = {
  /** As the tests run them (`batch.ts`). */
  plan: values.quick ? { workMs: 9_000 } : {},
  erp: values.erp === undefined ? undefined : values.erp === 'yes',
};

function report(result: SimResult): void {
  const { seed, plan, failures, recent, hash, steps, acknowledged } = result;
  console.log(
    `seed ${seed}: ${failures.length === 0 ? 'all is well' : 'FAILED'}, hash ${hash}, ${steps} steps, ${acknowledged} acknowledged`,
  );
  if (failures.length === 0) return;
  console.log(`plan: ${JSON.stringify(plan)}`);
  for (const mark of recent.slice(-Number(values.marks))) console.log(`  ${mark}`);
  for (const { checker, what } of failures) console.log(`${checker}: ${what}`);
}

async function search(): Promise<number> {
  const tally = new Tally();
  const from = Number(values.from ?? Date.now() % 1_000_000_000);
  const untilMs = Date.now() + Number(values.minutes ?? 1_000_000) * 60_000;
  const count = Number(values.count ?? Number.MAX_SAFE_INTEGER);
  for (let seed = from; seed < from + count && Date.now() < untilMs; seed++) {
    const result = await simulate(seed, options);
    tally.add(result);
    if (result.failures.length > 0) {
      console.log(
        `seed ${seed} FAILED: ${result.failures[0]?.checker}: ${result.failures[0]?.what.slice(0, 400)}`,
      );
    }
  }
  for (const line of tally.lines()) console.log(line);
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
  const result = await simulate(Number(values.seed), {
    ...options,
    keepMarks: Math.max(400, Number(values.marks)),
  });
  report(result);
  process.exitCode = result.failures.length === 0 ? 0 : 1;
} else {
  process.exitCode = await search();
}
