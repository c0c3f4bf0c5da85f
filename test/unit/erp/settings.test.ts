// The configuration of sources: every problem is reported, and secrets come from the environment.

import { expect, test } from 'vitest';
import { Problems } from '../../../src/config/problems.ts';
import { checkSource, createErpSource } from '../../../src/erp/factory.ts';

function problemsOf(settings: Record<string, unknown>): readonly string[] {
  const problems = new Problems();
  checkSource('erp.sources.sap', settings, problems);
  return problems.lines;
}

test.each([
  [{ kind: 'file', path: 'stock.csv' }],
  [{ kind: 'directory', path: 'drop', encoding: 'windows-1252', delimiter: ';', settleMs: 0 }],
  [{ kind: 'http', url: 'https://erp/stock', headers: { authorization: { env: 'TOKEN' } } }],
  [{ kind: 'sqlite', path: 'erp.db', query: 'select sku, qty from stock' }],
  [{ kind: 'postgres', url: { env: 'PG_URL' }, query: 'select 1', columns: { sku: 'matnr' } }],
])('%j is fine', (settings) => {
  expect(problemsOf(settings)).toEqual([]);
});

test('all problems are reported at once', () => {
  expect(
    problemsOf({ kind: 'http', urll: 'x', units: { CS: 0 }, locations: { a: 'A B' } }),
  ).toEqual([
    expect.stringContaining('urll: is not a setting; did you mean url?'),
    expect.stringContaining('erp.sources.sap.locations.a'),
    expect.stringContaining('erp.sources.sap.units.CS'),
    'erp.sources.sap.url: is missing',
  ]);
  expect(problemsOf({ kind: 'ftp' })).toEqual([
    'erp.sources.sap.kind: must be one of file, directory, http, sqlite, postgres',
  ]);
});

test('a secret that is not in the environment is named, never guessed', () => {
  const make = (environment: Record<string, string>) =>
    createErpSource(
      'sap',
      { kind: 'postgres', url: { env: 'PG_URL' }, query: 'select 1' },
      { nowMs: () => 0, environment },
    );
  expect(() => make({})).toThrow('the environment has no PG_URL');
  expect(make({ PG_URL: 'postgres://localhost/erp' }).name).toBe('sap');
});
