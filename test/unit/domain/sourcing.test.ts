import { describe, expect, test } from 'vitest';
import { minute, type Options, Sku } from './given.ts';

/** Stock at places, in the order given. */
function stocked(places: Readonly<Record<string, number>>, options: Options = {}): Sku {
  const sku = new Sku(options);
  for (const [location, qty] of Object.entries(places)) sku.receive(qty, location);
  return sku;
}

describe('without a location', () => {
  test('places serve by name when the channel has no order', () => {
    const sku = stocked({ b: 5, a: 5 });
    const acceptance = sku.accept({ verb: 'reserve', qty: 6 });
    expect(acceptance.allocations).toEqual([
      { location: 'a', qty: 5 },
      { location: 'b', qty: 1 },
    ]);
  });

  test('the channel decides the order', () => {
    const sku = stocked({ a: 5, b: 5 }, { channels: { web: { sourcing: ['b', 'a'] } } });
    const acceptance = sku.accept({ verb: 'reserve', qty: 6 });
    expect(acceptance.allocations).toEqual([
      { location: 'b', qty: 5 },
      { location: 'a', qty: 1 },
    ]);
  });

  test('one unit in each of two places serves two, and confirms where it was allocated', () => {
    const sku = stocked({ a: 1, b: 1 });
    sku.accept({ verb: 'reserve', id: 'r-1', qty: 2 });
    const acceptance = sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1' });
    expect(acceptance.allocations).toEqual([
      { location: 'a', qty: 1 },
      { location: 'b', qty: 1 },
    ]);
    expect(sku.stock.locations).toEqual({
      a: { onHand: 0, reserved: 0 },
      b: { onHand: 0, reserved: 0 },
    });
  });

  test('a part of a split hold is confirmed in the order of its allocations', () => {
    const sku = stocked({ a: 2, b: 2 });
    sku.accept({ verb: 'reserve', id: 'r-1', qty: 4 });
    const confirm = {
      verb: 'confirm',
      id: 'c-1',
      reservation: 'r-1',
      order: 'o-1',
      qty: 3,
    } as const;
    const allocations = [
      { location: 'a', qty: 2 },
      { location: 'b', qty: 1 },
    ];
    expect(sku.accept(confirm).allocations).toEqual(allocations);
    expect(sku.accept(confirm).allocations).toEqual(allocations);
    expect(sku.stock.locations.b).toEqual({ onHand: 1, reserved: 0 });
  });

  test('a channel that may not split needs one place that has all', () => {
    const sku = stocked({ a: 2, b: 3 }, { channels: { web: { split: false } } });
    expect(sku.accept({ verb: 'reserve', qty: 3 }).allocations).toEqual([
      { location: 'b', qty: 3 },
    ]);
    const other = stocked({ a: 2, b: 3 }, { channels: { web: { split: false } } });
    expect(other.refuse({ verb: 'reserve', qty: 4 })).toMatchObject({
      code: 'insufficient_stock',
      available: 5,
    });
  });

  test('a channel with an order sells only what its places have', () => {
    const sku = stocked({ a: 2, shop: 5 }, { channels: { web: { sourcing: ['a'] } } });
    expect(sku.available('web')).toBe(2);
    expect(sku.available('pos')).toBe(7);
    expect(sku.refuse({ verb: 'reserve', qty: 3 })).toMatchObject({ available: 2 });
    expect(sku.accept({ verb: 'sell', qty: 7, channel: 'pos' }).available).toBe(0);
  });

  test('a place that a fact took below zero is passed over', () => {
    const sku = stocked({ a: 1, b: 5 });
    sku.accept({ verb: 'sell', qty: 3, location: 'a', fact: true });
    expect(sku.available()).toBe(3);
    expect(sku.accept({ verb: 'reserve', qty: 3 }).allocations).toEqual([
      { location: 'b', qty: 3 },
    ]);
    expect(sku.refuse({ verb: 'reserve', qty: 1 }).available).toBe(0);
  });
});

describe('a given location', () => {
  test('binds', () => {
    const sku = stocked({ a: 1, b: 5 });
    expect(sku.refuse({ verb: 'reserve', qty: 2, location: 'a' })).toMatchObject({
      code: 'insufficient_stock',
      requested: 2,
      available: 6,
    });
    const acceptance = sku.accept({ verb: 'sell', qty: 2, location: 'b' });
    expect(acceptance.allocations).toEqual([{ location: 'b', qty: 2 }]);
  });

  test('that has never held the SKU has none of it', () => {
    const sku = stocked({ a: 5 });
    expect(sku.refuse({ verb: 'reserve', qty: 1, location: 'z' }).code).toBe('insufficient_stock');
    expect(sku.stock.locations).not.toHaveProperty('z');
  });

  test('binds also when expired units are taken again', () => {
    const sku = stocked({ a: 2, b: 5 });
    sku.accept({ verb: 'reserve', id: 'r-1', qty: 2, location: 'a' });
    sku.wait(15 * minute);
    sku.accept({ verb: 'sell', qty: 1, location: 'a' });
    const refusal = sku.refuse({ verb: 'renew', reservation: 'r-1', ttlMs: minute });
    expect(refusal.code).toBe('no_longer_available');
  });
});

describe('expired units taken again', () => {
  test('come from wherever the channel is served now, and may split', () => {
    const sku = stocked({ a: 3, b: 2 });
    sku.accept({ verb: 'reserve', id: 'r-1', qty: 3 });
    sku.wait(15 * minute);
    sku.accept({ verb: 'sell', qty: 2, location: 'a' });
    const renewed = sku.accept({ verb: 'renew', reservation: 'r-1', ttlMs: minute });
    expect(renewed).toMatchObject({
      allocations: [
        { location: 'a', qty: 1 },
        { location: 'b', qty: 2 },
      ],
      available: 0,
    });
    sku.wait(minute);
    expect(sku.stock.locations).toEqual({
      a: { onHand: 1, reserved: 0 },
      b: { onHand: 2, reserved: 0 },
    });
  });
});

describe('a fact without a location', () => {
  test('takes what is free first, then what is reserved and there', () => {
    const sku = stocked({ a: 3, b: 3 });
    sku.accept({ verb: 'reserve', qty: 3, location: 'a' });
    const acceptance = sku.accept({ verb: 'sell', qty: 5, fact: true });
    expect(acceptance.allocations).toEqual([
      { location: 'a', qty: 2 },
      { location: 'b', qty: 3 },
    ]);
  });

  test('takes goods that are reserved rather than goods that are nowhere', () => {
    const sku = stocked({ a: 1, b: 3 });
    sku.accept({ verb: 'sell', qty: 1, location: 'a' });
    sku.accept({ verb: 'reserve', qty: 3, location: 'b' });
    const acceptance = sku.accept({ verb: 'sell', qty: 2, fact: true });
    expect(acceptance.allocations).toEqual([{ location: 'b', qty: 2 }]);
  });

  test('takes the rest where the channel looks first', () => {
    const sku = stocked({ a: 1, b: 1 }, { channels: { pos: { sourcing: ['b', 'a'] } } });
    sku.accept({ verb: 'sell', qty: 5, fact: true, channel: 'pos' });
    expect(sku.stock.locations).toMatchObject({ a: { onHand: 0 }, b: { onHand: -3 } });
  });

  test('of an unknown SKU is at the default location', () => {
    const sku = new Sku();
    sku.accept({ verb: 'sell', qty: 2, fact: true, channel: 'pos' });
    expect(sku.stock).toMatchObject({ onHand: -2, locations: { main: { onHand: -2 } } });
  });
});
