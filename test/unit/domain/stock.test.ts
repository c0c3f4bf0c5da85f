import { describe, expect, test } from 'vitest';
import { channelRules, minute, Sku } from './given.ts';

describe('an unknown SKU', () => {
  test.each([
    ['reserve', { verb: 'reserve', qty: 1 }],
    ['renew', { verb: 'renew', reservation: 'r-1', ttlMs: 1 }],
    ['confirm', { verb: 'confirm', reservation: 'r-1', order: 'o' }],
    ['release', { verb: 'release', reservation: 'r-1' }],
    ['sell', { verb: 'sell', qty: 1 }],
    ['restock', { verb: 'restock', qty: 1 }],
    ['adjust', { verb: 'adjust', delta: 1, reason: 'found' }],
    ['a fact adjust', { verb: 'adjust', delta: -1, reason: 'lost', fact: true }],
    ['transfer', { verb: 'transfer', qty: 1, from: 'a', to: 'b' }],
    ['policy', { verb: 'policy', safetyStock: 1 }],
    ['correct', { verb: 'correct', delta: 1, evidence: { asOfSeq: 1 } }],
    ['get', { verb: 'get' }],
  ] as const)('refuses %s', (_what, wish) => {
    const sku = new Sku();
    expect(sku.refuse(wish)).toMatchObject({ code: 'unknown_sku', sku: '85123A' });
    expect(sku.state.version).toBe(0);
  });

  test.each([
    ['receive', { verb: 'receive', qty: 1 }, 1],
    ['count', { verb: 'count', counted: 0 }, 0],
    ['a fact sale', { verb: 'sell', qty: 1, fact: true }, -1],
    ['a fact restock', { verb: 'restock', qty: 1, fact: true }, 1],
  ] as const)('is created by %s', (_what, wish, onHand) => {
    const sku = new Sku();
    sku.accept(wish);
    expect(sku.answer({ verb: 'get' })).toMatchObject({ kind: 'read', read: { onHand } });
  });
});

describe('a channel', () => {
  test('that does not exist is forbidden, as is a verb that it may not use', () => {
    const sku = new Sku({ channels: { web: { verbs: new Set(['get']) } } });
    sku.accept({ verb: 'receive', qty: 1, channel: 'wms' });
    expect(sku.refuse({ verb: 'reserve', qty: 1 }).code).toBe('forbidden');
    expect(sku.refuse({ verb: 'reserve', qty: 1, channel: 'nobody' }).code).toBe('forbidden');
    expect(sku.answer({ verb: 'get' }).kind).toBe('read');
  });

  test('unknown here may be a source of facts where these are configured', () => {
    const fact = { verb: 'receive', qty: 1, fact: true, channel: 'gate-7' } as const;
    expect(new Sku().refuse(fact).code).toBe('forbidden');
    const sku = new Sku({ factSources: channelRules('facts') });
    sku.accept(fact);
    expect(sku.refuse({ ...fact, fact: false, id: 'x' }).code).toBe('forbidden');
  });
});

describe('goods in', () => {
  test('receive and restock add to the default location or a given one', () => {
    const sku = new Sku();
    expect(sku.accept({ verb: 'receive', qty: 5, ref: 'po-1' })).toMatchObject({
      qty: 5,
      allocations: [{ location: 'main', qty: 5 }],
      available: 5,
      version: 1,
    });
    sku.accept({ verb: 'restock', qty: 2, location: 'store', order: 'o-1' });
    expect(sku.stock.locations).toEqual({
      main: { onHand: 5, reserved: 0 },
      store: { onHand: 2, reserved: 0 },
    });
  });

  test('sum up to 2^53 − 1 and no further', () => {
    const sku = new Sku({ limits: { quantityMax: Number.MAX_SAFE_INTEGER } });
    sku.receive(Number.MAX_SAFE_INTEGER - 1);
    expect(sku.refuse({ verb: 'receive', qty: 2 })).toMatchObject({
      code: 'limit_exceeded',
      limit: 'onHandMax',
    });
    sku.receive(1);
    expect(sku.stock.onHand).toBe(Number.MAX_SAFE_INTEGER);
  });

  test.each([
    ['receive', { verb: 'receive', qty: 1_000_000_001 }],
    ['reserve', { verb: 'reserve', qty: 1_000_000_001 }],
    ['sell', { verb: 'sell', qty: 1_000_000_001 }],
    ['adjust', { verb: 'adjust', delta: -1_000_000_001, reason: 'x' }],
    ['count', { verb: 'count', counted: 1_000_000_001 }],
    ['policy', { verb: 'policy', safetyStock: 1_000_000_001 }],
  ] as const)('%s of more than the largest quantity names the limit', (_what, wish) => {
    const sku = new Sku();
    sku.receive(1);
    expect(sku.refuse(wish)).toMatchObject({ code: 'limit_exceeded', limit: 'quantityMax' });
  });

  test('are kept in a limited number of places', () => {
    const sku = new Sku({ limits: { locationsPerSkuMax: 2 } });
    sku.receive(1, 'a');
    sku.receive(1, 'b');
    sku.receive(1, 'a');
    const limit = { code: 'limit_exceeded', limit: 'locationsPerSkuMax' };
    expect(sku.refuse({ verb: 'receive', qty: 1, location: 'c' })).toMatchObject(limit);
    const transfer = { verb: 'transfer', qty: 1, from: 'a', to: 'c' } as const;
    expect(sku.refuse(transfer)).toMatchObject(limit);
  });

  test('are held by a limited number of holds', () => {
    const sku = new Sku({ limits: { holdsPerSkuMax: 1 } });
    sku.receive(5);
    sku.reserve('r-1');
    expect(sku.refuse({ verb: 'reserve', qty: 1 })).toMatchObject({
      code: 'limit_exceeded',
      limit: 'holdsPerSkuMax',
    });
    sku.accept({ verb: 'release', reservation: 'r-1' });
    sku.reserve('r-2');
  });
});

describe('sell', () => {
  test('takes off what is available to the channel and refuses the rest', () => {
    const sku = new Sku();
    sku.receive(5);
    sku.reserve('r-1', 2);
    expect(sku.refuse({ verb: 'sell', qty: 4 })).toMatchObject({ requested: 4, available: 3 });
    expect(sku.accept({ verb: 'sell', qty: 3, order: 'o-1' })).toMatchObject({ available: 0 });
    expect(sku.stock).toMatchObject({ onHand: 2, reserved: 2 });
  });

  test('as a fact is never refused, and may go below zero', () => {
    const sku = new Sku();
    sku.receive(1);
    expect(sku.accept({ verb: 'sell', qty: 3, fact: true })).toMatchObject({
      qty: 3,
      available: 0,
    });
    expect(sku.stock.onHand).toBe(-2);
    expect(sku.events.find((event) => event.type === 'stock.sold')).toMatchObject({ fact: true });
  });
});

describe('adjust', () => {
  test('adds what was found and takes what was lost', () => {
    const sku = new Sku();
    sku.receive(5);
    expect(sku.accept({ verb: 'adjust', delta: 2, reason: 'found' })).toMatchObject({ delta: 2 });
    sku.accept({ verb: 'adjust', delta: -7, reason: 'flood' });
    expect(sku.stock.onHand).toBe(0);
  });

  test('does not take a location below zero, unless it is a fact', () => {
    const sku = new Sku();
    sku.receive(1, 'a');
    sku.receive(5, 'b');
    const wish = { verb: 'adjust', delta: -2, reason: 'lost', location: 'a' } as const;
    expect(sku.refuse(wish).code).toBe('insufficient_stock');
    sku.accept({ ...wish, fact: true });
    expect(sku.stock.locations.a?.onHand).toBe(-1);
  });
});

describe('expectOnHand', () => {
  test.each(['adjust', 'count'] as const)(
    'of %s is compared with the location or the total',
    (verb) => {
      const sku = new Sku();
      sku.receive(3);
      sku.receive(4, 'store');
      const wish =
        verb === 'adjust'
          ? ({ verb, delta: 1, reason: 'found' } as const)
          : ({ verb, counted: 3 } as const);
      expect(sku.refuse({ ...wish, expectOnHand: 3 })).toMatchObject({
        code: 'stock_changed',
        onHand: 7,
      });
      expect(sku.refuse({ ...wish, expectOnHand: 7, location: 'store' })).toMatchObject({
        code: 'stock_changed',
        onHand: 4,
      });
      sku.accept({ ...wish, expectOnHand: 7 });
      sku.accept({ ...wish, expectOnHand: 4, location: 'store' });
    },
  );
});

describe('count', () => {
  test('sets a location and is recorded as the difference', () => {
    const sku = new Sku();
    sku.receive(5);
    sku.receive(5, 'store');
    expect(sku.accept({ verb: 'count', counted: 3, location: 'store' })).toMatchObject({
      delta: -2,
    });
    expect(sku.events.at(-1)).toMatchObject({
      type: 'stock.counted',
      counted: 3,
      delta: -2,
      location: 'store',
      onHand: 8,
    });
    expect(sku.accept({ verb: 'count', counted: 5 })).toMatchObject({ delta: 0 });
  });

  test('brings a location back from below zero', () => {
    const sku = new Sku();
    sku.accept({ verb: 'sell', qty: 3, fact: true });
    sku.accept({ verb: 'count', counted: 2 });
    expect(sku.events.find((event) => event.type === 'stock.counted')).toMatchObject({ delta: 5 });
    expect(sku.stock.onHand).toBe(2);
  });
});

describe('transfer', () => {
  test('moves what is unreserved, and no more', () => {
    const sku = new Sku();
    sku.receive(5, 'a');
    sku.accept({ verb: 'reserve', qty: 2, location: 'a' });
    const wish = { verb: 'transfer', from: 'a', to: 'b' } as const;
    expect(sku.refuse({ ...wish, qty: 4 }).code).toBe('insufficient_stock');
    sku.accept({ ...wish, qty: 3 });
    expect(sku.stock).toMatchObject({
      onHand: 5,
      locations: { a: { onHand: 2, reserved: 2 }, b: { onHand: 3, reserved: 0 } },
    });
  });

  test('as a fact has happened, reserved or not', () => {
    const sku = new Sku();
    sku.receive(1, 'a');
    sku.accept({ verb: 'transfer', qty: 3, from: 'a', to: 'b', fact: true });
    expect(sku.stock.locations).toMatchObject({ a: { onHand: -2 }, b: { onHand: 3 } });
  });

  test('to the same place is invalid', () => {
    const sku = new Sku();
    sku.receive(1);
    const refusal = sku.refuse({ verb: 'transfer', qty: 1, from: 'main', to: 'main' });
    expect(refusal).toMatchObject({ code: 'invalid_request', field: 'to' });
  });
});

describe('correct', () => {
  const correct = { verb: 'correct', delta: -2, channel: 'ops' } as const;

  test('applies a delta and keeps the evidence', () => {
    const sku = new Sku();
    sku.receive(5);
    const evidence = { asOfSeq: 2, source: 'erp', observed: 3, lo: 5, hi: 5, snapshotIds: ['s-1'] };
    expect(sku.accept({ ...correct, evidence })).toMatchObject({ delta: -2, available: 3 });
    expect(sku.events.at(-1)).toMatchObject({ type: 'stock.corrected', delta: -2, evidence });
  });

  test('is stock_changed when a backdated entry has come since the ledger that it compared', () => {
    const sku = new Sku();
    sku.receive(5);
    const asOfSeq = sku.seq;
    const asOfFromMs = sku.nowMs;
    sku.wait(minute);
    sku.accept({ verb: 'sell', qty: 1, fact: true, occurredAtMs: asOfFromMs - 1 });
    const refusal = sku.refuse({ ...correct, evidence: { asOfSeq, asOfFromMs } });
    expect(refusal).toMatchObject({ code: 'stock_changed', onHand: 4 });
    sku.accept({ ...correct, evidence: { asOfSeq: sku.seq, asOfFromMs } });
  });

  test('does not mind entries of after the snapshot, nor older ones that it compared', () => {
    const sku = new Sku();
    sku.receive(5);
    sku.accept({ verb: 'sell', qty: 1, fact: true, occurredAtMs: sku.nowMs - minute });
    const asOfSeq = sku.seq;
    const asOfFromMs = sku.nowMs;
    sku.accept({ verb: 'sell', qty: 1, fact: true, occurredAtMs: asOfFromMs });
    const evidence = { asOfSeq, asOfFromMs };
    sku.accept({ ...correct, evidence });
    expect(sku.refuse({ ...correct, delta: -1, evidence: { asOfSeq } }).code).toBe('stock_changed');
  });

  test('is careful about entries that are no longer remembered', () => {
    const sku = new Sku();
    sku.receive(500);
    const asOfSeq = sku.seq;
    for (let n = 0; n < 300; n += 1) {
      sku.accept({ verb: 'sell', qty: 1, fact: true, occurredAtMs: sku.nowMs + n });
    }
    const evidence = { asOfSeq, asOfFromMs: sku.nowMs };
    expect(sku.refuse({ ...correct, evidence }).code).toBe('stock_changed');
    sku.accept({ ...correct, evidence: { ...evidence, asOfSeq: sku.seq } });
  });

  test('is stock_changed when another correction has come since: one drift is corrected once', () => {
    const sku = new Sku();
    sku.receive(5);
    const evidence = { asOfSeq: sku.seq, asOfFromMs: sku.nowMs };
    sku.accept({ ...correct, evidence });
    expect(sku.refuse({ ...correct, evidence }).code).toBe('stock_changed');
    sku.accept({ ...correct, evidence: { ...evidence, asOfSeq: sku.seq } });
  });

  test('may take on hand below what is reserved', () => {
    const sku = new Sku();
    sku.receive(3);
    sku.reserve('r-1', 2);
    const evidence = { asOfSeq: sku.seq };
    expect(sku.types({ ...correct, evidence })).toContain('shortfall.raised');
  });
});

describe('get', () => {
  test('reads everything, with what is available to the channel', () => {
    const sku = new Sku();
    sku.receive(5);
    sku.receive(5, 'store');
    sku.reserve('r-1', 3);
    sku.accept({ verb: 'policy', safetyStock: 1, channels: { web: { buffer: 2 } } });
    expect(sku.answer({ verb: 'get' })).toEqual({
      kind: 'read',
      read: {
        sku: '85123A',
        onHand: 10,
        reserved: 3,
        safetyStock: 1,
        available: 4,
        locations: { main: { onHand: 5, reserved: 3 }, store: { onHand: 5, reserved: 0 } },
        reservations: 1,
        version: 4,
      },
    });
    expect(sku.stock.available).toBe(6);
  });
});
