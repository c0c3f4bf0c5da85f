// Does reconciliation make stock better? The comparison of `reconcile-quality/`, in its own process.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Scenario } from '../harness/scenario.ts';

const program = fileURLToPath(new URL('../reconcile-quality/main.js', import.meta.url));
const seedsAlone = 20;
const seedsAmongOthers = 3;

export const reconcileQuality: Scenario = {
  name: 'reconcile-quality',
  title: 'Reconciliation quality against other policies',
  goal: 'see test/bench/reconcile-quality',
  async run({ log, alone }) {
    const seeds = alone ? seedsAlone : seedsAmongOthers;
    const output = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, [program, '--seeds', String(seeds)], (error, text) => {
        if (error) reject(error);
        else resolve(text);
      });
    });
    log(output.trim());
    return { lines: [], conditions: `${seeds} seeds`, faults: [], details: { output } };
  },
};
