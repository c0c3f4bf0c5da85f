// Invariant 7: an id has one meaning per channel, remembered for as long as the contract says and within a limit.

import { describe, expect, test } from 'vitest';
import { hour, minute, Sku } from './given.ts';

describe('the same id and payload', () => {
  test.each([
    ['receive', { verb: 'receive', qty: 2 }],
    ['sell', { verb: 'sell', qty: 2, order: 'o-1' }],
    ['a fact sale', { verb: 'sell', qty: 2, fact: true, occurredAtMs: 5 }],
    ['restock', { verb: 'restock', qty: 2 }],
    ['adjust', { verb: 'adjust', delta: -2, reason: 'damaged' }],
    ['count', { verb: 'count', counted: 4 }],
    ['transfer', { verb: 'transfer', qty: 2, from: 'main', to: 'store' }],
    ['policy', { verb: 'policy', safetyStock: 1 }],
    ['correct', { verb: 'correct', delta: -1, evidence: { asOfSeq: 0 } }],
    ['reserve', { verb: 'reserve', qty: 2 }],
    ['renew', { verb: 'renew', reservation: 'r-1', ttlMs: minute }],
    ['confirm', { verb: 'confirm', reservation: 'r-1', order: 'o-1' }],
    ['release', { verb: 'release', reservation: 'r-1' }],
  ] as const)('of %s has one effect and the same answer', (_what, wish) => {
    const sku = new Sku();
    sku.receive(10);
    sku.reserve('r-1', 3);
    const first = sku.accept({ ...wish, id: 'same' });
    const version = sku.state.version;
    const again = sku.accept({ ...wish, id: 'same' });
    const { state: _state, ...rest } = again;
    expect(rest).toEqual({ ...first, replayed: true });
    expect(sku.state.version).toBe(version);
  });

  test('answers with what is available and when it expires now, not then', () => {
    const sku = new Sku();
    sku.receive(10);
    const first = sku.accept({ verb: 'reserve', id: 'r-1', qty: 3 });
    sku.accept({ verb: 'renew', reservation: 'r-1', ttlMs: hour });
    sku.reserve('r-2', 5);
    expect(sku.accept({ verb: 'reserve', id: 'r-1', qty: 3 })).toEqual({
      ...first,
      expiresAtMs: sku.nowMs + hour,
      available: 2,
      state: 'open',
      replayed: true,
    });
  });

  test('answers a confirm of units taken again as it did then', () => {
    const sku = new Sku();
    sku.receive(4);
    sku.reserve('r-1', 3);
    sku.wait(15 * minute);
    const confirm = { verb: 'confirm', id: 'c-1', reservation: 'r-1', order: 'o-1' } as const;
    const first = sku.accept(confirm);
    expect(first.retaken).toBe(true);
    expect(sku.accept(confirm)).toEqual({ ...first, replayed: true });
  });

  test('answers a confirm of units from elsewhere with where these came from', () => {
    const sku = new Sku();
    sku.receive(2, 'a');
    sku.receive(2, 'b');
    sku.reserve('r-1', 2);
    sku.wait(15 * minute);
    sku.accept({ verb: 'sell', qty: 2, location: 'a' });
    const confirm = { verb: 'confirm', id: 'c-1', reservation: 'r-1', order: 'o-1' } as const;
    const first = sku.accept(confirm);
    expect(first.allocations).toEqual([{ location: 'b', qty: 2 }]);
    expect(sku.accept(confirm).allocations).toEqual(first.allocations);
    expect(sku.accept({ ...confirm, id: 'c-2' }).allocations).toEqual(first.allocations);
  });

  test('tells where a reservation was first, also after its units came from elsewhere', () => {
    const sku = new Sku();
    sku.receive(2, 'a');
    sku.receive(2, 'b');
    sku.reserve('r-1', 2);
    sku.wait(15 * minute);
    sku.accept({ verb: 'sell', qty: 2, location: 'a' });
    const renewed = sku.accept({ verb: 'renew', reservation: 'r-1', ttlMs: minute });
    expect(renewed.allocations).toEqual([{ location: 'b', qty: 2 }]);
    const again = sku.accept({ verb: 'reserve', id: 'r-1', qty: 2 });
    expect(again.allocations).toEqual([{ location: 'a', qty: 2 }]);
  });
});

describe('the same id for something else', () => {
  const used = (): Sku => {
    const sku = new Sku();
    sku.receive(10);
    sku.accept({ verb: 'reserve', id: 'x', qty: 1 });
    sku.accept({ verb: 'sell', id: 'y', qty: 1 });
    return sku;
  };

  test.each([
    ['another quantity of a reservation', { verb: 'reserve', id: 'x', qty: 2 }],
    ['another verb than a reservation', { verb: 'sell', id: 'x', qty: 1 }],
    ['a reservation with the id of a sale', { verb: 'reserve', id: 'y', qty: 1 }],
    [
      'a confirm with the id of its own reservation',
      { verb: 'confirm', id: 'x', reservation: 'x', order: 'o' },
    ],
    ['another quantity of a sale', { verb: 'sell', id: 'y', qty: 2 }],
  ] as const)('%s is id_conflict', (_what, wish) => {
    const sku = used();
    expect(sku.refuse(wish).code).toBe('id_conflict');
  });

  test('another channel with the same id is a stranger', () => {
    const sku = used();
    sku.accept({ verb: 'reserve', id: 'x', qty: 2, channel: 'pos' });
    sku.accept({ verb: 'reserve', id: 'y', qty: 2, channel: 'pos' });
  });
});

describe('a refusal', () => {
  test('is not remembered: the same command is decided anew', () => {
    const sku = new Sku();
    sku.receive(1);
    const wish = { verb: 'reserve', id: 'r-1', qty: 3 } as const;
    expect(sku.refuse(wish)).toEqual({
      code: 'insufficient_stock',
      message: '85123A: 3 requested, 1 available to web',
      sku: '85123A',
      requested: 3,
      available: 1,
    });
    sku.receive(2);
    expect(sku.accept(wish)).not.toHaveProperty('replayed');
  });

  test('leaves no event and no memory', () => {
    const sku = new Sku();
    sku.receive(1);
    const entries = sku.state.entryCount;
    sku.refuse({ verb: 'sell', id: 's-1', qty: 3 });
    expect(sku.state.entryCount).toBe(entries);
    sku.accept({ verb: 'sell', id: 's-1', qty: 1 });
  });
});

describe('memory', () => {
  test('keeps an id for the whole window, and then forgets it', () => {
    const sku = new Sku();
    sku.accept({ verb: 'receive', id: 'in-1', qty: 5 });
    sku.wait(10 * minute);
    expect(sku.accept({ verb: 'receive', id: 'in-1', qty: 5 }).replayed).toBe(true);
    sku.wait(1);
    expect(sku.accept({ verb: 'receive', id: 'in-1', qty: 5 })).not.toHaveProperty('replayed');
    expect(sku.stock.onHand).toBe(10);
  });

  test('refuses a command that was issued before what is remembered', () => {
    const sku = new Sku();
    sku.receive(5);
    const issuedAtMs = sku.nowMs;
    const wish = { verb: 'receive', id: 'in-1', qty: 5, issuedAtMs } as const;
    sku.accept(wish);
    sku.wait(10 * minute);
    expect(sku.accept(wish).replayed).toBe(true);
    sku.wait(1);
    expect(sku.refuse(wish).code).toBe('id_expired');
    expect(sku.refuse({ ...wish, id: 'in-2' }).code).toBe('id_expired');
  });

  test('takes a new command that is as old as the window, to the millisecond', () => {
    const sku = new Sku();
    sku.accept({ verb: 'receive', qty: 5, issuedAtMs: sku.nowMs - 10 * minute });
    const tooOld = sku.nowMs - 10 * minute - 1;
    expect(sku.refuse({ verb: 'receive', qty: 5, issuedAtMs: tooOld }).code).toBe('id_expired');
  });

  test('lets the newer use of a forgotten id win, also where the older is still remembered', () => {
    const sku = new Sku();
    sku.accept({ verb: 'receive', id: 'in-1', qty: 5 });
    sku.wait(10 * minute + 1);
    const second = sku.accept({ verb: 'receive', id: 'in-1', qty: 7 });
    sku.replay();
    expect(sku.accept({ verb: 'receive', id: 'in-1', qty: 7 })).toEqual({
      ...second,
      replayed: true,
    });
  });

  test('keeps an ended hold for 24 hours', () => {
    const sku = new Sku();
    sku.receive(5);
    sku.reserve('r-1', 2);
    sku.wait(15 * minute);
    sku.wait(24 * hour);
    expect(sku.accept({ verb: 'reserve', id: 'r-1', qty: 2 }).state).toBe('expired');
    sku.wait(1);
    expect(sku.refuse({ verb: 'confirm', reservation: 'r-1', order: 'o' }).code).toBe(
      'reservation_not_found',
    );
  });

  test('keeps a hold that was confirmed late for 24 hours from then', () => {
    const sku = new Sku();
    sku.receive(5);
    sku.reserve('r-1', 2);
    sku.wait(15 * minute);
    sku.wait(23 * hour);
    const confirm = { verb: 'confirm', reservation: 'r-1', order: 'o-1' } as const;
    sku.accept(confirm);
    sku.wait(24 * hour);
    expect(sku.accept(confirm).replayed).toBe(true);
    sku.wait(1);
    expect(sku.refuse(confirm).code).toBe('reservation_not_found');
  });

  test('never forgets an open hold, nor a confirmation while its order may be repeated', () => {
    const sku = new Sku();
    sku.receive(5);
    sku.accept({ verb: 'reserve', id: 'r-1', qty: 2, ttlMs: 2 * hour });
    sku.wait(2 * hour - 1);
    expect(sku.accept({ verb: 'reserve', id: 'r-1', qty: 2, ttlMs: 2 * hour }).state).toBe('open');
    sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1' });
    sku.wait(23 * hour);
    expect(sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1' }).replayed).toBe(true);
  });

  test('is bounded: beyond it new commands wait, and repetitions are still answered', () => {
    const sku = new Sku({ limits: { idsPerSkuMax: 3 } });
    sku.accept({ verb: 'receive', id: 'in-1', qty: 5 });
    sku.wait(minute);
    sku.receive(1);
    sku.receive(1);
    const refusal = sku.refuse({ verb: 'receive', id: 'in-4', qty: 1 });
    expect(refusal).toMatchObject({ code: 'overloaded', retryAfterMs: 9 * minute });
    expect(sku.accept({ verb: 'receive', id: 'in-1', qty: 5 }).replayed).toBe(true);
    sku.wait(9 * minute + 1);
    sku.accept({ verb: 'receive', id: 'in-4', qty: 1 });
  });

  test('takes long ids and ids of every allowed character as they are', () => {
    const sku = new Sku();
    sku.receive(10);
    const ids = ['x'.repeat(36), 'x'.repeat(37), 'x'.repeat(128), 'A:b.c_d-9'];
    for (const id of ids) sku.reserve(id);
    for (const id of ids) expect(sku.accept({ verb: 'release', reservation: id }).qty).toBe(1);
  });
});
