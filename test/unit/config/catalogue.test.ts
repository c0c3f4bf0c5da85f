// The sample catalogue: what `import` reads in the README's first minutes has to be importable.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { parseCommand } from '../../../src/contract/parse-command.ts';
import { skuKeyOf } from '../../../src/domain/names.ts';
import { repoRoot } from '../../support/source-text.ts';

const text = readFileSync(join(repoRoot, 'config/catalogue.csv'), 'utf8');
const rows: Record<string, string>[] = parse(text, { columns: true });

test('every row of the sample catalogue is a receipt', () => {
  const settings = resolveConfig({}).config!;
  for (const [i, { sku, qty, location }] of rows.entries()) {
    const request = JSON.stringify({ id: `import-${i}`, sku, qty: Number(qty), location });
    expect(parseCommand('receive', 'wms', request, settings)).toMatchObject({ ok: true });
  }
});

test('the sample catalogue has several places, names that need escaping, and a last unit', () => {
  expect(new Set(rows.map((row) => row.location))).toEqual(new Set(['main', 'store-1', 'store-2']));
  expect(rows.filter(({ sku }) => skuKeyOf(sku!) !== sku).length).toBeGreaterThan(5);
  expect(rows.filter(({ qty }) => qty === '1').length).toBeGreaterThan(0);
  const places = rows.map(({ sku, location }) => `${sku} ${location}`);
  expect(new Set(places).size).toBe(rows.length);
});
