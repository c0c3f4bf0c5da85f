// The console in a real browser: what a person sees, that it follows, and that data stays data.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findBrowser, openPage, type Page } from '../support/browser.ts';
import { run, type Serving, serve } from '../support/processes.ts';

const browser = findBrowser();

describe.skipIf(browser === undefined)('the console', () => {
  let folder: string;
  let running: Serving;
  let page: Page;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lastunit-console-'));
    running = await serve(['up'], { LASTUNIT_DATA_DIR: join(folder, 'data') });
    for (const [sku, qty] of [
      ['MUG-0001', 12],
      ['<img src=x onerror=document.title="broken">', 3],
      ['茶/100 g', 1],
    ]) {
      await lastunit('receive', String(sku), '--qty', String(qty));
    }
    page = await openPage(browser as string, running.httpUrl);
    await page.until(rows('length === 3'));
  });

  afterAll(async () => {
    await page?.close();
    await running?.end('SIGINT');
    rmSync(folder, { recursive: true, force: true });
  });

  function lastunit(...args: string[]) {
    return run(args, { LASTUNIT_NATS_URL: running.natsUrl });
  }

  const rows = (what: string) => `[...document.querySelectorAll('tbody tr.link')].${what}`;
  const rowOf = (sku: string) =>
    `[...document.querySelectorAll('tbody tr.link')].find((row) => row.cells[0].textContent === ${JSON.stringify(sku)})`;

  test('lists the stock with what each channel may sell', async () => {
    const text = await page.evaluate<string[]>(
      `[...${rowOf('MUG-0001')}.cells].slice(0, 8).map((cell) => cell.textContent)`,
    );
    expect(text).toEqual(['MUG-0001', '12', '0', '12', '12', '12', '12', '12']);
    await page.until(`document.getElementById('live').textContent === 'live'`);
  });

  test('a SKU with markup in its name is shown as it is', async () => {
    const sku = '<img src=x onerror=document.title="broken">';
    expect(await page.evaluate(`${rowOf(sku)} !== undefined`)).toBe(true);
    expect(await page.evaluate('document.title')).toBe('lastunit · local');
  });

  test('follows every change by itself', async () => {
    await lastunit('reserve', 'MUG-0001', '--qty', '5');
    await page.until(`${rowOf('MUG-0001')}.cells[2].textContent === '5'`);
    await page.until(`${rowOf('MUG-0001')}.cells[4].textContent === '7'`);
    await lastunit('sell', '茶/100 g', '--channel', 'pos');
    await page.until(`${rowOf('茶/100 g')}.querySelector('.out_of_stock') !== null`);
    await lastunit('receive', 'NEW-1', '--qty', '2');
    await page.until(rows('length === 4'));
  });

  test('finds by a part of the name', async () => {
    const type = (text: string) =>
      page.evaluate(
        `{ const search = document.querySelector('input[type=search]'); search.value = ${JSON.stringify(text)}; search.dispatchEvent(new Event('input')); }`,
      );
    await type('mug');
    await page.until(rows('length === 1'));
    await type('nothing like it');
    await page.until(`document.body.textContent.includes('No such SKU')`);
    await type('');
    await page.until(rows('length === 4'));
  });

  test('explains one SKU: channels, the sum, holds, history; and follows', async () => {
    await page.evaluate(`${rowOf('MUG-0001')}.click()`);
    await page.until(`document.querySelector('#detail h1')?.textContent === 'MUG-0001'`);
    const text = () => page.evaluate<string>(`document.getElementById('detail').innerText`);
    expect(await text()).toMatch(/on hand \(main 12\)/);
    expect(await text()).toMatch(/Holds \(1\)/);
    expect(await text()).toMatch(/reservation\.created 5/);
    await lastunit('sell', 'MUG-0001', '--channel', 'pos', '--order', 'till-7');
    await page.until(`document.getElementById('detail').innerText.includes('till-7')`);
    await page.evaluate(`dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))`);
    await page.until(`document.getElementById('detail').hidden`);
  });

  test('shows nodes and reconciliation', async () => {
    await page.evaluate(`location.hash = 'nodes'`);
    await page.until(`document.body.textContent.includes('16 of 16')`);
    await page.evaluate(`location.hash = 'reconcile'`);
    await page.until(`document.body.textContent.includes('No reconciliation has run yet')`);
  });

  test('nothing has gone wrong in the page meanwhile', () => {
    expect(page.errors).toEqual([]);
  });
});
