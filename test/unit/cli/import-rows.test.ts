// Rows of a stock file: what is used, and how what is wrong is told.

import { expect, test } from 'vitest';
import { readRows } from '../../../src/cli/import/rows.ts';

const rowsOf = (text: string, least: 0 | 1 = 1) => readRows(new TextEncoder().encode(text), least);

test('a heading names the columns, in any order and case', () => {
  expect(rowsOf('Location,QTY,Sku\nmain,5,A\n').rows).toEqual([
    { line: 2, sku: 'A', qty: 5, location: 'main' },
  ]);
});

test('without a heading the order is sku, qty, location', () => {
  expect(rowsOf('A,5\nB,6,store-1\n').rows).toEqual([
    { line: 1, sku: 'A', qty: 5, location: undefined },
    { line: 2, sku: 'B', qty: 6, location: 'store-1' },
  ]);
});

test('SKUs are taken exactly as they are: quotes, commas, blanks, other scripts', () => {
  const { rows } = rowsOf('sku,qty\n"PUZZLE, 1000",1\n"6""-CABLE",2\n 茶 ,3\n');
  expect(rows.map(({ sku }) => sku)).toEqual(['PUZZLE, 1000', '6"-CABLE', ' 茶 ']);
});

test('a byte order mark, empty lines and Windows line ends are no part of the data', () => {
  expect(rowsOf('\ufeffsku,qty\r\n\r\nA,1\r\n').rows.map(({ sku }) => sku)).toEqual(['A']);
});

test('every bad row is told with its line, the others are used', () => {
  const { rows, bad } = rowsOf(
    'sku,qty,location\nA,1\n,2\nB,zero\nC,0\nD,1.5\nE,2.0\nF,1,Main\nG,1,main,extra\nH,1e3\nI,-1\n',
  );
  expect(rows.map(({ sku, qty }) => `${sku} ${qty}`)).toEqual(['A 1', 'E 2']);
  expect(bad.map(({ line, why }) => `${line}: ${why}`)).toEqual([
    '3: "" is not a SKU',
    '4: "zero" is not a whole number',
    '5: 0 is below 1',
    '6: "1.5" is not a whole number',
    '8: "Main" is not a location',
    '9: has 4 fields, not 3',
    '10: "1e3" is not a whole number',
    '11: "-1" is not a whole number',
  ]);
});

test('lines are those of the file, also behind a field with line breaks', () => {
  const { bad } = rowsOf('sku,qty\n"A\nB",1\nC,x\n');
  expect(bad.map(({ line }) => line)).toEqual([2, 4]);
});

test('a count may be zero', () => {
  expect(rowsOf('A,0\n', 0).rows).toHaveLength(1);
});

test.each([
  ['not UTF-8', Uint8Array.of(0x41, 0x2c, 0xff, 0xfe)],
  ['an open quote', new TextEncoder().encode('A,"1\n')],
  ['a heading without quantity', new TextEncoder().encode('sku,price\nA,1\n')],
])('%s: the whole file is refused', (_what, bytes) => {
  expect(() => readRows(bytes, 1)).toThrow();
});
