import { describe, expect, test } from 'vitest';
import type { CartSettle } from '../../../src/domain/commands.ts';
import { hour, minute, Sku } from './given.ts';

function withLine(): Sku {
  const sku = new Sku();
  sku.receive(5);
  sku.accept({ verb: 'cart.hold', id: 'cart-1', qty: 2 });
  return sku;
}

const prepare = { verb: 'cart.prepare', reservation: 'cart-1' } as const;
const settle = (outcome: CartSettle['outcome'], fields: Partial<CartSettle> = {}) =>
  ({ verb: 'cart.settle', reservation: 'cart-1', outcome, ...fields }) as const;

describe('a cart line', () => {
  test('is held like any other, and expires', () => {
    const sku = withLine();
    expect(sku.stock).toMatchObject({ reserved: 2, available: 3 });
    expect(sku.events[1]).toMatchObject({ type: 'reservation.created', cart: true });
    expect(sku.wait(15 * minute)).toMatchObject([{ type: 'reservation.expired', qty: 2 }]);
  });

  test('is held once, however often home asks', () => {
    const sku = withLine();
    const again = sku.accept({ verb: 'cart.hold', id: 'cart-1', qty: 2 });
    expect(again).toMatchObject({ replayed: true, state: 'open', qty: 2 });
    expect(sku.refuse({ verb: 'cart.hold', id: 'cart-1', qty: 3 }).code).toBe('id_conflict');
  });

  test('shares the ids of its channel with reservations', () => {
    const sku = withLine();
    expect(sku.refuse({ verb: 'reserve', id: 'cart-1', qty: 2 }).code).toBe('id_conflict');
    sku.reserve('r-1');
    expect(sku.refuse({ verb: 'cart.hold', id: 'r-1', qty: 1 }).code).toBe('id_conflict');
    expect(sku.refuse({ verb: 'cart.prepare', reservation: 'r-1' }).code).toBe(
      'reservation_not_found',
    );
    const released = sku.refuse({ ...settle('released'), reservation: 'r-1' });
    expect(released.code).toBe('reservation_not_found');
    expect(sku.stock.reserved).toBe(3);
  });

  test.each([
    ['renew', { verb: 'renew', reservation: 'cart-1', ttlMs: minute }],
    ['confirm', { verb: 'confirm', reservation: 'cart-1', order: 'o-1' }],
    ['release', { verb: 'release', reservation: 'cart-1' }],
  ] as const)('leaves a public %s to its home', (_verb, wish) => {
    const sku = withLine();
    const cases = [
      () => {},
      () => sku.accept(prepare),
      () => sku.accept(settle('confirmed', { order: 'o-1' })),
    ];
    for (const arrange of cases) {
      arrange();
      expect(sku.execute(wish)).toEqual({ events: [], answer: { kind: 'cart' } });
    }
  });
});

describe('a prepared line', () => {
  test('does not expire until it is settled', () => {
    const sku = withLine();
    expect(sku.accept(prepare)).toMatchObject({ qty: 2 });
    expect(sku.nextExpiryAtMs).toBeUndefined();
    expect(sku.wait(5 * hour)).toEqual([]);
    expect(sku.stock.reserved).toBe(2);
    sku.accept(settle('held', { expiresAtMs: sku.nowMs + minute }));
    expect(sku.wait(minute)).toHaveLength(1);
  });

  test('is prepared once, however often home asks', () => {
    const sku = withLine();
    sku.accept(prepare);
    const version = sku.state.version;
    expect(sku.accept({ ...prepare, id: 'again' })).toMatchObject({ qty: 2, replayed: true });
    expect(sku.state.version).toBe(version);
  });

  test('is taken again if it had expired', () => {
    const sku = withLine();
    sku.wait(15 * minute);
    expect(sku.accept(prepare)).toMatchObject({ retaken: true, qty: 2, available: 3 });
    expect(sku.stock.reserved).toBe(2);
    expect(sku.wait(hour)).toEqual([]);
  });

  test('cannot be had when its units are gone', () => {
    const sku = withLine();
    sku.wait(15 * minute);
    sku.reserve('other', 4);
    expect(sku.refuse(prepare).code).toBe('no_longer_available');
  });

  test('cannot be had of what is unknown, released or confirmed', () => {
    expect(new Sku().refuse(prepare).code).toBe('reservation_not_found');
    const released = withLine();
    released.accept(settle('released'));
    expect(released.refuse(prepare).code).toBe('already_released');
    const confirmed = withLine();
    confirmed.accept(settle('confirmed', { order: 'o-1' }));
    expect(confirmed.refuse(prepare).code).toBe('already_confirmed');
  });
});

describe('settled as confirmed', () => {
  test('the units leave, once', () => {
    const sku = withLine();
    sku.accept(prepare);
    const verdict = settle('confirmed', { order: 'o-1' });
    expect(sku.accept(verdict)).toMatchObject({ qty: 2, available: 3 });
    expect(sku.stock).toMatchObject({ onHand: 3, reserved: 0 });
    expect(sku.accept({ ...verdict, id: 'again' }).replayed).toBe(true);
    expect(sku.refuse(settle('confirmed', { order: 'o-2' })).code).toBe('already_confirmed');
    expect(sku.refuse(settle('released')).code).toBe('already_confirmed');
    expect(sku.stock.onHand).toBe(3);
  });

  test('stands even over a line that has expired and whose units are gone', () => {
    const sku = withLine();
    sku.wait(15 * minute);
    sku.reserve('other', 5);
    sku.accept(settle('confirmed', { order: 'o-1' }));
    expect(sku.stock).toMatchObject({ onHand: 3, reserved: 5 });
    expect(sku.events.map((event) => event.type)).toContain('shortfall.raised');
  });
});

describe('the steps of a cart', () => {
  test('take no ids of its channel', () => {
    const sku = withLine();
    const entries = sku.state.entryCount;
    sku.accept({ ...prepare, id: 's-1' });
    sku.accept({ ...settle('confirmed', { order: 'o-1' }), id: 's-2' });
    expect(sku.state.entryCount).toBe(entries);
    sku.reserve('s-1');
  });
});

describe('settled as held', () => {
  test('gives the line its expiry, once', () => {
    const sku = withLine();
    const expiresAtMs = sku.nowMs + hour;
    expect(sku.accept(settle('held', { expiresAtMs }))).toMatchObject({ expiresAtMs });
    const version = sku.state.version;
    expect(sku.accept(settle('held', { expiresAtMs })).replayed).toBe(true);
    expect(sku.state.version).toBe(version);
    expect(sku.nextExpiryAtMs).toBe(expiresAtMs);
    sku.wait(hour);
    expect(sku.refuse(settle('held')).code).toBe('no_longer_available');
  });

  test('keeps the expiry that the line had where none is given', () => {
    const sku = withLine();
    const expiresAtMs = sku.nowMs + 15 * minute;
    sku.accept(prepare);
    sku.accept(settle('held'));
    expect(sku.nextExpiryAtMs).toBe(expiresAtMs);
  });
});

describe('settled as released', () => {
  test('frees the units, once', () => {
    const sku = withLine();
    sku.accept(prepare);
    expect(sku.accept(settle('released'))).toMatchObject({ qty: 2, available: 5 });
    expect(sku.accept({ ...settle('released'), id: 'again' })).toMatchObject({ qty: 0 });
    expect(sku.stock).toMatchObject({ onHand: 5, reserved: 0 });
  });

  test('ends an expired line for good', () => {
    const sku = withLine();
    sku.wait(15 * minute);
    expect(sku.accept(settle('released'))).toMatchObject({ qty: 0 });
    expect(sku.refuse(prepare).code).toBe('already_released');
  });

  test('spends the id of a line that has not come yet, also of an unknown SKU', () => {
    const sku = new Sku();
    expect(sku.types(settle('released'))).toEqual(['reservation.released']);
    expect(sku.refuse({ verb: 'get' }).code).toBe('unknown_sku');
    sku.receive(5);
    expect(sku.refuse({ verb: 'cart.hold', id: 'cart-1', qty: 2 }).code).toBe('already_released');
    expect(sku.accept(settle('released')).replayed).toBe(true);
    expect(sku.answer({ verb: 'release', reservation: 'cart-1' }).kind).toBe('cart');
  });
});
