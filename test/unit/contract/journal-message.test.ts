// The journal's messages (invariant 13): what is written is read, what is newer or damaged is refused by name.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BrokenMessageError,
  decodeJournalMessage,
  encodeEventGroup,
  encodeJournalMessage,
  type JournalHeader,
  NewerSchemaError,
} from '../../../src/contract/journal-message.ts';

const header: JournalHeader = {
  kind: 'commit',
  expect: 41,
  atMs: 1_794_900_000_000,
  incarnation: 'node-1.4711',
  epoch: 'e-1',
};

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const tuple = fc.array(fc.jsonValue({ noUnicodeString: false }), { maxLength: 4 });
const message = fc.record({
  kind: fc.constantFrom('commit', 'claim', 'genesis'),
  expect: count,
  atMs: count,
  incarnation: fc.string({ unit: 'binary' }),
  epoch: fc.string(),
  factsTo: fc.option(count, { nil: undefined }),
  dead: fc.array(fc.record({ seq: count, code: fc.string(), message: fc.string() }), {
    maxLength: 2,
  }),
  groups: fc.array(
    fc.record({
      sku: fc.string({ unit: 'binary' }),
      firstVersion: count,
      events: fc.array(tuple, { maxLength: 3 }),
    }),
    { maxLength: 3 },
  ),
  carts: fc.array(tuple, { maxLength: 3 }),
});

describe('a journal message', () => {
  test('comes back as it was written', () => {
    fc.assert(
      fc.property(message, ({ groups, carts, factsTo, dead, kind, ...rest }) => {
        const written: JournalHeader = {
          ...rest,
          kind,
          ...(factsTo === undefined ? {} : { factsTo }),
          ...(kind === 'commit' ? {} : { claim: { revision: 12, node: 'a "b"' } }),
          ...(dead.length === 0 ? {} : { dead }),
        };
        const text = encodeJournalMessage(
          written,
          groups.map(({ sku, firstVersion, events }) =>
            encodeEventGroup(sku, firstVersion, JSON.stringify(events).slice(1, -1)),
          ),
          carts.map((cart) => JSON.stringify(cart)),
        );
        // JSON has no minus zero and no undefined: neither has what is compared.
        const expected = JSON.parse(JSON.stringify({ ...written, groups, carts }));
        expect(decodeJournalMessage(text)).toEqual({ schema: 1, ...expected });
      }),
    );
  });

  test('has this form for as long as there is schema 1', () => {
    const group = encodeEventGroup('A', 7, '[1,"r-1"],[2,"r-2"]');
    expect(encodeJournalMessage({ ...header, factsTo: 9 }, [group], ['["c",1]'])).toBe(
      '{"v":1,"k":"commit","x":41,"at":1794900000000,"n":"node-1.4711","e":"e-1","f":9,' +
        '"s":[["A",7,[[1,"r-1"],[2,"r-2"]]]],"c":[["c",1]]}',
    );
    expect(
      encodeJournalMessage({ ...header, kind: 'claim', claim: { revision: 3, node: 'n1' } }),
    ).toBe(
      '{"v":1,"k":"claim","x":41,"at":1794900000000,"n":"node-1.4711","e":"e-1","m":[3,"n1"]}',
    );
  });

  test('of a newer schema is refused as such, whatever else it says', () => {
    expect(() => decodeJournalMessage('{"v":2,"anything":true}')).toThrow(NewerSchemaError);
    expect(() => decodeJournalMessage('{"v":2}')).toThrow(/schema 2, this node knows up to 1/);
  });

  const good = JSON.parse(encodeJournalMessage(header, ['["A",1,[[1]]]'], ['[1]']));
  const broken: readonly [string, unknown][] = [
    ['no version', { ...good, v: undefined }],
    ['version 0', { ...good, v: 0 }],
    ['version 1.5', { ...good, v: 1.5 }],
    ['an unknown kind', { ...good, k: 'x' }],
    ['no expected sequence', { ...good, x: undefined }],
    ['a negative sequence', { ...good, x: -1 }],
    ['no time', { ...good, at: null }],
    ['no incarnation', { ...good, n: 1 }],
    ['no epoch', { ...good, e: undefined }],
    ['a facts position that is none', { ...good, f: '9' }],
    ['a claim of nobody', { ...good, k: 'claim' }],
    ['a genesis of nobody', { ...good, k: 'genesis', m: ['x', 'y'] }],
    ['dead facts that are none', { ...good, d: [[1, 2, 3]] }],
    ['groups that are none', { ...good, s: {} }],
    ['a group that is none', { ...good, s: [7] }],
    ['a group without a SKU', { ...good, s: [[1, 1, []]] }],
    ['a group without a version', { ...good, s: [['A', -1, []]] }],
    ['a group without events', { ...good, s: [['A', 1]] }],
    ['an event that is no tuple', { ...good, s: [['A', 1, [{}]]] }],
    ['a cart that is no tuple', { ...good, c: [1] }],
    ['an array', []],
    ['null', null],
  ];
  test.each(broken)('with %s is broken', (_name, value) => {
    expect(() => decodeJournalMessage(JSON.stringify(value))).toThrow(BrokenMessageError);
  });

  test('cut anywhere is broken', () => {
    const text = encodeJournalMessage(header, ['["A",1,[[1]]]']);
    for (let length = 0; length < text.length; length++) {
      expect(() => decodeJournalMessage(text.slice(0, length))).toThrow(BrokenMessageError);
    }
  });
});
