// The README must be true: what it names is there, and what is there for everybody is named.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { environmentHelp } from '../../src/cli/environment.ts';
import { createProgram } from '../../src/cli/program.ts';
import { channelSettings } from '../../src/config/schema.ts';
import { defaultLane } from '../../src/domain/reconciliation/ledger.ts';
import { sourceKinds } from '../../src/erp/settings.ts';
import { defaultReconcileSettings } from '../../src/reconcile/settings.ts';
import { repoRoot } from '../support/source-text.ts';

const readme = readFileSync(join(repoRoot, 'README.md'), 'utf8');
const named = (pattern: RegExp) => [...new Set([...readme.matchAll(pattern)].map((m) => m[1]!))];

test('variables of the environment are the same in README and help', () => {
  const inHelp = [...environmentHelp.matchAll(/LASTUNIT_[A-Z_]+/g)].map(([name]) => name);
  expect(named(/(LASTUNIT_[A-Z_]+)/g).sort()).toEqual([...new Set(inHelp)].sort());
});

test('every command that it shows exists, or is said not to', () => {
  const known = createProgram().commands.map((command) => command.name());
  const shown = named(/(?:npx |`)lastunit ([a-z]+)/g);
  expect(shown.length).toBeGreaterThan(10);
  expect(shown.filter((name) => !known.includes(name))).toEqual(['edge']);
  expect(readme).toContain('`lastunit edge` does not exist');
});

test('every npm script that it names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8'));
  const missing = named(/npm run ([a-z0-9:-]+)/g).filter((name) => !(name in scripts));
  expect(missing).toEqual([]);
});

test('every setting of a channel is explained', () => {
  for (const name of Object.keys(channelSettings)) expect(readme).toContain(name);
});

test('every setting of an ERP source, of its lanes, rules and admission is explained', () => {
  const { rules, admission, lanes: _, ...own } = defaultReconcileSettings;
  const kinds = Object.entries(sourceKinds).flatMap(([kind, of]) => [kind, ...Object.keys(of)]);
  const settings = [own, rules, admission, defaultLane].flatMap((of) => Object.keys(of));
  for (const name of [...kinds, ...settings]) {
    expect([name, new RegExp(`\\b${name}\`|\`${name}\``).test(readme)]).toEqual([name, true]);
  }
});

test('every file that it names exists', () => {
  const files = named(/`((?:config|src)\/[\w./-]+\.(?:json|conf|ts|md))`/g);
  expect(files.length).toBeGreaterThan(3);
  expect(files.filter((file) => !existsSync(join(repoRoot, file)))).toEqual([]);
});
