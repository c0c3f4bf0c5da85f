// The audit notices: each test falsifies one thing in an honest world and expects to be told where.

import { beforeEach, describe, expect, test } from 'vitest';
import type { Told } from '../../../src/audit/compare.ts';
import { partitionOfSku } from '../../../src/audit/journal-fold.ts';
import type { AuditReport } from '../../../src/audit/report.ts';
import { type AuditOptions, type AuditSources, runAudit } from '../../../src/audit/run.ts';
import { readTuple } from '../../../src/audit/tuples.ts';
import { partitionOf, skuKeyOf } from '../../../src/domain/names.ts';
import type { JournalEntry } from '../../../src/ports.ts';

const epoch = 'epoch-1';
const windows = { idempotencyWindowMs: 600_000, endedHoldsMs: 86_400_000 };

/** An honest partition: ten received, three held, two of another hold confirmed. */
interface World {
  entries: JournalEntry[];
  stock: Map<string, Record<string, unknown>>;
  views: Map<string, Record<string, unknown>>;
  actors: Map<string, Record<string, unknown>>;
  history: Record<string, unknown>[][];
}

type Message = Record<string, unknown>;

const received = [1, 'wms', 'd-1', 10, 0, 10, 1, 10, 'main'];
const held = [8, 'web', 'r-1', 10, 3, 7, 2, 90_000, 3, 'main'];
const heldToo = [8, 'web', 'r-2', 10, 5, 5, 3, 90_000, 2, 'main'];
const confirmed = [12, 'web', 'c-1', 8, 3, 5, 4, 'r-2', 2, 'main', 'o-1'];

let messages: Message[];
let world: World;

beforeEach(() => {
  const common = { v: 1, n: 'n1', e: epoch };
  messages = [
    { ...common, k: 'genesis', x: 0, at: 1_000, m: [1, 'n1'] },
    { ...common, k: 'commit', x: 10, at: 2_000, s: [['A', 1, [received]]] },
    { ...common, k: 'commit', x: 20, at: 3_000, s: [['A', 2, [held, heldToo]]] },
    { ...common, k: 'commit', x: 30, at: 4_000, s: [['A', 4, [confirmed]]] },
  ];
  const row = {
    sku: 'A',
    onHand: 8,
    reserved: 3,
    available: 5,
    safetyStock: 0,
    locations: { main: { onHand: 8, reserved: 3 } },
    reservations: 1,
    version: 4,
  };
  const events = [received, held, heldToo, confirmed].map((tuple, at) =>
    readTuple(tuple, at + 1, [2_000, 3_000, 3_000, 4_000][at] as number),
  );
  world = {
    entries: [],
    stock: new Map([['A', row]]),
    views: new Map([['A', { sku: 'A', available: 5, status: 'in_stock', version: 4 }]]),
    actors: new Map([['A', { ...row }]]),
    history: [events as unknown as Record<string, unknown>[]],
  };
});

function store(): void {
  world.entries = messages.map((message, at) => ({
    seq: (at + 1) * 10,
    messageId: `m-${at}`,
    storedAtMs: 0,
    payload: JSON.stringify(message),
  }));
}

async function audit(options: Partial<AuditOptions> = {}): Promise<AuditReport> {
  if (world.entries.length === 0) store();
  const told = (map: Map<string, Record<string, unknown>>, sku: string) =>
    map.get(sku) as Told | undefined;
  const sources: AuditSources = {
    journal: {
      last: async () => world.entries.at(-1),
      read: async (_partition, { from, to }, each) => {
        for (const entry of world.entries) if (entry.seq >= from && entry.seq <= to) each(entry);
      },
    },
    allStock: async (each) => {
      for (const row of world.stock.values()) each(row as Told);
    },
    allViews: async (_channel, each) => {
      for (const row of world.views.values()) each(row as Told);
    },
    stock: async (sku) => told(world.stock, sku),
    view: async (_channel, sku) => told(world.views, sku),
    allHistory: async (each) => {
      for (const events of world.history) each({ sku: 'A', events: events as never });
    },
    historyVersion: async () => Number(world.history.at(-1)?.at(-1)?.version ?? 0),
    actor: { channel: { name: 'ops', sourcing: [] }, get: async (sku) => told(world.actors, sku) },
  };
  let now = 0;
  return runAudit(sources, {
    partitions: 1,
    epoch,
    genesis: [0],
    windows,
    channels: [{ name: 'web', sourcing: [] }],
    bucketOf: (channel) => (channel === undefined ? 'inv_stock' : `inv_view_${channel}`),
    patienceMs: 1_000,
    progress() {},
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
    ...options,
  });
}

/** The differences as sentences. */
async function differences(options: Partial<AuditOptions> = {}): Promise<string[]> {
  const report = await audit(options);
  expect(report.ok).toBe(report.differences.length === 0);
  return report.differences.map(
    ({ kind, where, sku, what }) => `${kind} ${where} ${sku ?? ''}: ${what}`,
  );
}

test('an honest world has no difference', async () => {
  expect(await audit()).toMatchObject({
    ok: true,
    messages: 4,
    events: 4,
    skus: 1,
    onHand: 8,
    reserved: 3,
    rows: { inv_stock: 1, inv_view_web: 1 },
    actors: 1,
    historyEvents: 4,
    differences: [],
  });
});

test.each(['A', 'BANK CHARGES', 'AB.123/XL', '茶-煎茶', 'CAFÉ', '#4', 'a_b-C9'])(
  'the partition of %s is the one that the nodes compute',
  (sku) => {
    for (const count of [1, 7, 32, 1024]) {
      expect(partitionOfSku(sku, count)).toBe(partitionOf(skuKeyOf(sku), count));
    }
  },
);

describe('the journal', () => {
  const change = (at: number, changes: Message) => {
    messages[at] = { ...messages[at], ...changes };
  };

  test.each<[string, () => void, RegExp]>([
    ['a broken chain', () => change(2, { x: 10 }), /appended after 10, but follows 20/],
    ['a lost message', () => messages.splice(2, 1), /follows version 1/],
    ['no genesis', () => change(0, { k: 'claim' }), /first message is a claim/],
    ['a second genesis', () => change(2, { k: 'genesis', m: [1, 'n1'] }), /second genesis/],
    ['another epoch', () => change(3, { e: 'other' }), /is of epoch other/],
    ['time that runs backwards', () => change(3, { at: 2_500 }), /back in time by 500 ms/],
    ['a newer schema', () => change(3, { v: 99 }), /schema 99/],
    ['a damaged message', () => change(3, { s: 'x' }), /broken/],
    [
      'a gap in versions',
      () => change(3, { s: [['A', 5, [confirmed]]] }),
      /version 5 .* follows version 3/,
    ],
    [
      'wrong totals',
      () => change(1, { s: [['A', 1, [[...received.slice(0, 3), 11, 0, 11, 1, 10, 'main']]]] }),
      /says on hand, reserved, available 11, 0, 11/,
    ],
    [
      'an unknown event',
      () => change(3, { s: [['A', 4, [[99, 'web', 'x', 8, 3, 5]]]] }),
      /unknown event code 99/,
    ],
    [
      'an id with two effects',
      () => change(3, { s: [['A', 4, [[1, 'wms', 'd-1', 20, 5, 15, 1, 10, 'main']]]] }),
      /id d-1 of wms has taken effect before/,
    ],
    [
      'a sale beyond the stock',
      () => change(3, { s: [['A', 4, [[2, 'pos', 's-1', 4, 5, 0, 4, 6, 'main']]]] }),
      /oversold: 1 more/,
    ],
    [
      'a hold with two ends',
      () => change(3, { s: [['A', 4, [confirmed, [14, 'web', '', 8, 3, 5, 'r-2', 2, 90_000]]]] }),
      /the hold is confirmed/,
    ],
    [
      'an expiry before its time',
      () => change(3, { s: [['A', 4, [[14, 'web', '', 10, 3, 7, 'r-2', 2, 90_000]]]] }),
      /86000 ms early/,
    ],
    [
      'facts that go back',
      () => {
        change(2, { f: 9 });
        change(3, { f: 8 });
      },
      /facts go back to 8/,
    ],
  ])('%s is told', async (_what, falsify, expected) => {
    falsify();
    const told = await differences();
    expect(told.join('\n')).toMatch(expected);
    expect(told.some((line) => line.startsWith('journal'))).toBe(true);
  });

  test('a fact may sell what is not there', async () => {
    messages[3] = {
      ...messages[3],
      s: [['A', 4, [[2, 'pos', 's-1', 4, 5, 0, 4, 6, 'main', null, null, 1]]]],
    };
    expect((await differences()).join('\n')).not.toMatch(/oversold/);
  });

  test('an emptied partition is told', async () => {
    world.entries = [];
    messages = [];
    expect((await differences()).join('\n')).toMatch(/is empty, but had a genesis/);
  });

  test('a SKU in the wrong partition is told', async () => {
    expect((await differences({ partitions: 64, genesis: [] })).join('\n')).toMatch(
      /belongs to another partition/,
    );
  });
});

describe('what is shown', () => {
  const falsify = (map: Map<string, Record<string, unknown>>, changes: object) =>
    map.set('A', { ...map.get('A'), ...changes });

  test.each<[string, () => void, RegExp]>([
    [
      'a wrong number in inv_stock',
      () => falsify(world.stock, { onHand: 9 }),
      /view inv_stock A: onHand is 9, should be 8/,
    ],
    [
      'a wrong location',
      () => falsify(world.stock, { locations: { main: { onHand: 7, reserved: 3 } } }),
      /main has 7/,
    ],
    ['a missing row', () => world.stock.clear(), /view inv_stock A: is missing/],
    [
      'a row that stays behind',
      () => falsify(world.stock, { version: 3 }),
      /inv_stock A: is missing, wrong, or stays behind/,
    ],
    [
      'a row of a version that never was',
      () => falsify(world.stock, { version: 9 }),
      /version 9, which is not in the journal/,
    ],
    [
      'a row of a SKU that never was',
      () => world.stock.set('Z', { sku: 'Z', version: 1 }),
      /inv_stock Z: is at version 1/,
    ],
    [
      'a wrong view',
      () => falsify(world.views, { available: 6 }),
      /view inv_view_web A: available is 6, should be 5/,
    ],
    [
      'a wrong status',
      () => falsify(world.views, { status: 'out_of_stock' }),
      /status is out_of_stock, should be in_stock/,
    ],
    [
      'an old view that is wrong now',
      () => falsify(world.views, { version: 1, available: 10 }),
      /inv_view_web A: is missing, wrong/,
    ],
    [
      'an actor that says something else',
      () => falsify(world.actors, { reserved: 2 }),
      /actor actor A: reserved is 2, should be 3/,
    ],
    [
      'an actor that does not know the SKU',
      () => world.actors.clear(),
      /actor actor A: does not know/,
    ],
    [
      'an actor that is behind',
      () => falsify(world.actors, { version: 2 }),
      /is at version 2, the journal at 4/,
    ],
    [
      'a gap in the history',
      () => world.history[0]?.splice(1, 1),
      /history history A: version 3 follows version 1/,
    ],
    [
      'a history of other events',
      () => falsifyEvent(1, { reserved: 4 }),
      /the events are not those of the journal/,
    ],
    [
      'a history that stays behind',
      () => world.history[0]?.pop(),
      /history history A: is missing, wrong, or stays behind/,
    ],
  ])('%s is told', async (_what, act, expected) => {
    act();
    expect((await differences()).join('\n')).toMatch(expected);
  });

  function falsifyEvent(at: number, changes: object): void {
    const events = world.history[0] as Record<string, unknown>[];
    events[at] = { ...events[at], ...changes };
  }

  test('an older view that is still right is no difference', async () => {
    falsify(world.views, { version: 3 });
    expect(await differences()).toEqual([]);
  });

  test('the beginning of a history may have been dropped by age', async () => {
    world.history[0]?.splice(0, 2);
    expect(await differences()).toEqual([]);
  });

  test('a row that is newer than the fold is compared once the fold has come as far', async () => {
    store();
    const late = world.entries.pop() as JournalEntry;
    let asked = 0;
    const stockOf = world.stock;
    const allViews = world.views;
    expect(stockOf.size + allViews.size).toBe(2);
    const report = await audit({
      progress: () => {
        // The commit that the rows tell of is stored while the audit is under way.
        if (++asked === 3) world.entries.push(late);
      },
    });
    expect(report).toMatchObject({ ok: true, events: 4 });
  });

  test('differences are all counted, also when there are more than can be listed', async () => {
    for (let at = 0; at < 1_500; at += 1) world.stock.set(`Z${at}`, { sku: `Z${at}`, version: 1 });
    const report = await audit();
    expect(report.differenceCount).toBe(1_500);
    expect(report.differences).toHaveLength(1_000);
  });
});
