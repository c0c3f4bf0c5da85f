/**
 * What is printed of a seed that fails: the plan, the last marks of the trace, what is wrong, and the
 * smallest plan that still fails, with the command that replays it.
 */

import { type Minimised, minimise } from './minimise.ts';
import { type SimOptions, type SimResult, simulate } from './simulate.ts';

/** How a seed is run, as the command line says it. */
export interface SeedOptions extends Pick<SimOptions, 'plan' | 'erp'> {
  /** Marks of the trace to print. */
  readonly marks: number;
  /** Time for making it smaller; 0: as it is. */
  readonly minimiseMs: number;
}

/** A broken node may run in circles; a smaller plan has to fail sooner than that. */
const stepsShare = 1.5;

export async function printFailure(result: SimResult, options: SeedOptions): Promise<void> {
  const { seed, plan, failures, recent } = result;
  console.log(`plan: ${JSON.stringify(plan)}`);
  for (const mark of options.marks > 0 ? recent.slice(-options.marks) : [])
    console.log(`  ${mark}`);
  for (const { checker, what } of failures) console.log(`${checker}: ${what}`);
  console.log(`replay: ${replayOf(seed, options)}`);
  if (options.minimiseMs === 0) return;
  const { overrides, tried, isSmallest } = await smallest(result, options);
  const extent = isSmallest ? 'no smaller one fails' : `${options.minimiseMs / 1_000} s are over`;
  console.log(`smallest plan that still fails (${tried} tried, ${extent}):`);
  console.log(replayOf(seed, { ...options, plan: overrides }));
}

/** The command line that runs just this. */
export function replayOf(seed: number, { plan = {}, erp }: Pick<SeedOptions, 'plan' | 'erp'>) {
  const flags = [`--seed ${seed}`];
  if (erp !== undefined) flags.push(`--erp ${erp ? 'yes' : 'no'}`);
  if (Object.keys(plan).length > 0) flags.push(`--plan '${JSON.stringify(plan)}'`);
  return `npm run sim -- ${flags.join(' ')}`;
}

function smallest(result: SimResult, { plan, erp, minimiseMs }: SeedOptions): Promise<Minimised> {
  const { seed, failures, steps } = result;
  const checker = failures[0]?.checker;
  const untilMs = Date.now() + minimiseMs;
  return minimise({
    plan: result.plan,
    overrides: plan ?? {},
    fails: async (overrides) => {
      const stepsMax = Math.ceil(stepsShare * steps);
      const { failures: found } = await simulate(seed, { erp, plan: overrides, stepsMax });
      return found[0]?.checker === checker;
    },
    isOver: () => Date.now() > untilMs,
  });
}
