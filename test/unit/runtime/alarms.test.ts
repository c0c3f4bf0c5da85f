// The partition's alarm clock: nothing rings twice, nothing is forgotten, early alarms do no harm.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Alarms } from '../../../src/runtime/partition/alarms.ts';

const silent = () => {};

test('SKUs ring in the order of their time, up to now, and no more than asked for', () => {
  const alarms = new Alarms(silent);
  alarms.set('late', 30);
  alarms.set('early', 10);
  alarms.set('middle', 20);
  expect(alarms.due(25, 1)).toEqual(['early']);
  expect(alarms.due(25, 10)).toEqual(['middle']);
  expect(alarms.due(25, 10)).toEqual([]);
  expect(alarms.nextAtMs()).toBe(30);
});

test('setting an alarm again replaces it; without a time it is silent', () => {
  const alarms = new Alarms(silent);
  alarms.set('a', 10);
  alarms.set('a', 50);
  alarms.set('b', 20);
  alarms.set('b', undefined);
  expect(alarms.due(40, 10)).toEqual([]);
  expect(alarms.nextAtMs()).toBe(50);
});

test('an alarm that rings is still owed until its SKU sets it again', () => {
  const alarms = new Alarms(silent);
  alarms.set('a', 10);
  alarms.due(10, 1);
  expect(alarms.entries()).toEqual([['a', 10]]);
  alarms.set('a', undefined);
  expect(alarms.entries()).toEqual([]);
});

test('whoever waits for the earliest alarm hears when an earlier one comes', () => {
  let heard = 0;
  const alarms = new Alarms(() => {
    heard += 1;
  });
  alarms.set('a', 100);
  alarms.set('b', 200);
  alarms.set('c', 50);
  expect(heard).toBe(2);
});

test('behaves as a map of times that is asked for its smallest, whatever is done to it', () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('set' as const),
      sku: fc.integer({ min: 0, max: 8 }),
      at: fc.integer({ min: 0, max: 50 }),
    }),
    fc.record({ do: fc.constant('clear' as const), sku: fc.integer({ min: 0, max: 8 }) }),
    fc.record({ do: fc.constant('due' as const), at: fc.integer({ min: 0, max: 50 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const alarms = new Alarms(silent);
      const model = new Map<string, number>();
      for (const one of steps) {
        if (one.do === 'set') {
          alarms.set(`s${one.sku}`, one.at);
          model.set(`s${one.sku}`, one.at);
        } else if (one.do === 'clear') {
          alarms.set(`s${one.sku}`, undefined);
          model.delete(`s${one.sku}`);
        } else {
          const due = [...model].filter(([, at]) => at <= one.at).map(([sku]) => sku);
          expect(alarms.due(one.at, 100).sort()).toEqual(due.sort());
          for (const sku of due) model.delete(sku);
        }
        const earliest = model.size === 0 ? undefined : Math.min(...model.values());
        expect(alarms.nextAtMs()).toBe(earliest);
      }
    }),
  );
});
