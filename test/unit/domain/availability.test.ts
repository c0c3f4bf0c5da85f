import { describe, expect, test } from 'vitest';
import { minute, Sku } from './given.ts';

/** The availability events of a command, as `channel type status`. */
function announced(sku: Sku, act: () => void): readonly string[] {
  const from = sku.events.length;
  act();
  return sku.events
    .slice(from)
    .flatMap((event) =>
      event.type.startsWith('availability.') && 'status' in event
        ? [`${event.channel} ${event.type.slice(13)} ${event.status}`]
        : [],
    );
}

const everyChannel = (what: string) => ['web', 'mobile', 'pos'].map((name) => `${name} ${what}`);

describe('availability', () => {
  test('is announced once per change, to each channel with a view', () => {
    const sku = new Sku();
    expect(announced(sku, () => sku.receive(2))).toEqual([]);
    expect(announced(sku, () => sku.reserve('r-1'))).toEqual([]);
    expect(announced(sku, () => sku.reserve('r-2'))).toEqual(everyChannel('out out_of_stock'));
    expect(announced(sku, () => sku.refuse({ verb: 'sell', qty: 1 }))).toEqual([]);
    expect(announced(sku, () => sku.wait(15 * minute))).toEqual(everyChannel('back in_stock'));
  });

  test('goes out with the last unit sold and comes back with the first one received', () => {
    const sku = new Sku();
    sku.receive(1);
    const sold = sku.execute({ verb: 'sell', qty: 1 });
    expect(sold.events.map((event) => [event.type, event.channel, event.available])).toEqual([
      ['stock.sold', 'web', 0],
      ['availability.out', 'web', 0],
      ['availability.out', 'mobile', 0],
      ['availability.out', 'pos', 0],
    ]);
    expect(announced(sku, () => sku.receive(1))).toEqual(everyChannel('back in_stock'));
  });

  test('is low at the mark and below, and back above it', () => {
    const sku = new Sku();
    sku.receive(10);
    sku.accept({ verb: 'policy', lowStock: 3 });
    expect(announced(sku, () => sku.reserve('r-1', 7))).toEqual(everyChannel('low low_stock'));
    expect(announced(sku, () => sku.reserve('r-2', 2))).toEqual([]);
    expect(announced(sku, () => sku.reserve('r-3', 1))).toEqual(everyChannel('out out_of_stock'));
    const release = (reservation: string) => () => sku.accept({ verb: 'release', reservation });
    expect(announced(sku, release('r-2'))).toEqual(everyChannel('back low_stock'));
    expect(announced(sku, release('r-1'))).toEqual(everyChannel('back in_stock'));
  });

  test('concerns a channel whose own places are empty, whatever others have', () => {
    const sku = new Sku({ channels: { web: { sourcing: ['a'] } } });
    sku.receive(1, 'a');
    sku.receive(5, 'b');
    const sell = () => sku.accept({ verb: 'sell', qty: 1, location: 'a', channel: 'pos' });
    expect(announced(sku, sell)).toEqual(['web out out_of_stock']);
    expect(announced(sku, () => sku.receive(1, 'a'))).toEqual(['web back in_stock']);
  });

  test('concerns the channels that a policy changes', () => {
    const sku = new Sku();
    sku.receive(5);
    const close = () => sku.accept({ verb: 'policy', channels: { web: { quota: 0 } } });
    expect(announced(sku, close)).toEqual(['web out out_of_stock']);
    const backorder = () => sku.accept({ verb: 'policy', backorderMax: 1 });
    expect(announced(sku, backorder)).toEqual([]);
    expect(announced(sku, () => sku.accept({ verb: 'sell', qty: 5, channel: 'pos' }))).toEqual([
      'mobile out backorder',
      'pos out backorder',
    ]);
    expect(announced(sku, () => sku.accept({ verb: 'policy', backorderMax: null }))).toEqual([
      'mobile out out_of_stock',
      'pos out out_of_stock',
    ]);
  });

  test('starts as in stock: a SKU that begins with nothing is announced as out', () => {
    const sku = new Sku();
    expect(announced(sku, () => sku.accept({ verb: 'count', counted: 0 }))).toEqual(
      everyChannel('out out_of_stock'),
    );
  });

  test('is announced after an expiry step as a whole', () => {
    const sku = new Sku();
    sku.receive(3);
    for (const id of ['a', 'b', 'c']) sku.reserve(id);
    expect(sku.wait(15 * minute).map((event) => event.type)).toEqual([
      'reservation.expired',
      'reservation.expired',
      'reservation.expired',
      'availability.back',
      'availability.back',
      'availability.back',
    ]);
  });
});

describe('a shortfall', () => {
  test('is raised when on hand goes below what is reserved, with the youngest at risk', () => {
    const sku = new Sku();
    sku.receive(6);
    sku.reserve('old', 3);
    sku.accept({ verb: 'reserve', id: 'young', qty: 2, channel: 'pos' });
    expect(sku.types({ verb: 'adjust', delta: -3, reason: 'fire' })).toEqual([
      'stock.adjusted',
      'shortfall.raised',
      'availability.out',
      'availability.out',
      'availability.out',
    ]);
    expect(sku.events.find((event) => event.type === 'shortfall.raised')).toMatchObject({
      qty: 2,
      atRisk: [{ channel: 'pos', reservation: 'young', qty: 2 }],
      atRiskCount: 1,
      command: '',
    });
  });

  test.each([
    ['a count', { verb: 'count', counted: 1 }],
    ['a fact sale', { verb: 'sell', qty: 5, fact: true }],
    ['a negative adjust', { verb: 'adjust', delta: -5, reason: 'lost' }],
    ['a fact adjust', { verb: 'adjust', delta: -5, reason: 'lost', fact: true }],
  ] as const)('comes from %s, not a refusal', (_what, wish) => {
    const sku = new Sku();
    sku.receive(6);
    sku.reserve('r-1', 4);
    expect(sku.types(wish)).toContain('shortfall.raised');
    expect(sku.stock).toMatchObject({ onHand: 1, reserved: 4, available: 0 });
  });

  test('is raised again only when it grows, and cleared when it ends', () => {
    const sku = new Sku();
    sku.receive(10);
    for (const id of ['a', 'b', 'c', 'd', 'e']) sku.reserve(id, 2);
    const counted = (onHand: number) => sku.types({ verb: 'count', counted: onHand });
    expect(counted(7)).toContain('shortfall.raised');
    expect(counted(7)).not.toContain('shortfall.raised');
    expect(counted(8)).toEqual(['stock.counted']);
    expect(counted(7)).toContain('shortfall.raised');
    expect(sku.types({ verb: 'release', reservation: 'a' })).toEqual(['reservation.released']);
    expect(sku.types({ verb: 'release', reservation: 'b' })).toEqual([
      'reservation.released',
      'shortfall.cleared',
      'availability.back',
      'availability.back',
      'availability.back',
    ]);
  });

  test('names at most a hundred holds, and how many there are', () => {
    const sku = new Sku();
    sku.receive(300);
    for (let n = 0; n < 300; n += 1) sku.reserve(`r-${n}`);
    sku.accept({ verb: 'count', counted: 150 });
    const raised = sku.events.find((event) => event.type === 'shortfall.raised');
    expect(raised).toMatchObject({ qty: 150, atRiskCount: 150 });
    const atRisk = raised !== undefined && 'atRisk' in raised ? raised.atRisk : [];
    expect(atRisk).toHaveLength(100);
    expect(atRisk[0]?.reservation).toBe('r-299');
    expect(atRisk[99]?.reservation).toBe('r-200');
  });

  test('counts a hold taken again as young', () => {
    const sku = new Sku();
    sku.receive(2);
    sku.reserve('first');
    sku.wait(15 * minute);
    sku.reserve('second');
    sku.accept({ verb: 'renew', reservation: 'first', ttlMs: minute });
    sku.accept({ verb: 'count', counted: 1 });
    expect(sku.events.find((event) => event.type === 'shortfall.raised')).toMatchObject({
      atRisk: [{ reservation: 'first' }],
    });
  });

  test('of goods sold that were never there has nobody at risk', () => {
    const sku = new Sku();
    sku.accept({ verb: 'sell', qty: 2, fact: true });
    expect(sku.events.find((event) => event.type === 'shortfall.raised')).toMatchObject({
      qty: 2,
      atRisk: [],
      atRiskCount: 0,
    });
    expect(sku.types({ verb: 'receive', qty: 2 })).toContain('shortfall.cleared');
  });
});
