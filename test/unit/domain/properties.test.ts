import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SkuEvent } from '../../../src/domain/events.ts';
import { image, minute, Sku } from './given.ts';
import { Model, type Outcome, type Step } from './model.ts';

const channel = fc.constantFrom('web', 'pos');
const qty = fc.integer({ min: 1, max: 6 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: fc.constantFrom('receive', 'sell'), channel, qty }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('fact'), channel, qty }) },
  {
    weight: 10,
    arbitrary: fc.record({
      act: fc.constantFrom('reserve', 'reserve', 'confirm', 'release', 'renew'),
      channel,
      hold: fc.nat({ max: 6 }),
      qty,
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('count'), counted: fc.nat({ max: 20 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('policy'),
      safetyStock: fc.nat({ max: 4 }),
      buffer: fc.nat({ max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('wait'), ms: fc.nat({ max: 4 * minute }) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom('restart', 'replay') }) },
) as fc.Arbitrary<Step>;

const ttlMs = 5 * minute;

describe('against the model', () => {
  test('every answer and every number is the model’s, through snapshots and replays', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const sku = new Sku();
        sku.receive(8);
        const model = new Model(sku.nowMs);
        model.onHand = 8;
        steps.forEach((one, index) => {
          expect(actual(sku, one, `c-${index}`)).toBe(predicted(model, one));
          expect(sku.stock).toMatchObject({ onHand: model.onHand, reserved: model.reserved });
          expect(sku.available('web')).toBe(model.available('web'));
          expect(sku.available('pos')).toBe(model.available('pos'));
        });
        sku.expectJournalFoldsToState();
      }),
      { numRuns: 300 },
    );
  });
});

describe('whatever happens', () => {
  test('repeating a command changes nothing and is answered as before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const sku = new Sku();
        sku.receive(8);
        steps.forEach((one, index) => {
          const first = actual(sku, one, `c-${index}`);
          if (one.act === 'wait' || one.act === 'restart' || one.act === 'replay') return;
          const { version } = sku.state;
          const before = image(sku.state);
          const again = actual(sku, one, `c-${index}`);
          if (first === 'ok') {
            expect(again).toBe('ok');
            expect(image(sku.state)).toEqual(before);
          } else {
            expect(sku.state.version).toBe(version);
          }
        });
      }),
      { numRuns: 150 },
    );
  });

  test('stock is conserved, and nothing is promised twice without a fact', () => {
    const place = fc.constantFrom(undefined, 'a', 'b');
    const one = fc.record({
      act: fc.constantFrom(
        'reserve',
        'reserve',
        'sell',
        'confirm',
        'release',
        'transfer',
        'restock',
      ),
      channel,
      qty,
      place,
      hold: fc.nat({ max: 12 }),
      ms: fc.constantFrom(0, 0, 0, minute, 6 * minute),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 80 }), fc.boolean(), (steps, mayFactsHappen) => {
        const sku = new Sku({ channels: { pos: { sourcing: ['b', 'a'] } } });
        sku.receive(12, 'a');
        sku.receive(6, 'b');
        sku.accept({ verb: 'policy', safetyStock: 2, channels: { pos: { ringFence: 4 } } });
        for (const { act, channel: by, qty: units, place: location, hold, ms } of steps) {
          const at = location === undefined ? {} : { location };
          const id = `r-${hold}`;
          if (act === 'reserve')
            sku.answer({ verb: act, id, qty: units, channel: by, ttlMs, ...at });
          if (act === 'confirm') {
            const part = units % 2 === 0 ? {} : { qty: 1 };
            sku.answer({ verb: act, reservation: id, order: 'o', channel: by, ...part });
          }
          if (act === 'release') sku.answer({ verb: act, reservation: id, channel: by });
          if (act === 'restock') sku.answer({ verb: act, qty: 1, channel: by, ...at });
          if (act === 'transfer') sku.answer({ verb: act, qty: units, from: 'a', to: 'b' });
          if (act === 'sell') {
            const fact = mayFactsHappen && units > 4;
            sku.answer({ verb: act, qty: units, channel: by, ...at, ...(fact && { fact }) });
          }
          sku.wait(ms);
          expectConserved(sku, !mayFactsHappen);
        }
      }),
      { numRuns: 200 },
    );
  });
});

function expectConserved(sku: Sku, nothingOversold: boolean): void {
  const { onHand, reserved, safetyStock, locations } = sku.stock;
  const moved = sku.events.reduce((sum, event) => sum + movedBy(event), 0);
  expect(onHand).toBe(moved);
  const places = Object.values(locations);
  expect(places.reduce((sum, place) => sum + place.onHand, 0)).toBe(onHand);
  expect(places.reduce((sum, place) => sum + place.reserved, 0)).toBe(reserved);
  expect(reserved).toBe(heldBy(sku.events));
  if (!nothingOversold) return;
  expect(onHand - reserved).toBeGreaterThanOrEqual(Math.min(safetyStock, onHand));
  for (const place of places) {
    expect(place.reserved).toBeGreaterThanOrEqual(0);
    expect(place.onHand).toBeGreaterThanOrEqual(place.reserved);
  }
}

function movedBy(event: SkuEvent): number {
  switch (event.type) {
    case 'stock.received':
    case 'stock.restocked':
      return event.qty;
    case 'stock.sold':
    case 'reservation.confirmed':
      return -event.qty;
    default:
      return 0;
  }
}

/** Units in open holds, from the events alone. */
function heldBy(events: readonly SkuEvent[]): number {
  const held = new Map<string, number>();
  for (const event of events) {
    if (event.type === 'reservation.created') {
      held.set(`${event.channel}/${event.command}`, event.qty);
    } else if ('reservation' in event && event.type !== 'reservation.renewed') {
      held.delete(`${event.channel}/${event.reservation}`);
    }
  }
  return [...held.values()].reduce((sum, units) => sum + units, 0);
}

function actual(sku: Sku, one: Step, id: string): Outcome {
  switch (one.act) {
    case 'receive':
    case 'sell':
      return outcome(sku, { verb: one.act, id, channel: one.channel, qty: one.qty });
    case 'fact':
      return outcome(sku, { verb: 'sell', id, channel: one.channel, qty: one.qty, fact: true });
    case 'reserve': {
      const hold = `r-${one.hold}`;
      return outcome(sku, { verb: 'reserve', id: hold, channel: one.channel, qty: one.qty, ttlMs });
    }
    case 'confirm':
    case 'release':
    case 'renew': {
      const common = { id, channel: one.channel, reservation: `r-${one.hold}` };
      if (one.act === 'renew') return outcome(sku, { verb: 'renew', ...common, ttlMs });
      if (one.act === 'release') return outcome(sku, { verb: 'release', ...common });
      return outcome(sku, { verb: 'confirm', ...common, order: `o-${one.qty % 2}` });
    }
    case 'count':
      return outcome(sku, { verb: 'count', id, counted: one.counted });
    case 'policy': {
      const { safetyStock, buffer } = one;
      return outcome(sku, { verb: 'policy', id, safetyStock, channels: { web: { buffer } } });
    }
    case 'wait':
      sku.wait(one.ms);
      return 'ok';
    case 'restart':
      sku.restart();
      return 'ok';
    case 'replay':
      sku.replay();
      return 'ok';
  }
}

function outcome(sku: Sku, wish: Parameters<Sku['answer']>[0]): Outcome {
  const answer = sku.answer(wish);
  if (answer.kind === 'accepted') return 'ok';
  return answer.kind === 'refused' ? answer.refusal.code : answer.kind;
}

function predicted(model: Model, one: Step): Outcome {
  switch (one.act) {
    case 'receive':
      model.onHand += one.qty;
      return 'ok';
    case 'sell':
      return model.sell(one.channel, one.qty);
    case 'fact':
      model.onHand -= one.qty;
      return 'ok';
    case 'reserve':
      return model.reserve(one.channel, `r-${one.hold}`, one.qty, ttlMs);
    case 'renew':
      return model.renew(one.channel, `r-${one.hold}`, ttlMs);
    case 'confirm':
      return model.confirm(one.channel, `r-${one.hold}`, `o-${one.qty % 2}`);
    case 'release':
      return model.release(one.channel, `r-${one.hold}`);
    case 'count':
      model.onHand = one.counted;
      return 'ok';
    case 'policy':
      model.safetyStock = one.safetyStock;
      model.buffer = one.buffer;
      return 'ok';
    case 'wait':
      model.wait(one.ms);
      return 'ok';
    case 'restart':
    case 'replay':
      return 'ok';
  }
}
