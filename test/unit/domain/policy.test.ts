import { describe, expect, test } from 'vitest';
import { minute, Sku } from './given.ts';

function stocked(qty: number): Sku {
  const sku = new Sku();
  sku.receive(qty);
  return sku;
}

describe('policy', () => {
  test('changes what is named, leaves what is absent, clears what is null', () => {
    const sku = stocked(100);
    sku.accept({
      verb: 'policy',
      safetyStock: 5,
      lowStock: 10,
      channels: { web: { buffer: 3, quota: 50 }, pos: { ringFence: 7 } },
    });
    sku.accept({ verb: 'policy', lowStock: null, channels: { web: { buffer: null } } });
    expect(sku.events.at(-1)).toMatchObject({
      type: 'policy.changed',
      safetyStock: 5,
      lowStock: 0,
      backorderMax: 0,
      channels: {
        web: { buffer: 0, quota: 50, ringFence: 0 },
        pos: { buffer: 0, quota: null, ringFence: 7 },
      },
      quotaSet: [],
    });
    sku.accept({ verb: 'policy', channels: { web: null, pos: null } });
    expect(sku.events.at(-1)).toMatchObject({ channels: {} });
    expect(sku.available()).toBe(95);
  });

  test('of an unknown SKU is unknown_sku', () => {
    expect(new Sku().refuse({ verb: 'policy', safetyStock: 1 }).code).toBe('unknown_sku');
  });

  test('for a channel that does not exist is invalid', () => {
    const refusal = stocked(1).refuse({ verb: 'policy', channels: { wbe: { buffer: 1 } } });
    expect(refusal).toMatchObject({ code: 'invalid_request', field: 'channels.wbe' });
  });
});

describe('safety stock', () => {
  test('is kept from everybody, and shows in every available', () => {
    const sku = stocked(10);
    sku.accept({ verb: 'policy', safetyStock: 4 });
    expect(sku.stock).toMatchObject({ onHand: 10, safetyStock: 4, available: 6 });
    expect(sku.available('pos')).toBe(6);
    expect(sku.refuse({ verb: 'sell', qty: 7 }).available).toBe(6);
    sku.accept({ verb: 'sell', qty: 6 });
  });

  test('never makes available negative', () => {
    const sku = stocked(2);
    sku.accept({ verb: 'policy', safetyStock: 4 });
    expect(sku.stock.available).toBe(0);
    expect(sku.available()).toBe(0);
  });
});

describe('a buffer', () => {
  test('hides the last units from its channel only', () => {
    const sku = stocked(5);
    sku.accept({ verb: 'policy', channels: { web: { buffer: 2 } } });
    expect([sku.available('web'), sku.available('pos'), sku.stock.available]).toEqual([3, 5, 5]);
    expect(sku.refuse({ verb: 'reserve', qty: 4 }).available).toBe(3);
    sku.accept({ verb: 'reserve', qty: 4, channel: 'pos' });
    expect(sku.available('web')).toBe(0);
  });
});

describe('a quota', () => {
  test('bounds what the channel holds and has sold', () => {
    const sku = stocked(100);
    sku.accept({ verb: 'policy', channels: { web: { quota: 5 } } });
    sku.reserve('r-1', 2);
    sku.accept({ verb: 'sell', qty: 1 });
    expect(sku.available()).toBe(2);
    expect(sku.refuse({ verb: 'reserve', qty: 3 })).toMatchObject({
      code: 'insufficient_stock',
      available: 2,
    });
    expect(sku.available('pos')).toBe(97);
  });

  test('is given back by a release, an expiry and a return, not by a confirm', () => {
    const sku = stocked(100);
    sku.accept({ verb: 'policy', channels: { web: { quota: 5 } } });
    sku.reserve('r-1', 2);
    sku.reserve('r-2', 2);
    sku.accept({ verb: 'reserve', id: 'r-3', qty: 1, ttlMs: minute });
    expect(sku.available()).toBe(0);
    sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1' });
    expect(sku.available()).toBe(0);
    sku.accept({ verb: 'release', reservation: 'r-2' });
    expect(sku.available()).toBe(2);
    sku.wait(minute);
    expect(sku.available()).toBe(3);
    sku.accept({ verb: 'restock', qty: 1 });
    expect(sku.available()).toBe(4);
  });

  test('gives back the rest of a partial confirm', () => {
    const sku = stocked(100);
    sku.accept({ verb: 'policy', channels: { web: { quota: 5 } } });
    sku.reserve('r-1', 4);
    sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o-1', qty: 1 });
    expect(sku.available()).toBe(4);
  });

  test('counts from the policy that set it; another policy does not reset it', () => {
    const sku = stocked(100);
    sku.accept({ verb: 'sell', qty: 10 });
    sku.reserve('r-1', 1);
    sku.accept({ verb: 'policy', channels: { web: { quota: 5 } } });
    expect(sku.available()).toBe(4);
    sku.accept({ verb: 'sell', qty: 3 });
    sku.accept({ verb: 'policy', safetyStock: 1, channels: { web: { buffer: 1 } } });
    expect(sku.available()).toBe(1);
    sku.accept({ verb: 'policy', channels: { web: { quota: 5 } } });
    expect(sku.available()).toBe(4);
  });

  test('counts a hold that was taken again, and is given it back when that ends', () => {
    const sku = stocked(100);
    sku.accept({ verb: 'policy', channels: { web: { quota: 5 } } });
    sku.reserve('r-1', 2);
    sku.wait(15 * minute);
    sku.accept({ verb: 'renew', reservation: 'r-1', ttlMs: minute });
    expect(sku.available()).toBe(3);
    sku.wait(minute);
    expect(sku.available()).toBe(5);
  });

  test('counts facts, and never refuses them', () => {
    const sku = stocked(100);
    sku.accept({ verb: 'policy', channels: { web: { quota: 2 } } });
    sku.accept({ verb: 'sell', qty: 5, fact: true });
    expect(sku.available()).toBe(0);
    sku.accept({ verb: 'restock', qty: 4 });
    expect(sku.available()).toBe(1);
  });

  test('of nothing closes the channel', () => {
    const sku = stocked(100);
    sku.accept({ verb: 'policy', channels: { web: { quota: 0 } } });
    expect(sku.row()).toEqual({ available: 0, status: 'out_of_stock' });
    expect(sku.refuse({ verb: 'reserve', qty: 1 }).code).toBe('insufficient_stock');
  });

  test('charges what another channel confirms to the holder', () => {
    const sku = new Sku({ channels: { ops: { endsHoldsOf: new Set(['web']) } } });
    sku.receive(100);
    sku.accept({ verb: 'policy', channels: { web: { quota: 5 }, ops: { quota: 5 } } });
    sku.reserve('r-1', 2);
    const confirm = { verb: 'confirm', reservation: 'r-1', order: 'o-1', heldBy: 'web' } as const;
    sku.accept({ ...confirm, channel: 'ops' });
    expect([sku.available('web'), sku.available('ops')]).toEqual([3, 5]);
  });
});

describe('a ring-fence', () => {
  test('keeps units from the others until its channel has used them', () => {
    const sku = stocked(10);
    sku.accept({ verb: 'policy', channels: { pos: { ringFence: 4 } } });
    expect([sku.available('pos'), sku.available('web')]).toEqual([10, 6]);
    sku.accept({ verb: 'reserve', id: 'p-1', qty: 3, channel: 'pos' });
    expect([sku.available('pos'), sku.available('web')]).toEqual([7, 6]);
    sku.accept({ verb: 'confirm', reservation: 'p-1', order: 'o-1', channel: 'pos' });
    expect([sku.available('pos'), sku.available('web')]).toEqual([7, 6]);
    sku.accept({ verb: 'sell', qty: 3, channel: 'pos' });
    expect([sku.available('pos'), sku.available('web')]).toEqual([4, 4]);
  });

  test('is given back by an expiry, and counts from the policy that set it', () => {
    const sku = stocked(10);
    sku.accept({ verb: 'sell', qty: 2, channel: 'pos' });
    sku.accept({ verb: 'policy', channels: { pos: { ringFence: 4 } } });
    expect(sku.available('web')).toBe(4);
    sku.accept({ verb: 'reserve', qty: 4, channel: 'pos', ttlMs: minute });
    expect(sku.available('web')).toBe(4);
    sku.wait(minute);
    expect(sku.available('web')).toBe(4);
    expect(sku.available('pos')).toBe(8);
  });

  test('never keeps more than it says, whatever comes back', () => {
    const sku = stocked(10);
    sku.accept({ verb: 'policy', channels: { pos: { ringFence: 4 } } });
    sku.accept({ verb: 'restock', qty: 3, channel: 'pos' });
    expect(sku.available('web')).toBe(9);
  });

  test('cannot keep what is not there', () => {
    const sku = stocked(3);
    sku.accept({ verb: 'policy', channels: { pos: { ringFence: 8 } } });
    expect([sku.available('pos'), sku.available('web')]).toEqual([3, 0]);
  });
});

describe('backorder', () => {
  test('lets reserve succeed beyond available, up to its maximum', () => {
    const sku = stocked(2);
    sku.accept({ verb: 'policy', backorderMax: 5 });
    expect(sku.row()).toEqual({ available: 2, status: 'in_stock' });
    expect(sku.refuse({ verb: 'reserve', qty: 8 }).available).toBe(2);
    expect(sku.accept({ verb: 'reserve', qty: 4 }).available).toBe(0);
    expect(sku.row()).toEqual({ available: 0, status: 'backorder' });
    expect(sku.refuse({ verb: 'reserve', qty: 4 }).code).toBe('insufficient_stock');
    sku.accept({ verb: 'reserve', qty: 3, channel: 'pos' });
    expect(sku.row()).toEqual({ available: 0, status: 'out_of_stock' });
    expect(sku.refuse({ verb: 'reserve', qty: 1 }).code).toBe('insufficient_stock');
  });

  test('is one room for the whole SKU, also for what has been sold out of it', () => {
    const sku = stocked(1);
    sku.accept({ verb: 'policy', backorderMax: 3 });
    sku.accept({ verb: 'sell', qty: 3 });
    expect(sku.stock.onHand).toBe(-2);
    sku.accept({ verb: 'reserve', id: 'r-1', qty: 1, channel: 'pos' });
    sku.accept({ verb: 'confirm', reservation: 'r-1', order: 'o', channel: 'pos' });
    expect(sku.refuse({ verb: 'sell', qty: 1 }).code).toBe('insufficient_stock');
    sku.receive(3);
    expect(sku.refuse({ verb: 'sell', qty: 4 }).code).toBe('insufficient_stock');
    sku.accept({ verb: 'sell', qty: 3 });
  });

  test('alone raises no shortfall', () => {
    const sku = stocked(1);
    sku.accept({ verb: 'policy', backorderMax: 3 });
    expect(sku.types({ verb: 'reserve', qty: 4 })).not.toContain('shortfall.raised');
  });

  test('that is taken back makes a shortfall of what was promised', () => {
    const sku = stocked(1);
    sku.accept({ verb: 'policy', backorderMax: 3 });
    sku.reserve('r-1', 4);
    sku.accept({ verb: 'policy', backorderMax: null });
    expect(sku.events.filter((event) => event.type === 'shortfall.raised')).toMatchObject([
      { qty: 3, atRisk: [{ channel: 'web', reservation: 'r-1', qty: 4 }], atRiskCount: 1 },
    ]);
  });

  test('does not eat the safety stock, nor what buffers keep, beyond its maximum', () => {
    const sku = stocked(20);
    sku.accept({
      verb: 'policy',
      safetyStock: 5,
      backorderMax: 3,
      channels: { web: { buffer: 10 } },
    });
    expect(sku.available()).toBe(5);
    sku.accept({ verb: 'reserve', qty: 8 });
    expect(sku.refuse({ verb: 'reserve', qty: 1 }).code).toBe('insufficient_stock');
  });

  test('does not pass a quota', () => {
    const sku = stocked(1);
    sku.accept({ verb: 'policy', backorderMax: 5, channels: { web: { quota: 3 } } });
    expect(sku.refuse({ verb: 'reserve', qty: 4 }).code).toBe('insufficient_stock');
    sku.accept({ verb: 'reserve', qty: 3 });
    expect(sku.row()).toEqual({ available: 0, status: 'out_of_stock' });
    expect(sku.row('pos').status).toBe('backorder');
  });

  test('falls on the first place of the channel', () => {
    const sku = new Sku({ channels: { web: { sourcing: ['b', 'a'] } } });
    sku.receive(1, 'a');
    sku.receive(1, 'b');
    sku.accept({ verb: 'policy', backorderMax: 5 });
    expect(sku.accept({ verb: 'reserve', qty: 5 }).allocations).toEqual([
      { location: 'b', qty: 4 },
      { location: 'a', qty: 1 },
    ]);
  });

  test('at a given location has the same room', () => {
    const sku = new Sku();
    sku.receive(1, 'a');
    sku.receive(50, 'b');
    sku.accept({ verb: 'policy', backorderMax: 2 });
    sku.accept({ verb: 'reserve', qty: 3, location: 'a' });
    expect(sku.refuse({ verb: 'reserve', qty: 1, location: 'a' }).code).toBe('insufficient_stock');
    sku.accept({ verb: 'reserve', qty: 1, location: 'b' });
  });
});
