// Facts: what already happened is not refused for lack of stock, and what cannot be read is named.

import { describe, expect, test } from 'vitest';
import { parseFact } from '../../../src/contract/parse-fact.ts';
import { factVerbs, verbs } from '../../../src/contract/verbs.ts';
import { type Fields, fullest, settings, smallest, verdict } from './requests-of.ts';

function fact(verb: string, fields: Fields, address = {}) {
  const to = { source: 'pos-12', verb, skuKey: '85123A', ...address };
  return parseFact(to, JSON.stringify(fields), settings);
}

function refusalOf(parsed: ReturnType<typeof fact>): string {
  return parsed.ok ? 'accepted' : verdict(parsed);
}

describe('a fact', () => {
  test.each(factVerbs)('%s becomes a command of its source', (verb) => {
    const parsed = fact(verb, smallest[verb]);
    expect(parsed.ok && parsed.command).toMatchObject({
      ...smallest[verb],
      verb,
      channel: 'pos-12',
      fact: true,
    });
  });

  test('that says it has not happened has happened all the same', () => {
    const parsed = fact('sell', { ...smallest.sell, fact: false });
    expect(parsed.ok && parsed.command).toMatchObject({ fact: true });
  });

  test('does not grow too old while it waits in its stream', () => {
    const parsed = fact('sell', fullest.sell);
    expect(parsed.ok && 'issuedAtMs' in parsed.command).toBe(false);
    expect(parsed.ok && parsed.command).toMatchObject({ occurredAtMs: fullest.sell.occurredAtMs });
  });

  test('about a SKU with odd characters has its key in the subject', () => {
    const odd = { ...smallest.sell, sku: 'AB.123/XL ü' };
    expect(refusalOf(fact('sell', odd, { skuKey: 'AB=2E123=2FXL=20=C3=BC' }))).toBe('accepted');
  });

  const refused: readonly [string, string, Fields, object, string][] = [
    ['another SKU than its subject', 'sell', smallest.sell, { skuKey: 'X' }, 'invalid_request sku'],
    ['a key that is none', 'sell', smallest.sell, { skuKey: 'a=2' }, 'invalid_request sku'],
    ['a source that is none', 'sell', smallest.sell, { source: 'POS' }, 'invalid_request source'],
    ['too much', 'sell', { ...smallest.sell, qty: 2e9 }, {}, 'limit_exceeded quantityMax'],
    ['an unknown field', 'sell', { ...smallest.sell, x: 1 }, {}, 'invalid_request x'],
    ['nowhere to go', 'transfer', { ...smallest.transfer, to: 'main' }, {}, 'invalid_request to'],
    [
      'a long reason',
      'adjust',
      { ...smallest.adjust, reason: 'x'.repeat(300) },
      {},
      'limit_exceeded textLengthMax',
    ],
  ];
  test.each(refused)(
    'with %s goes to the dead letters',
    (_name, verb, fields, address, expected) => {
      expect(refusalOf(fact(verb, fields, address))).toBe(expected);
    },
  );

  test.each(verbs.filter((verb) => !(factVerbs as readonly string[]).includes(verb)))(
    '%s is no fact',
    (verb) => {
      expect(refusalOf(fact(verb, smallest[verb]))).toBe('invalid_request verb');
    },
  );

  test.each(['', '{', 'null', '[]', '7'])('%j is none', (payload) => {
    const to = { source: 'pos-12', verb: 'sell', skuKey: '85123A' };
    const parsed = parseFact(to, payload, settings);
    expect(parsed).toMatchObject({ ok: false, id: null, refusal: { code: 'invalid_request' } });
  });
});
