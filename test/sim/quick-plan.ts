/** Seeds as the tests run them: a shorter day, so that a few hundred fit into a minute. */

import type { Plan } from './plan.ts';

/** As `--quick` on the command line. */
export const quickPlan: Partial<Plan> = { workMs: 9_000 };
