// The contract's table "Holds: state by verb", cell by cell.

import { describe, expect, test } from 'vitest';
import { hour, minute, Sku } from './given.ts';

/** Twelve units and a hold of three with id r-1, brought into a state. */
function withHold(state: 'open' | 'expired' | 'released' | 'confirmed'): Sku {
  const sku = new Sku();
  sku.receive(12);
  sku.accept({ verb: 'reserve', id: 'r-1', qty: 3 });
  if (state === 'expired') sku.wait(15 * minute);
  if (state === 'released') sku.accept({ verb: 'release', reservation: 'r-1' });
  if (state === 'confirmed') sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1' });
  return sku;
}

/** Somebody else takes everything that is free. */
function takeAll(sku: Sku): void {
  sku.accept({ verb: 'reserve', id: 'other', qty: sku.available() });
}

describe('reserve, same id and payload', () => {
  test('is decided for an id that was never used', () => {
    const sku = new Sku();
    sku.receive(12);
    const acceptance = sku.accept({ verb: 'reserve', id: 'r-1', qty: 1 });
    expect(acceptance).toEqual({
      sku: '85123A',
      qty: 1,
      allocations: [{ location: 'main', qty: 1 }],
      expiresAtMs: sku.nowMs + 15 * minute,
      available: 11,
      version: 2,
    });
  });

  test.each(['open', 'expired', 'released', 'confirmed'] as const)(
    'is replayed with the state of a hold that is %s',
    (state) => {
      const sku = withHold(state);
      const before = sku.state.version;
      const acceptance = sku.accept({ verb: 'reserve', id: 'r-1', qty: 3 });
      expect(acceptance).toMatchObject({
        qty: 3,
        allocations: [{ location: 'main', qty: 3 }],
        version: 2,
        state,
        replayed: true,
        available: sku.available(),
      });
      expect(sku.state.version).toBe(before);
    },
  );
});

describe('renew', () => {
  test('of an unknown hold is reservation_not_found', () => {
    const sku = withHold('open');
    const refusal = sku.refuse({ verb: 'renew', reservation: 'r-9', ttlMs: minute });
    expect(refusal.code).toBe('reservation_not_found');
  });

  test('of an open hold sets its expiry to now plus the ttl', () => {
    const sku = withHold('open');
    sku.wait(10 * minute);
    const acceptance = sku.accept({ verb: 'renew', reservation: 'r-1', ttlMs: 20 * minute });
    expect(acceptance).toMatchObject({ qty: 3, expiresAtMs: sku.nowMs + 20 * minute });
    expect(acceptance).not.toHaveProperty('retaken');
    expect(sku.wait(20 * minute - 1)).toEqual([]);
    expect(sku.wait(1).map((event) => event.type)).toEqual(['reservation.expired']);
  });

  test('of an open hold may also shorten it', () => {
    const sku = withHold('open');
    sku.accept({ verb: 'renew', reservation: 'r-1', ttlMs: 1_000 });
    expect(sku.nextExpiryAtMs).toBe(sku.nowMs + 1_000);
    expect(sku.wait(1_000)).toHaveLength(1);
    expect(sku.wait(hour)).toEqual([]);
  });

  test('of an expired hold takes the units again if they are available', () => {
    const sku = withHold('expired');
    expect(sku.available()).toBe(12);
    const acceptance = sku.accept({ verb: 'renew', reservation: 'r-1', ttlMs: minute });
    expect(acceptance).toMatchObject({
      retaken: true,
      qty: 3,
      allocations: [{ location: 'main', qty: 3 }],
      expiresAtMs: sku.nowMs + minute,
      available: 9,
    });
    expect(sku.stock.reserved).toBe(3);
  });

  test('of an expired hold whose units are gone is no_longer_available', () => {
    const sku = withHold('expired');
    takeAll(sku);
    const refusal = sku.refuse({ verb: 'renew', reservation: 'r-1', ttlMs: minute });
    expect(refusal.code).toBe('no_longer_available');
  });

  test('of a released hold is already_released', () => {
    const sku = withHold('released');
    const refusal = sku.refuse({ verb: 'renew', reservation: 'r-1', ttlMs: minute });
    expect(refusal.code).toBe('already_released');
  });

  test('of a confirmed hold is already_confirmed', () => {
    const sku = withHold('confirmed');
    const refusal = sku.refuse({ verb: 'renew', reservation: 'r-1', ttlMs: minute });
    expect(refusal.code).toBe('already_confirmed');
  });
});

describe('confirm', () => {
  test('of an unknown hold is reservation_not_found', () => {
    const sku = withHold('open');
    const refusal = sku.refuse({ verb: 'confirm', reservation: 'r-9', order: 'o-1' });
    expect(refusal.code).toBe('reservation_not_found');
  });

  test('of an open hold takes the units off hand and off the reserved', () => {
    const sku = withHold('open');
    const acceptance = sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1' });
    expect(acceptance).toMatchObject({
      qty: 3,
      allocations: [{ location: 'main', qty: 3 }],
      available: 9,
      version: 3,
    });
    expect(sku.stock).toMatchObject({ onHand: 9, reserved: 0, reservations: 0 });
  });

  test('of an open hold succeeds also if on hand has gone below', () => {
    const sku = withHold('open');
    sku.accept({ verb: 'count', counted: 1 });
    sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1' });
    expect(sku.stock).toMatchObject({ onHand: -2, reserved: 0, available: 0 });
  });

  test('of an expired hold takes the units again, then confirms them', () => {
    const sku = withHold('expired');
    const acceptance = sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1' });
    expect(acceptance).toMatchObject({ retaken: true, qty: 3, available: 9 });
    expect(sku.stock).toMatchObject({ onHand: 9, reserved: 0 });
  });

  test('of an expired hold whose units are gone is no_longer_available', () => {
    const sku = withHold('expired');
    takeAll(sku);
    const refusal = sku.refuse({ verb: 'confirm', reservation: 'r-1', order: 'o-1' });
    expect(refusal.code).toBe('no_longer_available');
    expect(sku.stock.onHand).toBe(12);
  });

  test('of a released hold is already_released', () => {
    const sku = withHold('released');
    const refusal = sku.refuse({ verb: 'confirm', reservation: 'r-1', order: 'o-1' });
    expect(refusal.code).toBe('already_released');
  });

  test('of a confirmed hold by the same order and quantity is replayed, whatever its id', () => {
    const sku = withHold('confirmed');
    const version = sku.state.version;
    for (const qty of [{}, { qty: 3 }]) {
      const again = sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1', ...qty });
      expect(again).toMatchObject({ qty: 3, replayed: true, version: 3, available: 9 });
    }
    expect(sku.state.version).toBe(version);
  });

  test.each([
    ['another order', { order: 'o-2' }],
    ['another quantity', { order: 'o-1', qty: 2 }],
  ])('of a confirmed hold by %s is already_confirmed', (_what, fields) => {
    const sku = withHold('confirmed');
    const refusal = sku.refuse({ verb: 'confirm', reservation: 'r-1', ...fields });
    expect(refusal.code).toBe('already_confirmed');
  });
});

describe('confirm of a part', () => {
  test('releases the rest', () => {
    const sku = withHold('open');
    const acceptance = sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1', qty: 2 });
    expect(acceptance).toMatchObject({ qty: 2, allocations: [{ location: 'main', qty: 2 }] });
    expect(sku.stock).toMatchObject({ onHand: 10, reserved: 0, available: 10 });
    expect(sku.events.at(-1)).toMatchObject({ qty: 2, released: 1 });
  });

  test('is replayed for that part only', () => {
    const sku = withHold('open');
    sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1', qty: 2 });
    const again = { verb: 'confirm', reservation: 'r-1', order: 'o-1' } as const;
    expect(sku.accept({ ...again, qty: 2 })).toMatchObject({ qty: 2, replayed: true });
    expect(sku.refuse(again).code).toBe('already_confirmed');
  });

  test('of an expired hold needs only that part again', () => {
    const sku = withHold('expired');
    sku.accept({ verb: 'reserve', id: 'other', qty: 10 });
    const acceptance = sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1', qty: 2 });
    expect(acceptance).toMatchObject({ retaken: true, qty: 2, available: 0 });
    expect(sku.stock).toMatchObject({ onHand: 10, reserved: 10 });
  });

  test('beyond the hold is invalid', () => {
    const sku = withHold('open');
    const refusal = sku.refuse({ verb: 'confirm', reservation: 'r-1', order: 'o-1', qty: 4 });
    expect(refusal).toMatchObject({ code: 'invalid_request', field: 'qty' });
  });
});

describe('release', () => {
  test('of an unknown hold is reservation_not_found, and spends its id', () => {
    const sku = withHold('open');
    const refusal = sku.refuse({ verb: 'release', reservation: 'r-2' });
    expect(refusal.code).toBe('reservation_not_found');
    expect(sku.events.at(-1)).toMatchObject({
      type: 'reservation.released',
      reservation: 'r-2',
      qty: 0,
    });
    const late = sku.refuse({ verb: 'reserve', id: 'r-2', qty: 1 });
    expect(late.code).toBe('already_released');
  });

  test('of an unknown hold spends the id only once, and stays unknown to every verb', () => {
    const sku = withHold('open');
    sku.refuse({ verb: 'release', reservation: 'r-2' });
    const version = sku.state.version;
    for (const wish of [
      { verb: 'release', reservation: 'r-2' },
      { verb: 'confirm', reservation: 'r-2', order: 'o-1' },
      { verb: 'renew', reservation: 'r-2', ttlMs: minute },
    ] as const) {
      expect(sku.refuse(wish).code).toBe('reservation_not_found');
    }
    expect(sku.state.version).toBe(version);
  });

  test('spends the id also when the release itself has that id', () => {
    const sku = withHold('open');
    sku.refuse({ verb: 'release', id: 'r-2', reservation: 'r-2' });
    expect(sku.refuse({ verb: 'reserve', id: 'r-2', qty: 1 }).code).toBe('already_released');
  });

  test('spends the id for its channel only', () => {
    const sku = withHold('open');
    sku.refuse({ verb: 'release', reservation: 'r-2', channel: 'mobile' });
    sku.accept({ verb: 'reserve', id: 'r-2', qty: 1, channel: 'web' });
  });

  test('does not spend the id of another accepted command', () => {
    const sku = new Sku();
    sku.accept({ verb: 'receive', id: 'in-1', qty: 5 });
    const decision = sku.execute({ verb: 'release', reservation: 'in-1' });
    expect(decision).toMatchObject({
      events: [],
      answer: { refusal: { code: 'reservation_not_found' } },
    });
    expect(sku.accept({ verb: 'receive', id: 'in-1', qty: 5 }).replayed).toBe(true);
  });

  test('of an open hold frees its units', () => {
    const sku = withHold('open');
    const acceptance = sku.accept({ verb: 'release', reservation: 'r-1' });
    expect(acceptance).toMatchObject({ qty: 3, available: 12 });
    expect(sku.stock).toMatchObject({ onHand: 12, reserved: 0, reservations: 0 });
  });

  test('of an expired hold is ok with nothing freed, and ends it for good', () => {
    const sku = withHold('expired');
    expect(sku.accept({ verb: 'release', reservation: 'r-1' })).toMatchObject({ qty: 0 });
    const late = sku.refuse({ verb: 'confirm', reservation: 'r-1', order: 'o-1' });
    expect(late.code).toBe('already_released');
  });

  test('of a released hold is ok with nothing freed', () => {
    const sku = withHold('released');
    expect(sku.accept({ verb: 'release', reservation: 'r-1' })).toMatchObject({ qty: 0 });
  });

  test('of a confirmed hold is already_confirmed', () => {
    const sku = withHold('confirmed');
    expect(sku.refuse({ verb: 'release', reservation: 'r-1' }).code).toBe('already_confirmed');
    expect(sku.stock.onHand).toBe(9);
  });
});

describe('time', () => {
  test('ends an open hold with an event', () => {
    const sku = withHold('open');
    expect(sku.nextExpiryAtMs).toBe(sku.nowMs + 15 * minute);
    expect(sku.wait(15 * minute - 1)).toEqual([]);
    const [event] = sku.wait(1);
    expect(event).toMatchObject({
      type: 'reservation.expired',
      channel: 'web',
      command: '',
      reservation: 'r-1',
      qty: 3,
      reserved: 0,
      available: 12,
    });
    expect(sku.nextExpiryAtMs).toBeUndefined();
  });

  test.each(['expired', 'released', 'confirmed'] as const)(
    'does nothing to a hold that is %s',
    (state) => {
      const sku = withHold(state);
      expect(sku.wait(3 * hour)).toEqual([]);
    },
  );

  test('ends each of many holds at its own time, however many ended otherwise before', () => {
    const sku = new Sku();
    sku.receive(1_000);
    for (let n = 0; n < 1_000; n += 1) {
      sku.accept({ verb: 'reserve', id: `r-${n}`, qty: 1, ttlMs: 1_000 + ((n * 7_919) % 1_000) });
    }
    for (let n = 0; n < 1_000; n += 1) {
      if (n % 10 > 0) sku.accept({ verb: 'release', reservation: `r-${n}` });
    }
    const ended: number[] = [];
    for (let round = 0; round < 100; round += 1) {
      for (const event of sku.wait(20)) if ('expiresAtMs' in event) ended.push(event.expiresAtMs);
      const due = sku.nextExpiryAtMs ?? Number.POSITIVE_INFINITY;
      expect(due).toBeGreaterThan(sku.nowMs);
    }
    expect(ended).toHaveLength(100);
    expect(ended).toEqual([...ended].sort((a, b) => a - b));
    expect(sku.stock).toMatchObject({ reserved: 0, reservations: 0 });
  });

  test('ends many holds in steps of a limited size, earliest first', () => {
    const sku = new Sku({ limits: { expiriesPerStepMax: 2 } });
    sku.receive(10);
    for (const [id, ttlMs] of [
      ['c', 3_000],
      ['a', 1_000],
      ['b', 2_000],
    ] as const) {
      sku.accept({ verb: 'reserve', id, qty: 1, ttlMs });
    }
    const ended = sku.wait(5_000).map((event) => 'reservation' in event && event.reservation);
    expect(ended).toEqual(['a', 'b', 'c']);
    expect(sku.commits.at(-1)?.text).not.toContain('"b"');
  });
});

describe('the longest lifetime', () => {
  test('bounds a hold from its beginning', () => {
    const sku = new Sku();
    sku.receive(5);
    const refusal = sku.refuse({ verb: 'reserve', id: 'r-1', qty: 1, ttlMs: 2 * hour + 1 });
    expect(refusal).toMatchObject({ code: 'limit_exceeded', limit: 'longestTtlMs' });
    sku.accept({ verb: 'reserve', id: 'r-1', qty: 1, ttlMs: 2 * hour });
  });

  test('is counted from creation: a renewal reaches no further', () => {
    const sku = withHold('open');
    const created = sku.nowMs;
    sku.wait(10 * minute);
    const acceptance = sku.accept({ verb: 'renew', reservation: 'r-1', ttlMs: 2 * hour });
    expect(acceptance.expiresAtMs).toBe(created + 2 * hour);
  });

  test('refuses a renewal that can extend nothing, and a ttl beyond it', () => {
    const sku = withHold('open');
    sku.wait(minute);
    sku.accept({ verb: 'renew', reservation: 'r-1', ttlMs: 2 * hour });
    for (const ttlMs of [2 * hour, 3 * hour]) {
      const refusal = sku.refuse({ verb: 'renew', reservation: 'r-1', ttlMs });
      expect(refusal).toMatchObject({ code: 'limit_exceeded', limit: 'longestTtlMs' });
    }
  });

  test('does not keep a late payment from confirming', () => {
    const sku = withHold('expired');
    sku.wait(5 * hour);
    const refusal = sku.refuse({ verb: 'renew', reservation: 'r-1', ttlMs: minute });
    expect(refusal).toMatchObject({ code: 'limit_exceeded', limit: 'longestTtlMs' });
    const late = sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1' });
    expect(late.retaken).toBe(true);
  });
});

describe('a hold belongs to its channel', () => {
  test.each(['renew', 'confirm', 'release'] as const)('another channel may not %s it', (verb) => {
    const sku = withHold('open');
    const fields = { reservation: 'r-1', order: 'o-1', ttlMs: minute, heldBy: 'web' };
    const { order, ttlMs, ...common } = fields;
    const wish = {
      renew: { verb: 'renew', ...common, ttlMs },
      confirm: { verb: 'confirm', ...common, order },
      release: { verb: 'release', ...common },
    } as const;
    const version = sku.state.version;
    expect(sku.refuse({ ...wish[verb], channel: 'pos' }).code).toBe('reservation_not_found');
    expect(sku.state.version).toBe(version);
  });

  test('a channel that may end it names its holder', () => {
    const sku = new Sku({ channels: { ops: { endsHoldsOf: new Set(['web']) } } });
    sku.receive(5);
    sku.reserve('r-1', 2);
    const unnamed = sku.refuse({ verb: 'release', channel: 'ops', reservation: 'r-1' });
    expect(unnamed.code).toBe('reservation_not_found');
    const wish = { verb: 'release', channel: 'ops', reservation: 'r-1', heldBy: 'web' } as const;
    expect(sku.accept(wish)).toMatchObject({ qty: 2 });
    expect(sku.events.at(-1)).toMatchObject({ channel: 'ops', heldBy: 'web', reservation: 'r-1' });
  });

  test('a channel that may not end it cannot spend its id before it is made', () => {
    const sku = withHold('open');
    sku.refuse({ verb: 'release', channel: 'pos', reservation: 'r-2', heldBy: 'web' });
    sku.reserve('r-2');
  });

  test('its holder’s rules bound it, whoever renews it', () => {
    const sku = new Sku({
      channels: { ops: { endsHoldsOf: new Set(['web']), longestTtlMs: minute } },
    });
    sku.receive(5);
    sku.reserve('r-1');
    const wish = { verb: 'renew', channel: 'ops', reservation: 'r-1', heldBy: 'web' } as const;
    const renewed = sku.accept({ ...wish, ttlMs: hour });
    expect(renewed.expiresAtMs).toBe(sku.nowMs + hour);
  });

  test('the holder may name itself', () => {
    const sku = withHold('open');
    sku.accept({ verb: 'release', reservation: 'r-1', heldBy: 'web' });
  });

  test('the same id of two channels is two holds', () => {
    const sku = new Sku();
    sku.receive(5);
    sku.accept({ verb: 'reserve', id: 'r-1', qty: 1, channel: 'web' });
    sku.accept({ verb: 'reserve', id: 'r-1', qty: 2, channel: 'pos' });
    expect(sku.stock).toMatchObject({ reserved: 3, reservations: 2 });
    expect(sku.accept({ verb: 'release', reservation: 'r-1', channel: 'pos' }).qty).toBe(2);
  });
});

describe('a buyer who comes back', () => {
  test('gets the last unit again after a failed payment released it', () => {
    const sku = new Sku();
    sku.receive(1);
    sku.reserve('try-1');
    sku.accept({ verb: 'release', reservation: 'try-1' });
    sku.reserve('try-2');
    sku.accept({ verb: 'confirm', reservation: 'try-2', order: 'o-1' });
    expect(sku.stock).toMatchObject({ onHand: 0, reserved: 0 });
  });

  test('does not confirm twice when the late callback of the first try arrives', () => {
    const sku = new Sku();
    sku.receive(1);
    sku.reserve('try-1');
    sku.wait(15 * minute);
    sku.reserve('try-2');
    const late = sku.refuse({ verb: 'confirm', reservation: 'try-1', order: 'o-1' });
    expect(late.code).toBe('no_longer_available');
  });
});
