import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ExpiryQueue } from '../../../src/domain/expiry-queue.ts';
import { RecordKind } from '../../../src/domain/record-layout.ts';
import { Records } from '../../../src/domain/records.ts';

const kinds = [RecordKind.open, RecordKind.expired, RecordKind.command];

describe('records', () => {
  test('find what a map would find, in the order of their lists, through any changes', () => {
    const change = fc.record({
      act: fc.constantFrom('add', 'remove', 'become'),
      channel: fc.nat({ max: 2 }),
      number: fc.nat({ max: 40 }),
      kind: fc.constantFrom(...kinds),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
        const records = new Records();
        const model = new Map<string, { kind: number; order: number }>();
        changes.forEach(({ act, channel, number, kind }, order) => {
          // Some ids are longer than what fits into a record.
          const id = number % 5 === 0 ? `${'long-'.repeat(10)}${number}` : `id-${number}`;
          const key = `${channel}/${id}`;
          const slot = records.find(channel, id);
          const known = model.get(key);
          expect(slot >= 0).toBe(known !== undefined);
          if (known === undefined) {
            if (act !== 'add') return;
            records.add(channel, id, kind);
            model.set(key, { kind, order });
          } else if (act === 'remove') {
            records.remove(slot);
            model.delete(key);
          } else if (act === 'become') {
            records.become(slot, kind);
            model.set(key, known.kind === kind ? known : { kind, order });
          }
        });
        expect(listed(records)).toEqual(expected(model));
        expect(listed(records.copy())).toEqual(expected(model));
      }),
    );
  });

  test('copies do not see what happens afterwards', () => {
    const records = new Records();
    const slot = records.add(0, 'before', RecordKind.open);
    const copy = records.copy();
    records.remove(slot);
    records.add(0, 'after', RecordKind.open);
    expect(listed(copy)).toEqual([`${RecordKind.open} 0/before`]);
  });

  test('hold many records, and find each', () => {
    const records = new Records();
    for (let n = 0; n < 5_000; n += 1) records.add(n % 3, `r-${n}`, RecordKind.open);
    for (let n = 0; n < 5_000; n += 2) records.remove(records.find(n % 3, `r-${n}`));
    for (let n = 0; n < 5_000; n += 1) {
      const slot = records.find(n % 3, `r-${n}`);
      expect(slot < 0 ? undefined : records.store.id(slot)).toBe(n % 2 ? `r-${n}` : undefined);
    }
    expect([records.size, records.openCount]).toEqual([2_500, 2_500]);
  });
});

describe('the expiry queue', () => {
  test('gives entries in order of time, also after a sweep', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 50 })), fc.nat({ max: 50 }), (times, without) => {
        const queue = new ExpiryQueue();
        times.forEach((timeMs, slot) => {
          queue.push(timeMs, slot);
        });
        queue.sweep((timeMs, slot) => timeMs === times[slot] && timeMs !== without);
        const taken: number[] = [];
        while (queue.size > 0) {
          expect(times[queue.earliestSlot()]).toBe(queue.earliestMs());
          taken.push(queue.earliestMs());
          queue.drop();
        }
        expect(taken).toEqual(times.filter((timeMs) => timeMs !== without).sort((a, b) => a - b));
        expect(queue.earliestSlot()).toBe(-1);
      }),
    );
  });
});

function listed(records: Records): readonly string[] {
  const { store } = records;
  return [...records.slots()].map(
    (slot) => `${store.kind(slot)} ${store.channel(slot)}/${store.id(slot)}`,
  );
}

function expected(model: Map<string, { kind: number; order: number }>): readonly string[] {
  const rank = (kind: number) => kinds.indexOf(kind as (typeof kinds)[number]);
  return [...model]
    .sort(([, a], [, b]) => rank(a.kind) - rank(b.kind) || a.order - b.order)
    .map(([key, { kind }]) => `${kind} ${key}`);
}
