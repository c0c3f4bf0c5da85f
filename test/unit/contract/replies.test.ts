// Replies as JSON: exactly the contract's fields, whatever the SKU is called.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codes, errorHeaders } from '../../../src/contract/codes.ts';
import {
  encodeCartReply,
  encodeError,
  encodeFrameReply,
  encodeReply,
  jsonText,
} from '../../../src/contract/replies.ts';
import { type Acceptance, refusalCodes } from '../../../src/domain/outcome.ts';

const acceptance: Acceptance = {
  sku: '85123A',
  qty: 1,
  allocations: [{ location: 'main', qty: 1 }],
  expiresAtMs: 1_794_900_000_000,
  available: 11,
  version: 42,
};

describe('an acceptance', () => {
  test("is the contract's example, byte by byte", () => {
    expect(encodeReply({ verb: 'reserve', id: 'r-1' }, { kind: 'accepted', acceptance })).toBe(
      '{"ok":true,"id":"r-1","sku":"85123A","qty":1,"allocations":[{"location":"main","qty":1}],' +
        '"expiresAtMs":1794900000000,"available":11,"version":42}',
    );
  });

  test('carries every field that it has, and no other', () => {
    const full: Acceptance = {
      ...acceptance,
      sku: 'a "quoted" \\ 茶',
      delta: -3,
      allocations: [
        { location: 'main', qty: 1 },
        { location: 'store-1', qty: 2 },
      ],
      state: 'expired',
      retaken: true,
      replayed: true,
    };
    const json = encodeReply({ verb: 'renew', id: 'n' }, { kind: 'accepted', acceptance: full });
    expect(JSON.parse(json)).toEqual({ ok: true, id: 'n', ...full });
    const least = { sku: 'A', available: 0, version: 1 };
    const short = encodeReply({ verb: 'policy', id: 'p' }, { kind: 'accepted', acceptance: least });
    expect(JSON.parse(short)).toEqual({ ok: true, id: 'p', ...least });
  });

  test('of a cart carries its lines', () => {
    const lines = [acceptance, { ...acceptance, sku: 'B "2"', qty: 3, retaken: true as const }];
    const json = encodeCartReply(
      { id: 'cart-1' },
      { kind: 'accepted', lines, state: 'open', replayed: true },
    );
    expect(JSON.parse(json)).toEqual({
      ...{ ok: true, id: 'cart-1', state: 'open', replayed: true },
      lines,
    });
  });

  test("of a cart's line without its home is our own mistake", () => {
    expect(() => encodeReply({ verb: 'confirm', id: 'c' }, { kind: 'cart' })).toThrow(/home/);
  });
});

describe('a strong read', () => {
  test('has no id, and says which commit it rests on', () => {
    const read = {
      ...{ sku: 'A', onHand: -1, reserved: 2, safetyStock: 3, available: 0 },
      locations: { main: { onHand: -1, reserved: 2 } },
      ...{ reservations: 1, version: 9 },
    };
    expect(JSON.parse(encodeReply({ verb: 'get' }, { kind: 'read', read }, 77))).toEqual({
      ok: true,
      ...read,
      asOfSeq: 77,
    });
  });
});

describe('a refusal', () => {
  const refusal = {
    code: 'insufficient_stock',
    message: '85123A: 3 requested, 0 available to web',
    sku: '85123A',
    requested: 3,
    available: 0,
  } as const;

  test("is the contract's example, byte by byte", () => {
    expect(encodeReply({ verb: 'reserve', id: 'r-2' }, { kind: 'refused', refusal })).toBe(
      '{"ok":false,"id":"r-2","error":{"code":"insufficient_stock",' +
        '"message":"85123A: 3 requested, 0 available to web","retry":false,' +
        '"sku":"85123A","requested":3,"available":0}}',
    );
  });

  test('has a null id where none could be read', () => {
    const json = encodeError(null, { code: 'invalid_request', message: 'x', field: 'id' });
    expect(JSON.parse(json)).toMatchObject({ id: null, error: { field: 'id' } });
    expect(JSON.parse(encodeReply({ verb: 'get' }, { kind: 'refused', refusal }))).toMatchObject({
      id: null,
    });
  });

  test('of a cart lists every short line', () => {
    const lines = [{ sku: 'A', requested: 2, available: 1 }];
    const answer = { kind: 'refused', refusal: { ...refusal, lines } } as const;
    expect(JSON.parse(encodeCartReply({ id: 'c' }, answer)).error.lines).toEqual(lines);
  });

  test('says whether repeating helps, and only two do', () => {
    const retried = refusalCodes.filter((code) => {
      const { error } = JSON.parse(encodeError('r', { code, message: '' }));
      expect(error.retry).toBe(codes[code].retry);
      return error.retry;
    });
    expect(retried).toEqual(['overloaded', 'unavailable']);
  });
});

test('a frame of replies is an array in the same order', () => {
  expect(encodeFrameReply(['{"a":1}', '{"b":2}'])).toBe('[{"a":1},{"b":2}]');
  expect(encodeFrameReply([])).toBe('[]');
});

test('the codes have the numbers of the contract', () => {
  const numbers = Object.fromEntries(refusalCodes.map((code) => [code, codes[code].number]));
  expect(numbers).toEqual({
    ...{ invalid_request: 400, forbidden: 403, unknown_sku: 404, reservation_not_found: 404 },
    ...{ insufficient_stock: 409, stock_changed: 409, already_confirmed: 409 },
    ...{ already_released: 409, id_conflict: 409, no_longer_available: 410, id_expired: 410 },
    ...{ limit_exceeded: 422, overloaded: 429, unavailable: 503 },
  });
  expect(errorHeaders('id_expired')).toEqual({
    'Nats-Service-Error-Code': '410',
    'Nats-Service-Error': 'id_expired',
  });
});

test('any text comes back from its JSON', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(JSON.parse(jsonText(text))).toBe(text);
    }),
  );
});
