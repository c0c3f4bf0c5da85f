// Two nodes that both believe they own a partition, and appends of which nobody knows what became of them
// (invariants 1 to 5), on a real nats-server.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ports } from '../../src/ports.ts';
import { type Caller, openCaller, type Reply } from '../support/calls.ts';
import { openPorts, until } from '../support/deployment.ts';
import { alone, type Fate, jumpingClock, unsureJournal } from '../support/distort.ts';
import { brokenLinks, claimsIn, eventsIn, readJournal } from '../support/journal-log.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { startNode, type TestNode, testConfig } from '../support/node.ts';

const config = testConfig({ partitions: 1 });

let server: TestNats;
let caller: Caller;
let running: TestNode[];

beforeEach(async () => {
  server = await startNats();
  caller = await openCaller(server.url);
  running = [];
});

afterEach(async () => {
  await caller.close();
  await Promise.allSettled(running.map((node) => node.stop()));
  await server.stop();
});

async function join(name: string, wrap?: (ports: Ports) => Ports): Promise<TestNode> {
  const node = await startNode({ url: server.url, name, config, ...(wrap ? { wrap } : {}) });
  running.push(node);
  return node;
}

/** Sends to one node, as another node would forward it. */
async function ask(node: string, channel: string, verb: string, payload: object): Promise<Reply> {
  const call = await caller.call(`inv.n.${node}.1.cmd.${channel}.${verb}`, { ...payload }, 20_000);
  if (!call.reply) throw new Error(`${node} ${verb}: ${call.failure}`);
  return call.reply;
}

async function journal() {
  const nats = await openPorts(server.url, 'inv', { partitions: 1 });
  try {
    return await readJournal(nats);
  } finally {
    await nats.close();
  }
}

/** What the journal says after everything: the chain holds, every id is one message, no unit sold twice. */
async function expectSoundJournal() {
  const messages = await journal();
  expect(brokenLinks(messages)).toEqual([]);
  const ids = messages.map(({ messageId }) => messageId);
  expect(new Set(ids).size).toBe(ids.length);
  const effects = eventsIn(messages).flatMap(({ sku, event }) =>
    event.type === 'reservation.created' ? [`${sku} ${event.channel}/${event.command}`] : [],
  );
  expect(new Set(effects).size).toBe(effects.length);
  for (const { event } of eventsIn(messages)) {
    expect(event.reserved).toBeLessThanOrEqual(event.onHand);
  }
  return messages;
}

function phase({ node }: TestNode): string | undefined {
  return node.status().partitions[0]?.phase;
}

describe('two nodes that both believe they own the partition', () => {
  test('invariant 1: only one can append; the other sells nothing', async () => {
    await join('a', alone('a'));
    await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'LAST', qty: 1 });
    await join('b', alone('b'));
    const [ofA, ofB] = await Promise.all([
      ask('a', 'web', 'reserve', { id: 'r-a', sku: 'LAST', qty: 1 }),
      ask('b', 'web', 'reserve', { id: 'r-b', sku: 'LAST', qty: 1 }),
    ]);
    expect(ofB.ok).toBe(true);
    expect(ofA).toMatchObject({ ok: false, error: { code: 'unavailable', retry: true } });
    await expectSoundJournal();
  });

  test('invariant 2: the displaced one answers neither a refusal nor a strong read', async () => {
    const a = await join('a', alone('a'));
    await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'X', qty: 1 });
    await join('b', alone('b'));
    expect(phase(a)).toBe('serving');
    expect(await ask('b', 'web', 'reserve', { id: 'r-b', sku: 'X', qty: 1 })).toMatchObject({
      ok: true,
    });
    const replies = await Promise.all([
      ask('a', 'web', 'get', { sku: 'X' }),
      ask('a', 'web', 'reserve', { id: 'r-a', sku: 'X', qty: 2 }),
      ask('a', 'web', 'confirm', { id: 'c-a', sku: 'X', reservation: 'none', order: 'o' }),
      ask('a', 'web', 'get', { sku: 'never seen' }),
    ]);
    for (const reply of replies) expect(reply).toMatchObject({ error: { code: 'unavailable' } });
    await expectSoundJournal();
  });

  test('invariant 3: the displaced one forgets everything and starts again from the journal', async () => {
    const a = await join('a', alone('a'));
    await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'X', qty: 10 });
    const b = await join('b', alone('b'));
    await ask('b', 'web', 'reserve', { id: 'r-b', sku: 'X', qty: 4 });
    // Fenced by its next append, it claims again, and knows what the other one has sold.
    await ask('a', 'web', 'get', { sku: 'X' });
    await until(() => phase(a) === 'serving', 'a serves again');
    expect(await ask('a', 'web', 'get', { sku: 'X' })).toMatchObject({ reserved: 4, available: 6 });
    expect(await ask('a', 'web', 'reserve', { id: 'r-a', sku: 'X', qty: 7 })).toMatchObject({
      error: { code: 'insufficient_stock' },
    });
    expect(await ask('b', 'web', 'get', { sku: 'X' })).toMatchObject({
      error: { code: 'unavailable' },
    });
    expect(b.node.status().name).toBe('b');
    const messages = await expectSoundJournal();
    expect(claimsIn(messages).length).toBeGreaterThanOrEqual(3);
  });

  test("a claim that rests on an older membership than the present owner's is not written", async () => {
    const a = await join('a');
    await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'X', qty: 1 });
    const [genesis] = claimsIn(await journal());
    const old = genesis?.claim?.revision ?? 0;
    await expect(
      Promise.race([
        join('b', (ports) => ({
          ...ports,
          members: {
            ...ports.members,
            read: async () => {
              const { nodes } = await ports.members.read();
              return {
                revision: Math.max(1, old - 1),
                nodes: nodes.filter(({ name }) => name === 'b'),
              };
            },
          },
        })),
        new Promise((resolve) => setTimeout(() => resolve('still waiting'), 3_000)),
      ]),
    ).resolves.toBe('still waiting');
    expect(phase(a)).toBe('serving');
    expect(claimsIn(await journal()).length).toBe(1);
  });

  test('both under load on the last units: every acceptance is in the journal, none is there twice', async () => {
    await join('a', alone('a'));
    await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'HOT', qty: 150 });
    await join('b', alone('b'));
    const accepted = new Set<string>();
    const buy = async (node: string, index: number) => {
      const id = `${node}-${index}`;
      for (let attempt = 0; attempt < 40; attempt++) {
        const reply = await ask(node, 'web', 'reserve', { id, sku: 'HOT', qty: 1 });
        if (reply.ok) accepted.add(id);
        if (reply.error?.retry !== true) return;
      }
    };
    await Promise.all(
      Array.from({ length: 400 }, (_, index) => buy(index % 2 === 0 ? 'a' : 'b', index)),
    );
    const messages = await expectSoundJournal();
    const created = new Set(
      eventsIn(messages).flatMap(({ event }) =>
        event.type === 'reservation.created' ? [event.command] : [],
      ),
    );
    expect([...accepted].filter((id) => !created.has(id))).toEqual([]);
    expect(created.size).toBeLessThanOrEqual(150);
  });
});

describe('invariant 3: what became of an append is found out, never guessed', () => {
  const fates: readonly [string, readonly Fate[]][] = [
    ['its acknowledgement is lost', ['answer lost']],
    ['it is lost itself', ['lost']],
    ['it arrives after "unchanged" has been answered', ['late']],
    ['it is lost, then late, then its acknowledgement is lost', ['lost', 'late', 'answer lost']],
    ['it is lost three times', ['lost', 'lost', 'lost']],
  ];

  test.each(fates)(
    '%s: one effect, one message, and the caller hears of it',
    async (_which, sequence) => {
      let armed: Fate[] = [];
      const unsure = unsureJournal(() => armed.shift() ?? 'through');
      await join('a', unsure.wrap);
      await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'X', qty: 10 });
      armed = [...sequence];
      const from = unsure.calls.length;
      expect(await ask('a', 'web', 'reserve', { id: 'r', sku: 'X', qty: 3 })).toMatchObject({
        ok: true,
        available: 7,
      });
      expect(await ask('a', 'web', 'get', { sku: 'X' })).toMatchObject({ reserved: 3 });
      // The same bytes under the same id, as often as it took (invariant 4).
      const attempts = unsure.calls.slice(from).filter(({ kind }) => kind === 'append');
      expect(new Set(attempts.map(({ request }) => request.messageId)).size).toBe(1);
      expect(new Set(attempts.map(({ request }) => request.payload)).size).toBe(1);
      const messages = await expectSoundJournal();
      expect(claimsIn(messages).length).toBe(1);
    },
  );

  test.each(fates)(
    'of a barrier, %s: the strong read is answered when ownership is proven',
    async (_which, sequence) => {
      let armed: Fate[] = [];
      const unsure = unsureJournal(() => armed.shift() ?? 'through');
      await join('a', unsure.wrap);
      await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'X', qty: 10 });
      armed = [...sequence];
      expect(await ask('a', 'web', 'get', { sku: 'X' })).toMatchObject({ onHand: 10 });
      expect(await ask('a', 'web', 'reserve', { id: 'r', sku: 'X', qty: 3 })).toMatchObject({
        ok: true,
      });
      await expectSoundJournal();
    },
  );

  test("somebody else's message: everything held is `unavailable`, also what was never stored", async () => {
    let armed: Fate[] = [];
    const unsure = unsureJournal(async () => {
      const fate = armed.shift() ?? 'through';
      // Another claim comes between the lost append and the look at the journal.
      if (fate === 'lost') await join('b', alone('b'));
      return fate;
    });
    const a = await join('a', (ports) => alone('a')(unsure.wrap(ports)));
    await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'X', qty: 1 });
    armed = ['lost'];
    expect(await ask('a', 'web', 'reserve', { id: 'r', sku: 'X', qty: 1 })).toMatchObject({
      error: { code: 'unavailable' },
    });
    // It has not happened, so the unit is still there for another.
    await until(() => phase(a) === 'serving', 'a serves again');
    expect(await ask('a', 'web', 'reserve', { id: 'r2', sku: 'X', qty: 1 })).toMatchObject({
      ok: true,
    });
    await expectSoundJournal();
  });

  test('the journal cannot be asked for longer than callers wait: `unavailable`, then the truth', async () => {
    let deaf = false;
    const short = testConfig({ partitions: 1, limits: { appendTimeoutMs: 500 } });
    const unsure = unsureJournal(() => (deaf ? 'answer lost' : 'through'));
    const node = await startNode({
      url: server.url,
      name: 'a',
      config: short,
      wrap: (ports) => {
        const { journal } = unsure.wrap(ports);
        return {
          ...ports,
          journal: {
            ...journal,
            last: async (partition) => {
              await until(() => !deaf, 'the journal answers');
              return journal.last(partition);
            },
          },
        };
      },
    });
    running.push(node);
    await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'X', qty: 1 });
    deaf = true;
    const first = await ask('a', 'web', 'reserve', { id: 'r', sku: 'X', qty: 1 });
    expect(first).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    deaf = false;
    // It had happened: the same id gets the same unit.
    expect(await caller.insist('inv.cmd.web.reserve', { id: 'r', sku: 'X', qty: 1 })).toMatchObject(
      {
        ok: true,
        replayed: true,
      },
    );
    const messages = await expectSoundJournal();
    expect(claimsIn(messages).length).toBe(1);
  });
});

test('invariant 4: message ids are not reused by a restarted node of the same name', async () => {
  for (let run = 1; run <= 3; run++) {
    const node = await join('a');
    await caller.insist('inv.cmd.wms.receive', { id: `in-${run}`, sku: 'X', qty: 1 });
    await caller.insist('inv.cmd.web.get', { sku: 'X' });
    running.splice(0);
    if (run === 2) await node.crash();
    else await node.stop();
  }
  const messages = await expectSoundJournal();
  expect(eventsIn(messages).filter(({ event }) => event.type === 'stock.received').length).toBe(3);
});

test('a round that is acknowledged while the process stands still is answered `unavailable`', async () => {
  const clock = jumpingClock();
  let armed = false;
  const unsure = unsureJournal(() => 'through');
  await join('a', (ports) => {
    const { journal } = unsure.wrap(ports);
    return clock.wrap({
      ...ports,
      journal: {
        ...journal,
        append: async (request) => {
          const outcome = await journal.append(request);
          if (armed) clock.jump(15_000);
          return outcome;
        },
        barrier: async (request) => {
          const outcome = await journal.barrier(request);
          if (armed) clock.jump(15_000);
          return outcome;
        },
      },
    });
  });
  await caller.insist('inv.cmd.wms.receive', { id: 'in', sku: 'X', qty: 5 });
  for (const [verb, payload] of [
    ['reserve', { id: 'r', sku: 'X', qty: 1 }],
    ['get', { sku: 'X' }],
    ['reserve', { id: 'r2', sku: 'X', qty: 9 }],
    ['reserve', { id: 'cart', lines: [{ sku: 'X', qty: 1 }] }],
  ] as const) {
    armed = true;
    const call = caller.call(`inv.n.a.1.cmd.web.${verb}`, payload, 20_000);
    const { reply } = await call;
    armed = false;
    expect(reply).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    // The servers have stood still as well, or this clock would now be wrong.
    clock.reset();
  }
  expect(await caller.insist('inv.cmd.web.reserve', { id: 'r', sku: 'X', qty: 1 })).toMatchObject({
    ok: true,
    replayed: true,
  });
});
