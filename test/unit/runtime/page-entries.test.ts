// A page's text: what goes in comes out, whatever SKUs are called, and pages written by earlier versions are read.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PageEntries, type PageEntry } from '../../../src/runtime/partition/page-entries.ts';

const entry = fc.record({
  coversSeq: fc.nat(),
  lastSeq: fc.nat(),
  lastAtMs: fc.nat(),
  head: fc.json(),
  inline: fc.option(fc.json(), { nil: undefined }),
  pieces: fc.nat(),
});
const awkward = fc.constantFrom('', '"', '\\', '",', '\n', ',\n["', '\\"', 'Ü "€" 😀', '\u2028');
const sku = fc.oneof(fc.string({ unit: 'binary' }), awkward);
const updates = fc.dictionary(sku, entry, { maxKeys: 20 }).map((of) => new Map(Object.entries(of)));

function contentOf(entries: PageEntries): Map<string, PageEntry | undefined> {
  return new Map([...entries.skus()].map((sku) => [sku, entries.get(sku)]));
}

test('what is written is read, and what is not updated stays', () => {
  fc.assert(
    fc.property(updates, updates, (first, second) => {
      const before = PageEntries.decode(PageEntries.none.with(first).encode());
      expect(contentOf(before)).toEqual(first);
      const after = PageEntries.decode(before.with(second).encode());
      expect(contentOf(after)).toEqual(new Map([...first, ...second]));
      expect(after.size).toBe(contentOf(after).size);
      expect(contentOf(before)).toEqual(first);
    }),
  );
});

test('is JSON, as every version of us reads it', () => {
  fc.assert(
    fc.property(updates, (of) => {
      const page = JSON.parse(PageEntries.none.with(of).encode());
      const skus = [...of].map(([sku, { coversSeq, lastSeq, lastAtMs, head, inline, pieces }]) => [
        ...[sku, coversSeq, lastSeq, lastAtMs],
        ...[head, inline ?? null, pieces],
      ]);
      expect(page).toEqual({ v: 1, skus });
      const compact = PageEntries.decode(JSON.stringify(page));
      expect(contentOf(compact)).toEqual(of);
    }),
  );
});

test('answers the same entry each time, and refuses pages of a later version', () => {
  const page = PageEntries.decode('{"v":1,"skus":[["A",1,2,3,"{}",null,4]]}');
  expect(page.get('A')).toBe(page.get('A'));
  expect(page.get('A')).toEqual({
    ...{ coversSeq: 1, lastSeq: 2, lastAtMs: 3 },
    ...{ head: '{}', inline: undefined, pieces: 4 },
  });
  expect(page.get('B')).toBeUndefined();
  expect(() => PageEntries.decode('{"v":2,"skus":[\n\n]}')).toThrow('version 2');
  expect(() => PageEntries.decode('not a page')).toThrow();
});
