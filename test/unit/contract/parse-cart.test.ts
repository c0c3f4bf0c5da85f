// Requests about carts: which they are, how lines are summed, and what counts as the same cart.

import { describe, expect, test } from 'vitest';
import type { CartCommand } from '../../../src/contract/cart.ts';
import { cartVerbs } from '../../../src/contract/verbs.ts';
import { carts, type Fields, parse, verdict } from './requests-of.ts';

function cart(verb: CartCommand['verb'], fields: Fields): CartCommand {
  const parsed = parse(verb, fields);
  if (!parsed.ok || parsed.kind !== 'cart') throw new Error(verdict(parsed));
  return parsed.command;
}

const reserve = (lines: unknown) => parse('reserve', { id: 'r', lines });

describe('a cart', () => {
  test.each(cartVerbs)('%s becomes a command for its home', (verb) => {
    const { fingerprint, ...command } = cart(verb, carts[verb]);
    expect(command).toEqual({ ...carts[verb], verb, channel: 'web' });
    expect(fingerprint).toBeGreaterThan(0);
  });

  test.each(cartVerbs)('%s refuses an unknown field', (verb) => {
    expect(verdict(parse(verb, { ...carts[verb], oder: 'O' }))).toBe('invalid_request oder');
  });

  test('two lines of a SKU are one line with their sum', () => {
    // medusa #16502: each line was checked against the full number.
    const lines = [
      { sku: 'B', qty: 1 },
      { sku: 'A', qty: 2, location: 'main' },
      { sku: 'B', qty: 4 },
      { sku: 'A', qty: 8, location: 'main' },
    ];
    expect(cart('reserve', { id: 'r', lines })).toMatchObject({
      lines: [
        { sku: 'B', qty: 5 },
        { sku: 'A', qty: 10, location: 'main' },
      ],
    });
  });

  test('a sum above the limit is above the limit', () => {
    const half = { sku: 'A', qty: 600_000_000 };
    expect(verdict(reserve([half]))).toBe('accepted');
    expect(verdict(reserve([half, half]))).toBe('limit_exceeded quantityMax');
  });

  test('a SKU cannot be asked for at two places', () => {
    const [a, b] = [
      { sku: 'A', qty: 1 },
      { sku: 'A', qty: 1, location: 'main' },
    ];
    expect(verdict(reserve([a, b]))).toBe('invalid_request lines[1].location');
  });

  test('lines have their limit, counted as sent', () => {
    const lines = (count: number) => Array.from({ length: count }, () => ({ sku: 'A', qty: 1 }));
    expect(verdict(reserve(lines(100)))).toBe('accepted');
    expect(verdict(reserve(lines(101)))).toBe('limit_exceeded cartLinesMax');
    expect(verdict(reserve(Array.from({ length: 50_000 }, () => 0)))).toBe(
      'limit_exceeded cartLinesMax',
    );
    const skus = Array.from({ length: 101 }, (_, i) => `S${i}`);
    expect(verdict(parse('release', { ...carts.release, skus }))).toBe(
      'limit_exceeded cartLinesMax',
    );
  });

  test('a faulty line is named', () => {
    expect(
      verdict(
        reserve([
          { sku: 'A', qty: 1 },
          { sku: '', qty: 1 },
        ]),
      ),
    ).toBe('invalid_request lines[1].sku');
    expect(verdict(reserve([{ sku: 'A', qty: 1, ttlMs: 5 }]))).toBe(
      'invalid_request lines[0].ttlMs',
    );
    expect(verdict(reserve([{ sku: 'A' }]))).toBe('invalid_request lines[0].qty');
    expect(verdict(reserve([7]))).toBe('invalid_request lines[0]');
  });

  test('no lines, or lines beside a SKU, are an invalid request', () => {
    expect(verdict(reserve([]))).toBe('invalid_request lines');
    expect(verdict(reserve(null))).toBe('invalid_request lines');
    expect(verdict(parse('reserve', { id: 'r', sku: 'A', lines: [{ sku: 'A', qty: 1 }] }))).toBe(
      'invalid_request sku',
    );
    const both = { sku: 'A', skus: ['A'] };
    expect(verdict(parse('release', { ...carts.release, ...both }))).toBe('invalid_request skus');
    expect(verdict(parse('release', { ...carts.release, skus: [] }))).toBe('invalid_request skus');
  });

  test('only a single SKU is confirmed in part', () => {
    expect(verdict(parse('confirm', { ...carts.confirm, qty: 1 }))).toBe('invalid_request qty');
  });

  test('no sort of cart command exists for the other verbs', () => {
    expect(verdict(parse('sell', { id: 's', lines: [{ sku: 'A', qty: 1 }] }))).toMatch(
      /^invalid_request (sku|lines)$/,
    );
  });
});

describe('the meaning of a cart', () => {
  const a = { sku: 'A', qty: 1 };
  const b = { sku: 'B', qty: 2 };
  const meaning = (verb: CartCommand['verb'], fields: Fields) => cart(verb, fields).fingerprint;

  test('does not depend on the order of lines, fields or SKUs', () => {
    expect(meaning('reserve', { id: 'r', lines: [a, b] })).toBe(
      meaning('reserve', { lines: [b, { qty: 1, sku: 'A' }], id: 'r' }),
    );
    expect(meaning('confirm', { ...carts.confirm, skus: ['A', 'B'] })).toBe(
      meaning('confirm', { ...carts.confirm, skus: ['B', 'A', 'B'] }),
    );
  });

  test('depends on everything that changes what happens', () => {
    const variants: readonly [CartCommand['verb'], Fields][] = [
      ['reserve', { id: 'r', lines: [a, b] }],
      ['reserve', { id: 'r', lines: [a] }],
      ['reserve', { id: 'r', lines: [a, { ...b, qty: 3 }] }],
      ['reserve', { id: 'r', lines: [a, { ...b, location: 'main' }] }],
      ['reserve', { id: 'r', lines: [a, b], ttlMs: 5 }],
      ['reserve', { id: 'r', lines: [a, b], ref: 'x' }],
      ['release', { id: 'r', reservation: 'c' }],
      ['release', { id: 'r', reservation: 'd' }],
      ['release', { id: 'r', reservation: 'c', skus: ['A'] }],
      ['release', { id: 'r', reservation: 'c', heldBy: 'pos' }],
      ['renew', { id: 'r', reservation: 'c', ttlMs: 5 }],
      ['renew', { id: 'r', reservation: 'c', ttlMs: 6 }],
      ['confirm', { id: 'r', reservation: 'c', order: 'O' }],
      ['confirm', { id: 'r', reservation: 'c', order: 'P' }],
    ];
    const fingerprints = variants.map(([verb, fields]) => meaning(verb, fields));
    expect(new Set(fingerprints).size).toBe(variants.length);
  });
});
