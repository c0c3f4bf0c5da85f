import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fnv1a32, partitionOf, skuKeyOf, skuOf } from '../../../src/domain/names.ts';

describe('skuKey', () => {
  test.each([
    ['85123A', '85123A'],
    ['BANK CHARGES', 'BANK=20CHARGES'],
    ['AB.123/XL', 'AB=2E123=2FXL'],
    ['a=b', 'a=3Db'],
    ['größe', 'gr=C3=B6=C3=9Fe'],
    ['👕', '=F0=9F=91=95'],
    ['_-', '_-'],
  ])('%s is %s', (sku, key) => {
    expect(skuKeyOf(sku)).toBe(key);
    expect(skuOf(key)).toBe(sku);
  });

  test('is reversible for every SKU, and always a safe token', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (sku) => {
        const key = skuKeyOf(sku);
        expect(key).toMatch(/^[A-Za-z0-9_=-]+$/);
        expect(skuOf(key)).toBe(sku);
      }),
    );
  });

  test.each(['', '=', '=2', '=2e', '=41', 'a b', 'ä', '=FF', 'a.b', '=EF=BB'])(
    '%j is no skuKey',
    (key) => {
      expect(skuOf(key)).toBeUndefined();
    },
  );
});

describe('partition', () => {
  // The published test vectors of FNV-1a, 32 bits.
  test.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['b', 0xe70c2de5],
    ['foobar', 0xbf9cf968],
  ])('FNV-1a of %j is known', (text, hash) => {
    expect(fnv1a32(text)).toBe(hash);
  });

  test('is the hash of the skuKey modulo the count', () => {
    expect(partitionOf('foobar', 16)).toBe(0xbf9cf968 % 16);
    expect(partitionOf('foobar', 1)).toBe(0);
  });
});
