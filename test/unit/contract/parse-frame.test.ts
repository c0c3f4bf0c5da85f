// Frames: errors per element, one error only where nothing can be read.

import { describe, expect, test } from 'vitest';
import { parseCommand } from '../../../src/contract/parse-command.ts';
import { parseFrame } from '../../../src/contract/parse-frame.ts';
import { verbs } from '../../../src/contract/verbs.ts';
import { partitionOf, skuKeyOf } from '../../../src/domain/names.ts';
import {
  carts,
  channelFor,
  type Fields,
  fullest,
  settings,
  smallest,
  verdict,
} from './requests-of.ts';

const home = partitionOf(skuKeyOf('85123A'), settings.partitions);

function frame(elements: readonly unknown[], channel = 'web', partition = home) {
  const parsed = parseFrame(partition, channel, JSON.stringify(elements), settings);
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  return parsed.items;
}

describe('an element of a frame', () => {
  test.each(verbs)('%s is the same command as the request alone', (verb) => {
    const channel = channelFor(verb);
    const request = fullest[verb];
    const [item] = frame([{ ...request, verb }], channel);
    expect(item).toEqual(parseCommand(verb, channel, JSON.stringify(request), settings));
    expect(item).toMatchObject({ ok: true });
  });

  const reserve: Fields = { verb: 'reserve', ...smallest.reserve };
  const refused: readonly [string, unknown, string][] = [
    ['no verb', smallest.reserve, 'invalid_request verb'],
    ['an unknown verb', { ...reserve, verb: 'fly' }, 'invalid_request verb'],
    ['a verb that is no text', { ...reserve, verb: ['reserve'] }, 'invalid_request verb'],
    ['a verb of others', { ...smallest.receive, verb: 'receive' }, 'forbidden'],
    ['a cart', { ...carts.reserve, verb: 'reserve' }, 'invalid_request lines'],
    ['the SKUs of a cart', { ...carts.confirm, verb: 'confirm' }, 'invalid_request skus'],
    ['no SKU', { ...carts.release, verb: 'release' }, 'invalid_request sku'],
    ['an unknown field', { ...reserve, qyt: 1 }, 'invalid_request qyt'],
    ['a quantity above the limit', { ...reserve, qty: 2e9 }, 'limit_exceeded quantityMax'],
    ['nothing', null, 'invalid_request verb'],
    ['an array', [reserve], 'invalid_request verb'],
  ];
  test.each(refused)('with %s is refused alone', (_name, element, expected) => {
    const items = frame([reserve, element, reserve]);
    expect(items.map((item) => item.ok)).toEqual([true, false, true]);
    const item = items[1]!;
    expect(item.ok ? 'accepted' : verdict(item)).toBe(expected);
  });

  test('of another partition is refused, because here nobody would fence it', () => {
    const other = (home + 1) % settings.partitions;
    const [item] = frame([reserve], 'web', other);
    expect(item).toMatchObject({ ok: false, id: 'r-1', refusal: { field: 'sku' } });
  });

  test('of an unknown channel is forbidden', () => {
    expect(frame([reserve, reserve], 'kiosk')).toMatchObject([
      { id: 'r-1', refusal: { code: 'forbidden' } },
      { id: 'r-1', refusal: { code: 'forbidden' } },
    ]);
  });

  test('without a readable id is refused with null', () => {
    expect(frame([{ ...reserve, id: 5 }])).toMatchObject([{ ok: false, id: null }]);
  });
});

describe('a frame', () => {
  test('may be empty', () => {
    expect(frame([])).toEqual([]);
  });

  test('has a limit of commands', () => {
    const elements = (count: number) => JSON.stringify(Array.from({ length: count }, () => 0));
    expect(parseFrame(0, 'web', elements(1_000), settings)).toMatchObject({ ok: true });
    expect(parseFrame(0, 'web', elements(1_001), settings)).toMatchObject({
      ok: false,
      id: null,
      refusal: { code: 'limit_exceeded', limit: 'frameCommandsMax' },
    });
  });

  test.each(['', '[', '{}', 'null', '"[]"'])('%j gets one error', (payload) => {
    expect(parseFrame(0, 'web', payload, settings)).toMatchObject({
      ok: false,
      id: null,
      refusal: { code: 'invalid_request' },
    });
  });
});
