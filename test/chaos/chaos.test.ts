// Two short runs of chaos in the suite; `npm run chaos` makes longer ones. A failure prints the seed.

import { expect, test } from 'vitest';
import { keepHistory } from './keep.ts';
import { type ChaosOptions, runChaos } from './run.ts';

test.each([
  { nodes: 3, servers: 1, seconds: 16 },
  { nodes: 2, servers: 3, seconds: 22 },
] as const)('$nodes nodes on $servers server(s), for $seconds s', async (options) => {
  const seed = Number(process.env.LASTUNIT_CHAOS_SEED ?? Date.now() % 1_000_000);
  await expectSound({ ...options, seed });
});

async function expectSound(options: ChaosOptions): Promise<void> {
  const lines: string[] = [];
  const result = await runChaos({ ...options, log: (line) => lines.push(line) });
  const { problems, faults, acknowledged, commits, claims, longestSilenceMs } = result;
  console.log(
    `seed ${options.seed}: ${acknowledged} acknowledged changes in ${commits} journal messages, ${claims} claims, longest silence ${longestSilenceMs} ms, faults ${JSON.stringify(faults)}`,
  );
  if (problems.length > 0) console.log([...lines, keepHistory(result.attempts)].join('\n'));
  expect(problems).toEqual([]);
  expect(acknowledged).toBeGreaterThan(100);
}
