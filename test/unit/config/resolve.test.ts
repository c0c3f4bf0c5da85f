// What a configuration file may say, and that everything wrong with it is said at once.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LastunitConfig } from '../../../src/config/config.ts';
import { defaultLimits, limitDefinitions } from '../../../src/config/defaults.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { createNames } from '../../../src/contract/subjects.ts';
import { defaultSkuLimits } from '../../../src/domain/rules.ts';
import { repoRoot } from '../../support/source-text.ts';

function resolved(raw: unknown): LastunitConfig {
  const { config, problems } = resolveConfig(raw);
  if (config === undefined) throw new Error(problems.join('\n'));
  return config;
}

const problems = (raw: unknown) => resolveConfig(raw).problems ?? [];

describe('the defaults', () => {
  test('are what config/lastunit.json says', () => {
    const text = readFileSync(join(repoRoot, 'config/lastunit.json'), 'utf8');
    expect(resolved(JSON.parse(text))).toEqual(resolved({}));
  });

  test('are the channels of the contract', () => {
    const { channels } = resolved({}).rules;
    expect([...channels.keys()]).toEqual(
      ['web', 'mobile', 'marketplace', 'pos'].concat(['wms', 'ops', 'reconciler']),
    );
    for (const name of ['web', 'mobile', 'marketplace', 'pos']) {
      expect(channels.get(name)).toEqual({
        name,
        verbs: new Set(['reserve', 'renew', 'confirm', 'release', 'sell', 'restock', 'get']),
        view: true,
        sourcing: [],
        split: true,
        defaultTtlMs: 15 * 60_000,
        longestTtlMs: 2 * 60 * 60_000,
        endsHoldsOf: new Set(),
      });
    }
    const verbsOf = (name: string) => [...channels.get(name)!.verbs].sort();
    expect(verbsOf('wms')).toEqual(['adjust', 'count', 'get', 'receive', 'restock', 'transfer']);
    expect(verbsOf('reconciler')).toEqual(['correct', 'get']);
    expect(verbsOf('ops').length).toBe(12);
    expect(verbsOf('ops')).not.toContain('correct');
    expect(channels.get('wms')!.view || channels.get('ops')!.view).toBe(false);
  });

  test('are the limits of the contract', () => {
    const { limits, partitions, prefix } = resolved({});
    expect({ partitions, prefix }).toEqual({ partitions: 16, prefix: 'inv' });
    expect(limits).toMatchObject({
      quantityMax: 1_000_000_000,
      cartLinesMax: 100,
      frameCommandsMax: 1_000,
      idempotencyWindowMs: 10 * 60_000,
      endedHoldsMs: 24 * 60 * 60_000,
    });
    expect(resolved({}).rules.limits).toEqual(defaultSkuLimits);
  });

  test('of every limit lie within its own range', () => {
    for (const [name, { value, min, max }] of Object.entries(limitDefinitions)) {
      expect(value >= min && value <= max, name).toBe(true);
      expect(name).toMatch(/(Max|Ms|Events|Count)$/);
    }
  });
});

describe('a configuration', () => {
  test('sets any limit by its name, and the domain hears of its own', () => {
    for (const [name, { min }] of Object.entries(limitDefinitions)) {
      // Limits that are bound to others are tested below.
      const { config } = resolveConfig({ limits: { [name]: min } });
      if (config !== undefined) expect(config.limits).toEqual({ ...defaultLimits(), [name]: min });
    }
    const { rules } = resolved({ limits: { idsPerSkuMax: 7, quantityMax: 9 } });
    expect(rules.limits).toEqual({ ...defaultSkuLimits, idsPerSkuMax: 7, quantityMax: 9 });
  });

  test('that names channels has these and no others', () => {
    const { channels } = resolved({
      channels: {
        shop: { verbs: ['reserve'], view: true, sourcing: ['store-1', 'main'], split: false },
        desk: { verbs: ['release', 'get'], endsHoldsOf: ['shop'], longestTtlMs: 60_000 },
      },
    }).rules;
    expect([...channels.keys()]).toEqual(['shop', 'desk']);
    expect(channels.get('shop')).toMatchObject({ sourcing: ['store-1', 'main'], split: false });
    expect(channels.get('desk')).toMatchObject({
      endsHoldsOf: new Set(['shop']),
      view: false,
      longestTtlMs: 60_000,
      defaultTtlMs: 60_000,
    });
  });

  test('says what sources of facts that are no channel may report', () => {
    const verbs = ['receive', 'sell', 'restock', 'adjust', 'count', 'transfer'];
    expect(resolved({}).rules.factSources?.verbs).toEqual(new Set(verbs));
    const { factSources } = resolved({
      factSources: { verbs: ['count'], sourcing: ['main'] },
    }).rules;
    expect(factSources).toMatchObject({
      verbs: new Set(['count']),
      sourcing: ['main'],
      view: false,
    });
  });

  test('may carry settings of ERP sources and of an edge, as they are', () => {
    const erp = { sources: { sap: { kind: 'files', path: '/drop', tolerance: 2 } } };
    const edge = { offline: { pos: 'refuse' } };
    expect(resolved({ erp, edge })).toMatchObject({ erp, edge });
    expect(resolved({})).toMatchObject({ erp: { sources: {} }, edge: {} });
    expect(resolved({ erp: {} })).toMatchObject({ erp: { sources: {} } });
  });

  test('that resolves has names on NATS', () => {
    expect(createNames(resolved({ prefix: 'shop-2' }).prefix).streams.facts).toBe('SHOP-2_FACTS');
  });
});

describe('a problem', () => {
  const cases: readonly [unknown, string][] = [
    [[], 'must be an object'],
    [null, 'must be an object'],
    [{ prefx: 'inv' }, 'prefx: is not a setting; did you mean prefix?'],
    [{ zzz: 1 }, 'zzz: is not a setting'],
    [{ prefix: 'a.b' }, 'prefix: must match pattern "^[a-z][a-z0-9_-]{0,31}$" (it is "a.b")'],
    [{ partitions: 0 }, 'partitions: must be >= 1 (it is 0)'],
    [{ partitions: '32' }, 'partitions: must be integer (it is "32")'],
    [{ limits: [] }, 'limits: must be an object'],
    [
      { limits: { mailboxComandsMax: 5 } },
      'limits.mailboxComandsMax: is not a setting; did you mean mailboxCommandsMax?',
    ],
    [{ limits: { quantityMax: 0.5 } }, 'limits.quantityMax: must be integer (it is 0.5)'],
    [{ limits: { channelShareMax: 2 } }, 'limits.channelShareMax: must be <= 1 (it is 2)'],
    [{ limits: { quantityMax: null } }, 'limits.quantityMax: must be integer (it is null)'],
    [{ channels: [] }, 'channels: must be an object'],
    [{ channels: { web: 1 } }, 'channels.web: must be an object'],
    [{ channels: { web: {} } }, 'channels.web.verbs: is missing'],
    [
      { channels: { web: { verbs: ['get'], veiw: true } } },
      'channels.web.veiw: is not a setting; did you mean view?',
    ],
    [
      { channels: { web: { verbs: ['get', 'got'] } } },
      'channels.web.verbs[1]: must be one of reserve, renew, confirm, release, sell, receive, ' +
        'restock, adjust, count, transfer, policy, correct, get (it is "got")',
    ],
    [
      { channels: { 'We b': { verbs: ['get'] } } },
      'channels."We b": must match pattern "^[a-z0-9-]{1,32}$" (it is "We b")',
    ],
    [
      { channels: { web: { verbs: ['get'], endsHoldsOf: ['app'] } } },
      'channels.web.endsHoldsOf: app is not a channel',
    ],
    [
      { channels: { web: { verbs: ['get'], defaultTtlMs: 9, longestTtlMs: 8 } } },
      'channels.web.defaultTtlMs: 9 is above longestTtlMs 8',
    ],
    [
      { factSources: { verbs: ['reserve'] } },
      'factSources.verbs[0]: must be one of receive, sell, restock, adjust, count, transfer ' +
        '(it is "reserve")',
    ],
    [{ factSources: [] }, 'factSources: must be an object'],
    [{ factSources: { verb: [] } }, 'factSources.verb: is not a setting; did you mean verbs?'],
    [{ erp: { sources: [] } }, 'erp.sources: must be object (it is [])'],
    [{ edge: 'x' }, 'edge: must be object (it is "x")'],
    [{ limits: { renewEveryMs: 700 } }, 'limits.renewEveryMs: 700 is above memberTtlMs / 3 (2000)'],
    [
      { limits: { memberTtlMs: 2_500 } },
      'limits.memberTtlMs: 2500 is not a whole number of seconds',
    ],
    [{ limits: { stallMaxMs: 2_001 } }, 'limits.stallMaxMs: 2001 is above memberTtlMs (2000)'],
    [
      { limits: { endedHoldsMs: 1_000 } },
      'limits.idempotencyWindowMs: 600000 is above endedHoldsMs (1000)',
    ],
  ];
  test.each(cases)('%j', (raw, expected) => {
    expect(problems(raw)).toEqual([expected]);
  });

  test('never comes alone when there are several', () => {
    const raw = {
      prefix: '',
      partitons: 3,
      channels: { web: { verbs: ['fly'], split: 'no' }, pos: { verbs: ['get'], sourcing: 'main' } },
      limits: { cartLinesMax: 0, viewFlushMs: -1, what: 1 },
    };
    expect(problems(raw).map((line) => line.split(':')[0])).toEqual([
      'partitons',
      'prefix',
      'channels.web.verbs[0]',
      'channels.web.split',
      'channels.pos.sourcing',
      'limits.what',
      'limits.cartLinesMax',
      'limits.viewFlushMs',
    ]);
  });

  test('is a line, whatever the file holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (a, b, c) => {
        for (const raw of [a, { channels: a, limits: b, erp: c }, { channels: { web: a } }]) {
          const { config, problems: lines } = resolveConfig(raw);
          expect(config === undefined).toBe(lines !== undefined);
          expect(lines?.length).not.toBe(0);
        }
      }),
    );
  });
});
