// `lastunit import` of 100,000 rows.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDeployment } from '../harness/deployment.ts';
import { median } from '../harness/numbers.ts';
import type { Scenario } from '../harness/scenario.ts';
import { runLastunit, verdictOn } from '../harness/verdict.ts';

const rows = 100_000;

export const importing: Scenario = {
  name: 'import',
  title: '`lastunit import` of 100,000 CSV rows',
  goal: '≤ 5 s',
  async run(context) {
    const folder = mkdtempSync(join(tmpdir(), 'lastunit-bench-import-'));
    const file = join(folder, 'stock.csv');
    const lines = Array.from({ length: rows }, (_, row) => `R-${row},${1 + (row % 50)}`);
    writeFileSync(file, `sku,qty\n${lines.join('\n')}\n`);
    const faults: string[] = [];
    const seconds: number[] = [];
    const verdicts: unknown[] = [];
    const rounds = context.isEverything ? 1 : context.rounds;
    for (let round = 0; round < rounds; round++) {
      const deployment = await startDeployment();
      const startedAt = performance.now();
      const ended = await runLastunit(deployment, ['import', file, '--as', 'receive']);
      seconds.push((performance.now() - startedAt) / 1_000);
      context.log(`  ${seconds.at(-1)!.toFixed(2)} s`);
      const verdict = await verdictOn(deployment, [], context.auditOptions);
      await deployment.stop();
      verdicts.push(verdict);
      faults.push(...verdict.faults);
      if (ended.status !== 0) {
        faults.push(`import ended with ${ended.status}: ${ended.errors.slice(-300)}`);
      }
      if (verdict.journal.events < rows) faults.push(`${verdict.journal.events} events`);
    }
    rmSync(folder, { recursive: true, force: true });
    return {
      lines: [
        {
          what: 'from start to end of the command',
          value: median(seconds),
          unit: 's',
          rounds: seconds,
        },
      ],
      conditions: 'into an empty deployment; four channel views, inv_stock and INV_EVENTS on',
      faults,
      details: { verdicts },
    };
  },
};
