// `npm run chaos -- --minutes M --seed S`: runs of chaos until the time is over, each with the next seed. A failure
// prints its seed and ends with status 1. `--judge FILE` judges a kept history.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Attempt } from './history.ts';
import { keepHistory } from './keep.ts';
import { judge } from './linearizability.ts';
import { type ChaosOptions, runChaos } from './run.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string' },
    seconds: { type: 'string', default: '40' },
    judge: { type: 'string' },
  },
});

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  if (values.judge !== undefined) return judgeFile(values.judge);
  const endMs = Date.now() + Number(values.minutes) * 60_000;
  const faults: Record<string, number> = {};
  let runs = 0;
  let acknowledged = 0;
  let longestSilenceMs = 0;
  let failed = 0;
  for (
    let seed = Number(values.seed ?? Date.now() % 1_000_000);
    runs === 0 || Date.now() < endMs;
    seed++
  ) {
    const options: ChaosOptions = {
      seed,
      seconds: Number(values.seconds),
      nodes: 2 + (seed % 2),
      servers: seed % 3 === 0 ? 3 : 1,
    };
    const result = await runChaos({ ...options, log: say });
    runs += 1;
    acknowledged += result.acknowledged;
    longestSilenceMs = Math.max(longestSilenceMs, result.longestSilenceMs);
    for (const [kind, count] of Object.entries(result.faults)) {
      faults[kind] = (faults[kind] ?? 0) + count;
    }
    say(
      `seed ${seed}: ${result.acknowledged} acknowledged changes, ${result.claims} claims, longest silence ${result.longestSilenceMs} ms`,
    );
    if (result.problems.length === 0) continue;
    failed += 1;
    say(`seed ${seed} FAILED\n${result.problems.join('\n')}\n${keepHistory(result.attempts)}`);
  }
  say(
    `${runs} runs, ${failed} failed; ${acknowledged} acknowledged changes, longest silence ${longestSilenceMs} ms, faults ${JSON.stringify(faults)}`,
  );
  process.exitCode = failed > 0 ? 1 : 0;
}

function judgeFile(file: string): void {
  const attempts = JSON.parse(readFileSync(file, 'utf8')) as Attempt[];
  for (const sku of new Set(attempts.map((attempt) => attempt.sku))) {
    const startedMs = Date.now();
    const verdict = judge(attempts.filter((attempt) => attempt.sku === sku));
    say(`${sku}: ${verdict.kind}, in ${Date.now() - startedMs} ms`);
    if (verdict.kind !== 'linearizable') say(verdict.stuck.join('\n'));
  }
}

await main();
