// Does reconciliation make stock better? The comparison of `reconcile-quality/`, in its own process.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Scenario } from '../harness/scenario.ts';

const program = fileURLToPath(new URL('../reconcile-quality/main.js', import.meta.url));
const seedsAlone = 20;
const seedsAmongOthers = 1;

export const reconcileQuality: Scenario = {
  name: 'reconcile-quality',
  title: 'Reconciliation quality against other policies',
  goal: 'in every seed the fewest oversold units, and less than 5 % of the corrections harmful',
  async run({ log, alone }) {
    const seeds = alone ? seedsAlone : seedsAmongOthers;
    const output = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, [program, '--seeds', String(seeds)], (error, text) => {
        // With 1 it has ended as it should, and says what is wrong.
        if (error && error.code !== 1) reject(error);
        else resolve(text);
      });
    });
    log(output.trim());
    const faults = [...output.matchAll(/^FAULT: (.*)$/gm)].map(([, fault]) => fault!);
    return { lines: [], conditions: `${seeds} seeds`, faults, details: { output } };
  },
};
