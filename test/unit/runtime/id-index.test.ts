// Which ids have been used for which SKU or cart: never forgotten too early within its bounds, never mixed up.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdIndex, isCartUse, useOfCart, useOfSku } from '../../../src/runtime/id-index.ts';

const windowMs = 600_000;

function indexOf(idsIndexedMax = 1_000) {
  let nowMs = 0;
  const index = new IdIndex({ idsIndexedMax, idempotencyWindowMs: windowMs, now: () => nowMs });
  return { index, pass: (ms: number) => (nowMs += ms) };
}

test('an id is found with what it was used for first, by channel', () => {
  const { index } = indexOf();
  index.add('web', 'r-1', useOfSku('A'));
  index.add('web', 'r-1', useOfSku('B'));
  expect(index.find('web', 'r-1')).toBe(useOfSku('A'));
  expect(index.find('pos', 'r-1')).toBeUndefined();
  expect(index.find('web', 'r-2')).toBeUndefined();
});

test('a cart and a SKU of the same name are different uses', () => {
  expect(useOfCart('A')).not.toBe(useOfSku('A'));
  expect([isCartUse(useOfCart('A')), isCartUse(useOfSku('A'))]).toEqual([true, false]);
});

test('an id stays for the whole window, and is forgotten after two', () => {
  const { index, pass } = indexOf();
  index.add('web', 'r-1', useOfSku('A'));
  for (let times = 0; times < 4; times++) {
    pass(windowMs / 4);
    index.add('web', `other-${times}`, useOfSku('B'));
    expect(index.find('web', 'r-1')).toBe(useOfSku('A'));
  }
  for (let times = 0; times < 3; times++) {
    pass(windowMs + 1);
    index.add('web', `later-${times}`, useOfSku('B'));
  }
  expect(index.find('web', 'r-1')).toBeUndefined();
});

test('holds no more than it may, and the newest half for certain', () => {
  const { index } = indexOf(2_000);
  for (let n = 0; n < 50_000; n++) index.add('web', `r-${n}`, useOfSku(`S-${n}`));
  for (let n = 49_000; n < 50_000; n++) {
    expect(index.find('web', `r-${n}`)).toBe(useOfSku(`S-${n}`));
  }
  const found = Array.from({ length: 50_000 }, (_, n) => index.find('web', `r-${n}`));
  expect(found.filter((use) => use !== undefined).length).toBeLessThanOrEqual(2_000);
});

test('is a map from channel and id to the first use', () => {
  const entry = fc.tuple(fc.constantFrom('web', 'pos'), fc.nat(400).map(String), fc.string());
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 1_500 }), (entries) => {
      const { index } = indexOf(100_000);
      const model = new Map<string, number>();
      for (const [channel, id, sku] of entries) {
        const key = `${channel} ${id}`;
        if (!model.has(key)) model.set(key, useOfSku(sku));
        index.add(channel, id, useOfSku(sku));
      }
      for (const [channel, id] of entries) {
        expect(index.find(channel, id)).toBe(model.get(`${channel} ${id}`));
      }
    }),
  );
});
