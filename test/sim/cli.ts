/**
 * `npm run sim`: replays a seed, searches, or breaks the code on purpose; `--help` tells how.
 *
 * A failure prints what was drawn, what is wrong, the last marks of the trace and the smallest plan
 * that still fails, with the command that replays it.
 */

import { Command, InvalidArgumentError } from 'commander';
import { printFailure, type SeedOptions } from './failing.ts';
import { cleanUp, hunt } from './mutate.ts';
import { mutations } from './mutations.ts';
import { quickPlan } from './quick-plan.ts';
import { type SimResult, simulate } from './simulate.ts';
import { Tally } from './tally.ts';

function number(text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Not a number.');
  return value;
}

function yesOrNo(text: string): boolean {
  if (text !== 'yes' && text !== 'no') throw new InvalidArgumentError('Say yes or no.');
  return text === 'yes';
}

function json(text: string): object {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`Not JSON: ${(error as Error).message}.`);
  }
}

interface Values {
  readonly seed?: number;
  readonly minutes?: number;
  readonly from?: number;
  readonly count?: number;
  readonly mutations?: boolean;
  readonly quick?: boolean;
  readonly erp?: boolean;
  readonly plan: object;
  readonly marks: number;
  readonly minimise: number;
}

const values = new Command('npm run sim --')
  .description('Simulates whole nodes: every seed is one day of work and faults on virtual time.')
  .option('--seed <n>', 'replay this seed', number)
  .option('--minutes <m>', 'search for so long; Ctrl-C ends it before', number)
  .option('--from <n>', 'first seed of the search', number)
  .option('--count <n>', 'seeds to search, or to try with each mutation', number)
  .option('--mutations', 'break the code on purpose and show which share of the seeds notices')
  .option('--quick', 'a day as short as in the tests')
  .option('--erp <yes|no>', 'with or without an ERP to reconcile with, whatever is drawn', yesOrNo)
  .option('--plan <json>', 'parts of the plan that are not to be drawn', json, {})
  .option('--marks <n>', 'how many of the last marks of the trace a failure shows', number, 60)
  .option('--minimise <seconds>', 'how long a smaller plan that fails is looked for', number, 60)
  .parse()
  .opts<Values>();

const options: SeedOptions = {
  plan: { ...(values.quick ? quickPlan : {}), ...values.plan },
  erp: values.erp,
  marks: values.marks,
  minimiseMs: values.minimise * 1_000,
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
  const from = values.from ?? Date.now() % 1_000_000_000;
  const untilMs = Date.now() + (values.minutes ?? 1_000_000) * 60_000;
  const count = values.count ?? Number.MAX_SAFE_INTEGER;
  let isStopped = false;
  process.once('SIGINT', () => {
    isStopped = true;
  });
  for (let seed = from; !isStopped && seed < from + count && Date.now() < untilMs; seed++) {
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
  const from = values.from ?? 1;
  const count = values.count ?? 60;
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
  const { failures } = await replay(values.seed);
  process.exitCode = failures.length === 0 ? 0 : 1;
} else {
  process.exitCode = await search();
}
