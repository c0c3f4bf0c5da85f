// `npm run bench [-- --only hot,spread,… --rounds 3 --seconds 3]`: starts the peers, runs the scenarios one after the
// other, prints a table and writes everything as JSON into `bench-results/`. Ends with 1 when a scenario has faults.

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Scenario, ScenarioResult } from './harness/scenario.ts';
import { tableOf } from './harness/table.ts';
import { startPostgres } from './peers/postgres.ts';
import { startRedis } from './peers/redis.ts';
import { scenarios } from './scenarios/all.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    help: { type: 'boolean' },
  },
});

const namesOf = ({ name, aliases = [] }: Scenario) => [name, ...aliases];
const asked = values.only?.split(',');
const unknown = asked?.filter((name) => !scenarios.flatMap(namesOf).includes(name)) ?? [];
if (values.help === true || unknown.length > 0) {
  if (unknown.length > 0) console.error(`no such scenario: ${unknown.join(', ')}`);
  const names = scenarios.map((scenario) => namesOf(scenario).join('|'));
  console.error(`npm run bench -- [--only ${names.join(',')}] [--rounds 3] [--seconds 3]`);
  process.exit(values.help === true ? 0 : 2);
}
const wanted = scenarios.filter(
  (scenario) => asked === undefined || namesOf(scenario).some((name) => asked.includes(name)),
);

/** Everything stays under ten minutes: rounds are shorter, and there are fewer. */
const isEverything = wanted.length === scenarios.length;
const seconds = Number(values.seconds ?? (isEverything ? 2 : 3));
const rounds = Number(values.rounds ?? (isEverything ? 2 : 3));

const startedAt = new Date();
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 1e9)} GB, Linux ${release()}, Node ${process.version}`;
console.log(machine);
const postgres = await startPostgres();
if (!postgres) console.log('PostgreSQL is not installed: measured without it');
const redis = await startRedis();
if (!redis) console.log('Redis is not installed: measured without it');

const results: { scenario: Scenario; result: ScenarioResult; tookS: number }[] = [];
let hasFaults = false;
try {
  for (const scenario of wanted) {
    console.log(`\n${scenario.name}: ${scenario.title}`);
    const before = performance.now();
    const result = await scenario.run({
      rounds,
      seconds,
      peers: { postgres, redis },
      alone: wanted.length === 1,
      isEverything,
      auditOptions: isEverything ? ['--actors', '5000'] : [],
      log: (line) => console.log(line),
    });
    const tookS = (performance.now() - before) / 1_000;
    results.push({ scenario, result, tookS });
    hasFaults ||= result.faults.length > 0;
    console.log(tableOf(scenario, result));
    console.log(`  (${Math.round(tookS)} s)`);
  }
} finally {
  await postgres?.stop();
  await redis?.stop();
}

mkdirSync('bench-results', { recursive: true });
const file = join('bench-results', `${startedAt.toISOString().replaceAll(':', '-')}.json`);
const record = {
  startedAt,
  machine,
  settings: { seconds, isEverything },
  peers: [postgres?.name, redis?.name],
  results: results.map(({ scenario: { name, title, goal }, result, tookS }) => ({
    name,
    title,
    goal,
    tookS,
    ...result,
  })),
};
writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
console.log(`\n${file}, after ${Math.round((Date.now() - startedAt.getTime()) / 1_000)} s`);
process.exitCode = hasFaults ? 1 : 0;
