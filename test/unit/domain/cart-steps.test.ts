// A cart's home may freeze, and go on when another home has long carried the cart further: what it
// still has to say to the lines must change nothing. Each step of a cart has a number, and a line
// knows the last one that it has heard of.

import { describe, expect, test } from 'vitest';
import type { CartSettle } from '../../../src/domain/commands.ts';
import { hour, minute, Sku } from './given.ts';

const prepare = (step: number) => ({ verb: 'cart.prepare', reservation: 'cart-1', step }) as const;
const settle = (outcome: CartSettle['outcome'], step: number, more: Partial<CartSettle> = {}) =>
  ({ verb: 'cart.settle', reservation: 'cart-1', outcome, step, ...more }) as const;

function withLine(): Sku {
  const sku = new Sku();
  sku.receive(5);
  sku.accept({ verb: 'cart.hold', id: 'cart-1', qty: 2 });
  return sku;
}

describe('a step of a home that has been left behind', () => {
  test('prepares nothing that has been settled since: the line would never expire', () => {
    const sku = withLine();
    sku.accept(prepare(2));
    sku.accept(settle('held', 2));
    expect(sku.refuse(prepare(2)).code).toBe('id_conflict');
    expect(sku.wait(15 * minute)).toMatchObject([{ type: 'reservation.expired' }]);
    expect(sku.refuse(prepare(2)).code).toBe('id_conflict');
    expect(sku.stock.reserved).toBe(0);
  });

  test('does not open a line that a later step has prepared', () => {
    const sku = withLine();
    sku.accept(prepare(2));
    sku.accept(prepare(3));
    expect(sku.refuse(settle('held', 2)).code).toBe('id_conflict');
    expect(sku.wait(5 * hour)).toEqual([]);
    expect(sku.accept(settle('confirmed', 3, { order: 'o-1' }))).toMatchObject({ qty: 2 });
  });

  test('does not shorten what a later step has prolonged', () => {
    const sku = withLine();
    const expiresAtMs = sku.nowMs + hour;
    sku.accept(prepare(2));
    sku.accept(prepare(3));
    sku.accept(settle('held', 3, { expiresAtMs }));
    expect(sku.refuse(settle('held', 2, { expiresAtMs: sku.nowMs + minute })).code).toBe(
      'id_conflict',
    );
    expect(sku.nextExpiryAtMs).toBe(expiresAtMs);
  });
});

test('a line that has expired hears the verdict too: what is still on its way takes nothing again', () => {
  const sku = withLine();
  sku.wait(15 * minute);
  sku.reserve('other', 4);
  expect(sku.refuse(prepare(2)).code).toBe('no_longer_available');
  sku.accept(settle('held', 2));
  sku.accept({ verb: 'release', reservation: 'other' });
  expect(sku.refuse(prepare(2)).code).toBe('id_conflict');
  expect(sku.accept(settle('held', 2)).version).toBe(sku.accept(settle('held', 2)).version);
  expect(sku.accept(prepare(3))).toMatchObject({ qty: 2, retaken: true });
});

test('a settled line answers a repetition with what it answered first', () => {
  const sku = withLine();
  sku.accept(prepare(2));
  const first = sku.accept(settle('confirmed', 2, { order: 'o-1' }));
  sku.receive(7);
  expect(sku.accept(settle('confirmed', 2, { order: 'o-1' }))).toMatchObject({
    version: first.version,
    qty: 2,
    replayed: true,
  });
});

test('a line that was taken again says so to whoever asks once more', () => {
  const sku = withLine();
  sku.wait(15 * minute);
  expect(sku.accept(prepare(2))).toMatchObject({ retaken: true });
  expect(sku.accept(prepare(2))).toMatchObject({ retaken: true, replayed: true });
  sku.accept(settle('held', 2, { expiresAtMs: sku.nowMs + hour }));
  expect(sku.accept(prepare(3)).retaken).toBeUndefined();
});

test('all lines of a cart end at the time that their home names', () => {
  const sku = new Sku();
  sku.receive(5);
  const expiresAtMs = sku.nowMs + minute;
  sku.wait(10);
  const held = sku.accept({ verb: 'cart.hold', id: 'cart-1', qty: 2, expiresAtMs });
  expect(held.expiresAtMs).toBe(expiresAtMs);
  expect(sku.nextExpiryAtMs).toBe(expiresAtMs);
});

test('a probe says what a hold would, and holds nothing', () => {
  const sku = new Sku();
  sku.receive(2);
  const { version } = sku.state;
  expect(sku.accept({ verb: 'cart.hold', id: 'cart-1', qty: 2, probe: true })).toMatchObject({
    qty: 2,
    available: 2,
  });
  expect(sku.refuse({ verb: 'cart.hold', id: 'cart-1', qty: 3, probe: true })).toMatchObject({
    code: 'insufficient_stock',
    requested: 3,
    available: 2,
  });
  expect(sku.state.version).toBe(version);
  expect(sku.accept({ verb: 'cart.hold', id: 'cart-1', qty: 2 }).replayed).toBeUndefined();
});

describe('a SKU that remembers as many ids as it may', () => {
  function full(): Sku {
    const sku = new Sku({ limits: { idsPerSkuMax: 3 } });
    for (let times = 0; times < 3; times++) sku.receive(1);
    return sku;
  }

  test('refuses a cart for good: it does not keep other lines waiting for room', () => {
    const sku = full();
    expect(sku.refuse({ verb: 'reserve', qty: 1 }).code).toBe('overloaded');
    expect(sku.refuse({ verb: 'cart.hold', id: 'cart-1', qty: 1 })).toMatchObject({
      code: 'limit_exceeded',
      limit: 'idsPerSkuMax',
    });
  });

  test('takes facts: they have happened', () => {
    const sku = full();
    sku.accept({ verb: 'sell', qty: 1, fact: true });
    expect(sku.stock.onHand).toBe(2);
  });
});

test('a line whose units are gone says how many there are', () => {
  const sku = withLine();
  sku.wait(15 * minute);
  sku.reserve('other', 4);
  expect(sku.refuse(prepare(2))).toMatchObject({
    code: 'no_longer_available',
    requested: 2,
    available: 1,
  });
});
