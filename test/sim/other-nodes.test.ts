/**
 * A seed says the same under every version of Node. Skipped where there is no newer one: name others in
 * `NODE_BINARIES`, separated as in PATH.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileInto } from '../support/compiled.ts';
import { repoRoot } from '../support/source-text.ts';
import { newerNodes } from './other-nodes.ts';
import { quickPlan } from './quick-plan.ts';
import { simulate } from './simulate.ts';

const others = newerNodes(process.env);
const seeds = [2, 4, 9, 30, 77];
/** Packages are found from there. */
const folder = join(repoRoot, 'node_modules/.cache/lastunit-hashes', String(process.pid));

describe.skipIf(others.length === 0)('a seed gives the same trace under', () => {
  let script: string;
  let here: string[];
  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    script = compileInto(folder, 'test/sim/print-hashes.ts');
    here = [];
    for (const seed of seeds) {
      here.push((await simulate(seed, { plan: quickPlan, erp: false })).hash);
    }
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(others)('$version', ({ path }) => {
    const printed = execFileSync(path, [script, ...seeds.map(String)], { encoding: 'utf8' });
    expect(printed.trim().split('\n')).toEqual(here);
  });
});

test.runIf(others.length === 0)('no newer Node is on this machine: nothing to compare with', () => {
  expect(others).toEqual([]);
});
