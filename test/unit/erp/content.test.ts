// Exports of every shape and honesty: what is read, and what is refused with a reason.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ErpSourceError } from '../../../src/ports.ts';
import { asOfMs, codeOf, open, readAll, settingsWith } from './reading.ts';

describe('a CSV', () => {
  test('is read by its headings, in any order, with quotes and either line end', async () => {
    const text =
      'location,name,qty,sku\r\nmain,"a, ""b""",5,85123A\r\nstore-1,c,7,BANK CHARGES\r\n';
    expect((await readAll(text)).usable).toEqual([
      { sku: '85123A', location: 'main', qty: 5 },
      { sku: 'BANK CHARGES', location: 'store-1', qty: 7 },
    ]);
  });

  test.each([',', ';', '\t', '|'])('may be separated by %j', async (delimiter) => {
    const text = `sku${delimiter}qty\nA${delimiter}5\n`;
    expect((await readAll(text)).usable).toEqual([{ sku: 'A', location: 'main', qty: 5 }]);
  });

  test('may have other columns, locations, units and decimal commas', async () => {
    const settings = settingsWith({
      columns: { sku: 'Material', qty: 'Bestand', location: 'Werk', unit: 'ME', packSize: 'Kart' },
      locations: { '1000': 'main' },
      units: { ST: 1, KAR: 12 },
      decimalComma: true,
    });
    const text = 'Material;Werk;Bestand;ME;Kart\nA;1000;24,0;ST;12\nB;1000;2,5;KAR;12\n';
    expect((await readAll(text, settings)).usable).toEqual([
      { sku: 'A', location: 'main', qty: 24, packSize: 12 },
      { sku: 'B', location: 'main', qty: 30, packSize: 12 },
    ]);
  });

  test('that ends in the middle of a row is refused whole', async () => {
    expect(await codeOf(() => readAll('sku,qty,location\nA,5,main\nB,'))).toBe('format');
    expect(await codeOf(() => readAll('sku,qty\nA,5\n"B,6\n'))).toBe('format');
  });

  test('without the columns is refused whole, and says which there are', async () => {
    await expect(readAll('article,stock\nA,5\n')).rejects.toThrow(/"sku" or "qty".*"article"/);
    expect(await codeOf(() => readAll('sku,qty,qty\nA,5,6\n'))).toBe('columns');
  });

  test('that is empty has no lines', async () => {
    expect(await readAll('')).toMatchObject({ lines: 0 });
    expect(await readAll('sku,qty\n')).toMatchObject({ lines: 0 });
  });

  test('with a row without end is refused instead of filling the memory', async () => {
    expect(await codeOf(() => readAll(`sku,qty\nA,"${'x'.repeat(200_000)}\n`))).toBe('format');
  });
});

describe('lines that cannot be used are refused by themselves', () => {
  test.each([
    ['no number', 'A,five,EA', 'quantity'],
    ['an empty number', 'A,,EA', 'quantity'],
    ['a half piece', 'A,0.5,EA', 'quantity'],
    ['an exponent', 'A,1e9,EA', 'quantity'],
    ['hexadecimal', 'A,0x10,EA', 'quantity'],
    ['thousands separated', 'A,"1,000",EA', 'quantity'],
    ['infinity', 'A,Infinity,EA', 'quantity'],
    ['a formula', 'A,=1+1,EA', 'quantity'],
    ['more than can be counted', 'A,9999999999999999,EA', 'quantity'],
    ['less than nothing', 'A,-1,EA', 'negative'],
    ['an unknown unit', 'A,5,CS', 'unit'],
    ['no SKU', ',5,EA', 'sku'],
    ['a SKU with a control character', '"A\u0007",5,EA', 'sku'],
    ['a SKU too long', `${'A'.repeat(129)},5,EA`, 'sku'],
  ])('%s', async (_what, row, reason) => {
    const read = await readAll(`sku,qty,unit\nGOOD,1,EA\n${row}\n`);
    expect(read.usable).toEqual([{ sku: 'GOOD', location: 'main', qty: 1 }]);
    expect(read.unusable).toMatchObject([{ line: 2, reason }]);
  });

  test('a SKU that comes twice at one place has no number there: neither line counts', async () => {
    const read = await readAll('sku,qty\nA,5\nB,7\nA,6\nA,5\n');
    expect(read.usable).toEqual([{ sku: 'B', location: 'main', qty: 7 }]);
    expect(read.unusable).toMatchObject([
      { line: 3, reason: 'double' },
      { line: 4, reason: 'double' },
    ]);
    expect(read).toMatchObject({ lines: 4, refused: 3 });
  });

  test('a last line that has no end may be cut off, unless the whole is known to be whole', async () => {
    const cut = await readAll('sku,qty\nA,5\nB,12');
    expect(cut.usable).toEqual([{ sku: 'A', location: 'main', qty: 5 }]);
    expect(cut.unusable).toMatchObject([{ line: 2, reason: 'cut' }]);
    const quoted = await readAll('sku,qty\nA,5\n"B","120"');
    expect(quoted.usable).toHaveLength(2);
    const whole = await readAll('sku,qty\nA,5\nB,120', settingsWith(), { isWhole: true });
    expect(whole.usable).toHaveLength(2);
  });

  test('1.0 is 1, and 5- is minus five where minus is allowed', async () => {
    const settings = settingsWith({ allowNegative: true });
    const read = await readAll('sku,qty\nA,1.0\nB,5-\nC,-0\n', settings);
    expect(read.usable.map((line) => line.qty)).toEqual([1, -5, 0]);
  });

  test('what they say is shown without what a terminal would obey', async () => {
    const read = await readAll('sku,qty\nA,"\u001b[31m\u009b5\u202e"\n');
    expect(read.unusable[0]?.message).toBe('quantity "\\u001b[31m?5?"');
  });
});

describe('encodings', () => {
  const text = 'sku,qty\nKÄSE,5\n';
  const utf16 = (mark: number[], swap: boolean) => {
    const bytes = Buffer.from(text, 'utf16le');
    return Buffer.concat([Buffer.from(mark), swap ? bytes.swap16() : bytes]);
  };

  test.each([
    ['UTF-8', Buffer.from(text), 'utf-8'],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`), 'utf-8'],
    ['UTF-16 with a mark, whatever is stated', utf16([0xff, 0xfe], false), 'utf-8'],
    ['big-endian UTF-16 with a mark', utf16([0xfe, 0xff], true), 'utf-8'],
    ['UTF-16 without a mark, if stated', utf16([], false), 'utf-16le'],
    ['Windows-1252, if stated', Buffer.from(text, 'latin1'), 'windows-1252'],
  ] as const)('%s is read', async (_what, bytes, encoding) => {
    const read = await readAll(bytes, settingsWith({}, { encoding }));
    expect(read.usable).toEqual([{ sku: 'KÄSE', location: 'main', qty: 5 }]);
  });

  test('another encoding than stated is refused whole', async () => {
    expect(await codeOf(() => readAll(Buffer.from(text, 'latin1')))).toBe('encoding');
    const stated = settingsWith({}, { encoding: 'windows-1252' });
    expect(await codeOf(() => readAll(utf16([], false), stated))).toBe('encoding');
  });
});

describe('JSON', () => {
  const settings = settingsWith({}, { format: 'json' });
  const body = (fields: object) => JSON.stringify({ lines: [{ sku: 'A', qty: 5 }], ...fields });

  test('is an array, or an object with lines that says about itself what it knows', async () => {
    expect((await readAll('[{"sku":"A","qty":5}]', settings)).usable).toHaveLength(1);
    const about = { snapshotId: 's-7', asOf: '2026-11-24T10:00:00+01:00', lineCount: 1 };
    expect(open(body(about), settings)).toMatchObject({
      snapshotId: 's-7',
      asOfFromMs: Date.UTC(2026, 10, 24, 9),
      asOfToMs: Date.UTC(2026, 10, 24, 9),
      statedLines: 1,
      complete: true,
    });
  });

  test('may have watermarks by time or document', () => {
    const watermarks = { web: { throughMs: 5 }, pos: { throughDocument: 'o-1' } };
    expect(open(body({ watermarks }), settings).watermarks).toEqual(watermarks);
  });

  test.each([
    ['truncated', '{"lines":[{"sku":"A","qty":5}', 'format'],
    ['without lines', '{"stock":[]}', 'format'],
    ['with lines that are none', '[1,2]', 'format'],
    ['with a time that has no zone', body({ asOf: '2026-11-24T10:00:00' }), 'metadata'],
    ['with a time that is none', body({ asOfFromMs: -1 }), 'metadata'],
    ['with a count that is none', body({ lineCount: '1' }), 'metadata'],
    ['with an empty watermark', body({ watermarks: { web: {} } }), 'metadata'],
    ['with a name that no subject has', body({ snapshotId: 'a\nb' }), 'metadata'],
  ])('%s is refused', async (_what, text, code) => {
    expect(await codeOf(() => readAll(text, settings))).toBe(code);
  });

  test('with names that mean something to JavaScript means nothing more by them', async () => {
    const text =
      '[{"sku":"__proto__","qty":1,"__proto__":{"qty":9}},{"sku":"constructor","qty":2}]';
    const read = await readAll(text, settings);
    expect(read.usable.map((line) => [line.sku, line.qty])).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
    expect(({} as { qty?: number }).qty).toBeUndefined();
  });
});

test('the same content on the same occasion is the same snapshot, unless it says otherwise', () => {
  const settings = settingsWith();
  expect(open('sku,qty\nA,5\n').snapshotId).toBe(open('sku,qty\nA,5\n').snapshotId);
  expect(open('sku,qty\nA,5\n').snapshotId).not.toBe(open('sku,qty\nA,6\n').snapshotId);
  const again = open('sku,qty\nA,5\n', settings, { occasion: 'later' });
  expect(again.snapshotId).not.toBe(open('sku,qty\nA,5\n').snapshotId);
  expect(open('sku,qty\n', settings, { beside: { snapshotId: 'x' } }).snapshotId).toBe('x');
  expect(open('sku,qty\n').asOfFromMs).toBe(asOfMs);
});

test('the checksum is over SKU, location and quantity as they were written', async () => {
  const { createHash } = await import('node:crypto');
  const expected = createHash('sha256').update('A\tmain\t5.0\nB\t\t6\n').digest('hex');
  expect((await readAll('sku,location,qty\nA,main,5.0\nB,,6\n')).checksum).toBe(expected);
});

test('whatever bytes come, they are read or refused, and quantities are whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc
          .string({ maxLength: 200, unit: 'grapheme' })
          .map((text) => Buffer.from(`sku,qty\n${text}`)),
      ),
      fc.constantFrom('csv' as const, 'json' as const),
      async (bytes, format) => {
        try {
          const read = await readAll(bytes, settingsWith({}, { format }));
          for (const line of read.usable) expect(Number.isSafeInteger(line.qty)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(ErpSourceError);
        }
      },
    ),
  );
});
