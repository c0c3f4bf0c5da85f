// The rules of a request, one by one: what is accepted, what is refused, and what the refusal names.

import { describe, expect, test } from 'vitest';
import { defaultChannels } from '../../../src/config/channels.ts';
import { parseCommand } from '../../../src/contract/parse-command.ts';
import { verbs } from '../../../src/contract/verbs.ts';
import { channelFor, fullest, parse, settings, smallest, verdict } from './requests-of.ts';

const most = Number.MAX_SAFE_INTEGER;

describe('a request of every verb', () => {
  test.each(verbs)('%s becomes the command with its fields, channel and verb', (verb) => {
    const channel = channelFor(verb);
    for (const fields of [smallest[verb], fullest[verb]]) {
      const parsed = parse(verb, fields);
      if (!parsed.ok) throw new Error(verdict(parsed));
      const { fingerprint, ...command } = parsed.command as unknown as Record<string, unknown>;
      expect(parsed.kind).toBe('sku');
      expect(command).toEqual({ ...fields, verb, channel });
      expect(fingerprint === undefined).toBe(verb === 'get');
    }
  });

  test.each(verbs)('%s needs every field of its smallest request', (verb) => {
    for (const name of Object.keys(smallest[verb])) {
      // Without its SKU it is a cart's: only home knows what the reservation is.
      if (name === 'sku' && ['renew', 'confirm', 'release'].includes(verb)) continue;
      const { [name]: _, ...others } = smallest[verb];
      expect(verdict(parse(verb, others))).toBe(`invalid_request ${name}`);
    }
  });

  test.each(verbs)('%s refuses a field that it does not know, and names it', (verb) => {
    expect(verdict(parse(verb, { ...fullest[verb], locatoin: 'main' }))).toBe(
      'invalid_request locatoin',
    );
    const own = `{"__proto__":{"qty":1},${JSON.stringify(smallest[verb]).slice(1)}`;
    expect(verdict(parseCommand(verb, channelFor(verb), own, settings))).toBe(
      'invalid_request __proto__',
    );
  });

  test.each(verbs)('%s refuses null and the wrong type in any field', (verb) => {
    for (const name of Object.keys(fullest[verb])) {
      if (verb === 'policy' && fullest[verb][name] === null) continue;
      for (const wrong of [null, [], {}, true, 'x\n', 1.5]) {
        const clears = verb === 'policy' && wrong === null && name !== 'id' && name !== 'sku';
        const empty = name === 'channels' && JSON.stringify(wrong) === '{}';
        if ((clears && name !== 'channels' && name !== 'issuedAtMs') || empty) continue;
        if ((name === 'fact' && wrong === true) || (name === 'reason' && wrong === 'x\n')) continue;
        const answer = verdict(parse(verb, { ...fullest[verb], [name]: wrong }));
        expect(answer, `${name}: ${JSON.stringify(wrong)}`).toMatch(`invalid_request ${name}`);
      }
    }
  });
});

describe('quantities', () => {
  const cases: readonly [number, string][] = [
    [1, 'accepted'],
    [1_000_000_000, 'accepted'],
    [1_000_000_001, 'limit_exceeded quantityMax'],
    [most, 'limit_exceeded quantityMax'],
    [2 ** 60, 'limit_exceeded quantityMax'],
    [1e300, 'limit_exceeded quantityMax'],
    [0, 'invalid_request qty'],
    [-1, 'invalid_request qty'],
    [-(2 ** 60), 'invalid_request qty'],
    [0.5, 'invalid_request qty'],
  ];
  test.each(cases)('a quantity of %d is %s', (qty, expected) => {
    expect(verdict(parse('reserve', { ...smallest.reserve, qty }))).toBe(expected);
    const lines = [{ sku: 'A', qty }];
    const inCart = expected.replace('qty', 'lines[0].qty');
    expect(verdict(parse('reserve', { id: 'r', lines }))).toBe(inCart);
  });

  test('1.0 is 1, and means the same as 1', () => {
    const whole = parseCommand('reserve', 'web', '{"id":"r","sku":"A","qty":1}', settings);
    const point = parseCommand('reserve', 'web', '{"id":"r","sku":"A","qty":1.0}', settings);
    expect(point).toEqual(whole);
  });

  test('a number that JSON cannot carry is no number', () => {
    const text = '{"id":"r","sku":"A","qty":1e999}';
    expect(verdict(parseCommand('reserve', 'web', text, settings))).toBe('invalid_request qty');
  });

  const changes: readonly [number, string][] = [
    [1, 'accepted'],
    [-1, 'accepted'],
    [most, 'accepted'],
    [-most, 'accepted'],
    [2 ** 53, 'limit_exceeded onHandMax'],
    [-(2 ** 53), 'limit_exceeded onHandMax'],
    [0, 'invalid_request delta'],
    [-0.5, 'invalid_request delta'],
  ];
  test.each(changes)('a delta of %d is %s', (delta, expected) => {
    expect(verdict(parse('adjust', { ...smallest.adjust, delta }))).toBe(expected);
    expect(verdict(parse('correct', { ...smallest.correct, delta }))).toBe(expected);
  });

  test('minus zero is no delta', () => {
    const text = '{"id":"a","sku":"A","delta":-0,"reason":"x"}';
    expect(verdict(parseCommand('adjust', 'ops', text, settings))).toBe('invalid_request delta');
  });

  test('nothing may have been counted, less than nothing may not', () => {
    expect(verdict(parse('count', { ...smallest.count, counted: 0 }))).toBe('accepted');
    expect(verdict(parse('count', { ...smallest.count, counted: most }))).toBe('accepted');
    expect(verdict(parse('count', { ...smallest.count, counted: 2 ** 53 }))).toBe(
      'limit_exceeded onHandMax',
    );
    expect(verdict(parse('count', { ...smallest.count, counted: -1 }))).toBe(
      'invalid_request counted',
    );
  });

  test('a count of minus zero is a count of zero', () => {
    const parsed = parseCommand('count', 'ops', '{"id":"k","sku":"A","counted":-0}', settings);
    expect(parsed.ok && parsed.command).toMatchObject({ counted: 0 });
  });
});

describe('SKUs', () => {
  const accepted = [
    '85123A',
    'BANK CHARGES',
    'AB.123/XL',
    ' ',
    '茶',
    '🧦'.repeat(128),
    'a'.repeat(128),
  ];
  test.each(accepted)('%s is one, exactly as given', (sku) => {
    const parsed = parse('reserve', { ...smallest.reserve, sku });
    expect(parsed.ok && parsed.command).toMatchObject({ sku });
  });

  const refused = [
    '',
    'a\n',
    'a\u0000',
    'a\u0085',
    'a\ud800',
    '\udc00a',
    'a'.repeat(129),
    '🧦'.repeat(129),
  ];
  test.each(refused)('%j is none', (sku) => {
    expect(verdict(parse('reserve', { ...smallest.reserve, sku }))).toBe('invalid_request sku');
  });
});

describe('ids and names', () => {
  test.each(['r-1', 'A_z.0:9-', 'x'.repeat(128)])('%s is an id', (id) => {
    expect(verdict(parse('reserve', { ...smallest.reserve, id }))).toBe('accepted');
  });

  test.each(['', 'r 1', 'r/1', 'é', 'x\n', 'x'.repeat(129)])('%j is none', (id) => {
    const parsed = parse('reserve', { ...smallest.reserve, id });
    expect(verdict(parsed)).toBe('invalid_request id');
    expect(parsed).toMatchObject({ id: null });
  });

  test.each(['', 'Main', 'main.1', 'x'.repeat(33)])('%j is no location', (location) => {
    expect(verdict(parse('reserve', { ...smallest.reserve, location }))).toBe(
      'invalid_request location',
    );
  });

  test('a refused request gives back its id', () => {
    expect(parse('reserve', { ...smallest.reserve, qty: 0 })).toMatchObject({ id: 'r-1' });
    expect(parse('reserve', { ...smallest.reserve, id: 17 })).toMatchObject({ id: null });
    expect(parse('get', { sku: '' })).toMatchObject({ id: null });
  });
});

describe('who may do what', () => {
  test('an unknown channel is forbidden, whatever it sends', () => {
    for (const verb of ['reserve', 'fly', 'constructor']) {
      const parsed = parseCommand(verb, 'kiosk', JSON.stringify(smallest.reserve), settings);
      expect(verdict(parsed)).toBe('forbidden');
      expect(parsed).toMatchObject({ id: 'r-1' });
    }
    expect(verdict(parseCommand('reserve', 'constructor', '{}', settings))).toBe('forbidden');
  });

  test.each(verbs)('%s is forbidden to exactly the channels that do not list it', (verb) => {
    for (const [channel, { verbs: allowed }] of Object.entries(defaultChannels)) {
      const expected = allowed.includes(verb) ? 'accepted' : 'forbidden';
      expect(verdict(parse(verb, smallest[verb], channel)), channel).toBe(expected);
    }
  });

  test('an unknown verb is an invalid request', () => {
    for (const verb of ['fly', 'RESERVE', 'cart.hold', '__proto__', '']) {
      expect(verdict(parseCommand(verb, 'web', '{}', settings))).toBe('invalid_request verb');
    }
  });
});

describe('limits of time and size', () => {
  test('a hold may be asked for as long as its channel allows, and no longer', () => {
    const ask = (ttlMs: number) => verdict(parse('reserve', { ...smallest.reserve, ttlMs }));
    expect(ask(1)).toBe('accepted');
    expect(ask(7_200_000)).toBe('accepted');
    expect(ask(7_200_001)).toBe('limit_exceeded longestTtlMs');
    expect(ask(1e20)).toBe('limit_exceeded longestTtlMs');
    expect(ask(0)).toBe('invalid_request ttlMs');
    expect(verdict(parse('renew', { ...smallest.renew, ttlMs: 7_200_001 }))).toBe(
      'limit_exceeded longestTtlMs',
    );
  });

  test('texts are bounded by characters, not by bytes', () => {
    const ask = (order: string) => verdict(parse('sell', { ...smallest.sell, order }));
    expect(ask('🧾'.repeat(256))).toBe('accepted');
    expect(ask('o'.repeat(257))).toBe('limit_exceeded textLengthMax');
    expect(ask('')).toBe('invalid_request order');
    const { adjust, receive } = smallest;
    expect(verdict(parse('adjust', { ...adjust, reason: 'r'.repeat(257) }))).toBe(
      'limit_exceeded textLengthMax',
    );
    expect(verdict(parse('receive', { ...receive, ref: 'r'.repeat(257) }))).toBe(
      'limit_exceeded textLengthMax',
    );
    expect(verdict(parse('adjust', { ...adjust, reason: 'two\nlines' }))).toBe('accepted');
  });

  test('a payload above requestBytesMax is refused before it is read', () => {
    const payload = new Uint8Array(settings.limits.requestBytesMax + 1);
    expect(verdict(parseCommand('reserve', 'web', payload, settings))).toBe(
      'limit_exceeded requestBytesMax',
    );
  });

  test('an infinitely patient policy is above a limit like any other number', () => {
    const ask = (more: object) => verdict(parse('policy', { ...smallest.policy, ...more }));
    expect(ask({ safetyStock: 1_000_000_001 })).toBe('limit_exceeded quantityMax');
    expect(ask({ channels: { web: { quota: 1e30 } } })).toBe('limit_exceeded quantityMax');
    expect(ask({ channels: { web: { quota: -1 } } })).toBe('invalid_request channels.web.quota');
  });
});

describe('what no single field can get wrong', () => {
  test('a transfer goes somewhere else', () => {
    expect(verdict(parse('transfer', { ...smallest.transfer, to: 'main' }))).toBe(
      'invalid_request to',
    );
  });

  test('a policy is for channels that there are', () => {
    const channels = { web: {}, wbe: { buffer: 1 } };
    expect(verdict(parse('policy', { ...smallest.policy, channels }))).toBe(
      'invalid_request channels.wbe',
    );
  });

  test('evidence says what ledger it rests on, and may say more', () => {
    const ask = (evidence: unknown) => verdict(parse('correct', { ...smallest.correct, evidence }));
    expect(ask({})).toBe('invalid_request evidence.asOfSeq');
    expect(ask({ asOfSeq: 1, ticket: 'T-9', pages: [1, 2] })).toBe('accepted');
    expect(ask({ asOfSeq: 1, note: 'x'.repeat(16_384) })).toBe('limit_exceeded evidenceLengthMax');
    const crowd = Array.from({ length: 5_000 }, (_, i) => [`f${i}`, i]);
    expect(ask({ asOfSeq: 1, ...Object.fromEntries(crowd) })).toBe('invalid_request evidence');
    expect(ask({ asOfSeq: 1, nested: { deep: true } })).toBe('invalid_request evidence.nested');
  });

  test('naming oneself as the holder is naming nobody', () => {
    const parsed = parse('release', { ...smallest.release, heldBy: 'web' });
    expect(parsed.ok && 'heldBy' in parsed.command).toBe(false);
  });
});

describe('what is not a request at all', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  const cases: readonly [string, Uint8Array | string][] = [
    ['nothing', ''],
    ['no JSON', '{id:1}'],
    ['bytes that are no UTF-8', bytes(0x7b, 0x22, 0xff, 0x22, 0x7d)],
    ['an array', '[]'],
    ['null', 'null'],
    ['a number', '17'],
    ['deep nesting', '['.repeat(500_000)],
    ['closed deep nesting', '['.repeat(500_000) + ']'.repeat(500_000)],
  ];
  test.each(cases)('%s is an invalid request without an id', (_name, payload) => {
    const parsed = parseCommand('reserve', 'web', payload, settings);
    expect(parsed).toMatchObject({ ok: false, id: null, refusal: { code: 'invalid_request' } });
  });
});
