import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fingerprintOf, textFingerprint } from '../../../src/domain/fingerprint.ts';

const payload = { sku: '85123A', qty: 3, ttlMs: 900_000, location: 'main' };

describe('fingerprint', () => {
  test('does not depend on the order of fields, at any depth', () => {
    const policy = { sku: 'A', channels: { web: { buffer: 1, quota: 2 }, pos: { ringFence: 3 } } };
    const turned = { channels: { pos: { ringFence: 3 }, web: { quota: 2, buffer: 1 } }, sku: 'A' };
    expect(fingerprintOf('policy', turned)).toBe(fingerprintOf('policy', policy));
  });

  test('leaves out the id, the time of issue and the verb of a frame', () => {
    const framed = { verb: 'reserve', id: 'r-1', issuedAtMs: 5, ...payload };
    expect(fingerprintOf('reserve', framed)).toBe(fingerprintOf('reserve', payload));
  });

  test('takes absent and undefined for the same, and 1.0 for 1', () => {
    const loose = { ...payload, qty: 3.0, ref: undefined };
    expect(fingerprintOf('reserve', loose)).toBe(fingerprintOf('reserve', payload));
  });

  test.each([
    ['the verb', 'sell', payload],
    ['the SKU', 'reserve', { ...payload, sku: '85123B' }],
    ['a quantity', 'reserve', { ...payload, qty: 4 }],
    ['a large quantity', 'reserve', { ...payload, qty: 3 + 2 ** 32 }],
    ['a sign', 'reserve', { ...payload, qty: -3 }],
    ['a missing field', 'reserve', { sku: '85123A', qty: 3, ttlMs: 900_000 }],
    ['null', 'reserve', { ...payload, ref: null }],
    ['a text that looks like the number', 'reserve', { ...payload, qty: '3' }],
    ['swapped values', 'reserve', { ...payload, sku: 'main', location: '85123A' }],
  ])('tells %s apart', (_what, verb, other) => {
    expect(fingerprintOf(verb, other)).not.toBe(fingerprintOf('reserve', payload));
  });

  test('has 53 bits, and is different for different payloads', () => {
    const value = fc.oneof(fc.string(), fc.integer(), fc.maxSafeInteger(), fc.boolean());
    const fields = fc.dictionary(fc.string(), fc.oneof(value, fc.array(value)), { maxKeys: 4 });
    const seen = new Map<number, string>();
    fc.assert(
      fc.property(fields, (record) => {
        const { id: _id, issuedAtMs: _at, verb: _verb, ...rest } = record;
        const canonical = JSON.stringify(Object.entries(rest).sort(byName));
        const hash = fingerprintOf('v', rest);
        expect(Number.isSafeInteger(hash) && hash >= 0).toBe(true);
        expect(seen.get(hash) ?? canonical).toBe(canonical);
        seen.set(hash, canonical);
      }),
      { numRuns: 1_000 },
    );
  });

  test('does not collide over ids that count upwards', () => {
    const seen = new Set<number>();
    for (let n = 0; n < 100_000; n += 1) seen.add(textFingerprint(`order-${n}`));
    expect(seen.size).toBe(100_000);
  });
});

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
