// How commands become frames.

import { describe, expect, test } from 'vitest';
import { partitionOf, skuKeyOf } from '../../../src/domain/names.ts';
import { acceptAll, createWorld, refused, type Sent } from './world.ts';

/** Refuses a frame's commands one by one: the mailbox is full. */
const overloadAll = ({ json }: Sent) =>
  json.map(({ id }: { id: string }) => refused(id, 'overloaded', { retryAfterMs: 100 }));

const many = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('a lone command', () => {
  test('leaves in the same turn of the event loop', async () => {
    const world = createWorld({ respond: acceptAll });
    const reply = await world.client.reserve({ sku: 'A', qty: 1, id: 'r-1' });
    expect(reply).toMatchObject({ ok: true, id: 'r-1' });
    expect(world.sent[0]).toMatchObject({ subject: 'inv.p.0.web', atMs: 1_000 });
    expect(world.sent[0]!.json).toEqual([{ verb: 'reserve', id: 'r-1', sku: 'A', qty: 1 }]);
  });

  test('goes to the partition of its SKU', async () => {
    const world = createWorld({ partitions: 32, respond: acceptAll });
    for (const sku of ['A', 'BANK CHARGES', 'Ärmel/XL']) {
      await world.client.get({ sku });
      const partition = partitionOf(skuKeyOf(sku), 32);
      expect(world.sent.at(-1)!.subject).toBe(`inv.p.${partition}.web`);
    }
  });

  test('is sent plain when coalescing is off', async () => {
    const world = createWorld({ coalesce: false, respond: acceptAll });
    await world.client.reserve({ sku: 'A', qty: 1, id: 'r-1' });
    expect(world.sent[0]!.subject).toBe('inv.cmd.web.reserve');
    expect(world.sent[0]!.json).toEqual({ id: 'r-1', sku: 'A', qty: 1 });
  });

  test('is sent plain while the number of partitions is unknown', async () => {
    const world = createWorld({ partitions: undefined, respond: acceptAll });
    await world.client.get({ sku: 'A' });
    expect(world.sent[0]).toMatchObject({ subject: 'inv.cmd.web.get', payload: '{"sku":"A"}' });
  });
});

describe('commands that come together', () => {
  test('share a frame', async () => {
    const world = createWorld({ respond: acceptAll });
    await Promise.all(many(20).map(() => world.client.reserve({ sku: 'A', qty: 1 })));
    expect(world.sent.map(({ json }) => json.length)).toEqual([20]);
  });

  test('wait while the allowed frames of their partition are in flight, and leave with the reply', async () => {
    const world = createWorld({ framesPerPartitionMax: 1 });
    const first = world.client.reserve({ sku: 'A', qty: 1 });
    await world.settle();
    const rest = many(5).map(() => world.client.reserve({ sku: 'A', qty: 1 }));
    await world.settle();
    expect(world.sent).toHaveLength(1);
    world.sent[0]!.answer(acceptAll(world.sent[0]!));
    await first;
    await world.settle();
    expect(world.sent.map(({ json }) => json.length)).toEqual([1, 5]);
    world.sent[1]!.answer(acceptAll(world.sent[1]!));
    await Promise.all(rest);
  });

  test('leave in at most two frames at a time while they do not fill one', async () => {
    const world = createWorld({ frameCommandsMax: 10, framesPerPartitionMax: 4 });
    const sizes = () => world.sent.map(({ json }) => json.length);
    const replies: Promise<unknown>[] = [];
    for (const count of [3, 3, 9, 1, 30]) {
      replies.push(...many(count).map(() => world.client.get({ sku: 'A' })));
      await world.settle();
    }
    expect(sizes()).toEqual([3, 3, 10, 10]);
    for (let next = 0; next < world.sent.length; next++) {
      world.sent[next]!.answer(acceptAll(world.sent[next]!));
      await world.settle();
    }
    expect(sizes()).toEqual([3, 3, 10, 10, 10, 10]);
    await Promise.all(replies);
  });

  test('include what callers send because of a reply of the same frame', async () => {
    const world = createWorld({ framesPerPartitionMax: 1, respond: acceptAll });
    const buyer = async () => {
      const held = await world.client.reserve({ sku: 'A', qty: 1 });
      if (!held.ok) throw new Error('refused');
      await world.client.release({ sku: 'A', reservation: held.id });
    };
    await Promise.all(many(7).map(buyer));
    expect(world.sent.map(({ json }) => json.length)).toEqual([7, 7]);
  });

  test('are cut at the number of commands and at the bytes', async () => {
    const byCount = createWorld({
      frameCommandsMax: 8,
      framesPerPartitionMax: 9,
      respond: acceptAll,
    });
    await Promise.all(many(20).map(() => byCount.client.get({ sku: 'A' })));
    expect(byCount.sent.map(({ json }) => json.length)).toEqual([8, 8, 4]);

    const byBytes = createWorld({
      frameBytesMax: 1_024,
      framesPerPartitionMax: 99,
      respond: acceptAll,
    });
    const sku = 'ü'.repeat(100);
    await Promise.all(many(20).map(() => byBytes.client.get({ sku })));
    for (const { payload } of byBytes.sent) expect(Buffer.byteLength(payload)).toBeLessThan(1_025);
    expect(byBytes.sent).toHaveLength(5);
  });

  test('wait at the client, and not in vain at the node, once it is overloaded', async () => {
    const world = createWorld({ frameCommandsMax: 1, framesPerPartitionMax: 4 });
    const replies = many(40).map(() => world.client.reserve({ sku: 'A', qty: 1 }));
    await world.settle();
    const inFlight = () => world.sent.length - answered;
    let answered = 0;
    const answerNext = async (answer: (sent: Sent) => unknown) => {
      const sent = world.sent[answered]!;
      answered += 1;
      sent.answer(answer(sent));
      await world.settle();
    };
    expect(inFlight()).toBe(4);
    await answerNext(overloadAll);
    await answerNext(acceptAll);
    expect(inFlight()).toBe(2);
    await answerNext(overloadAll);
    expect(inFlight()).toBe(1);
    // One more for each window that was taken, until there are as many as before.
    for (const most of [2, 2, 3, 3, 3, 4, 4, 4]) {
      await answerNext(acceptAll);
      expect(inFlight()).toBeLessThanOrEqual(most);
    }
    expect(inFlight()).toBe(4);
    while (answered < world.sent.length) await answerNext(acceptAll);
    await world.pass(1_000);
    while (answered < world.sent.length) await answerNext(acceptAll);
    for (const reply of await Promise.all(replies)) expect(reply.ok).toBe(true);
  });

  test('wait for a slot when too many frames of all partitions are in flight', async () => {
    const world = createWorld({ partitions: 8, framesInFlightMax: 2 });
    const replies = many(100).map((index) => world.client.get({ sku: `S-${index}` }));
    await world.settle();
    expect(world.sent).toHaveLength(2);
    for (let next = 0; next < world.sent.length; next++) {
      world.sent[next]!.answer(acceptAll(world.sent[next]!));
      await world.settle();
    }
    await Promise.all(replies);
    expect(new Set(world.sent.map(({ subject }) => subject)).size).toBe(8);
    expect(world.sent).toHaveLength(8);
  });

  test('get smaller frames when a node takes no larger ones', async () => {
    const refusal = {
      code: 'limit_exceeded',
      message: 'too many',
      limit: 'frameCommandsMax',
      retry: false,
    };
    const world = createWorld({
      respond: (sent) =>
        sent.json.length > 30 ? { ok: false, id: null, error: refusal } : acceptAll(sent),
    });
    const replies = await Promise.all(many(100).map(() => world.client.get({ sku: 'A' })));
    expect(replies.every((reply) => reply.ok)).toBe(true);
  });
});

describe('what one caller passes', () => {
  test.each([
    [{ sku: 'A"\\\u2028ü', qty: 1 }],
    [{ sku: 'A', qty: Number.NaN }],
    [{ sku: 'A', qty: undefined }],
    [{ sku: 'A', qty: () => 1 }],
    [{ sku: 'A', 'we"ird': 1 }],
    [{ sku: 'A', id: 'not "an" id', qty: 1 }],
  ])('cannot spoil the frame of others: %o', async (request) => {
    const world = createWorld({ respond: acceptAll });
    const other = world.client.reserve({ sku: 'B', qty: 1 });
    const strange = world.client.reserve(request as never);
    expect(await other).toMatchObject({ ok: true, sku: 'B' });
    await strange;
    expect(world.sent[0]!.json[1]).toEqual(
      JSON.parse(JSON.stringify({ verb: 'reserve', id: 'c-2', ...request })),
    );
  });

  test.each([[{ sku: 'A', qty: 1n }], [{ sku: 'A', verb: 'sell' }]])(
    'is refused before it is sent where it cannot be said in JSON: %o',
    async (request) => {
      const world = createWorld({ respond: acceptAll });
      const other = world.client.reserve({ sku: 'B', qty: 1 });
      await expect(world.client.reserve(request as never)).rejects.toThrow(TypeError);
      await other;
      expect(world.sent[0]!.json).toHaveLength(1);
    },
  );
});

test('carts and reservations without a SKU go to any node', async () => {
  const world = createWorld({ respond: ({ json }) => ({ ok: true, id: json.id, lines: [] }) });
  await world.client.reserve({ id: 'k', lines: [{ sku: 'A', qty: 1 }] });
  await world.client.confirm({ reservation: 'k', order: 'o-1' });
  await world.client.release({ reservation: 'k', skus: ['A'] });
  expect(world.sent.map(({ subject }) => subject)).toEqual([
    'inv.cmd.web.reserve',
    'inv.cmd.web.confirm',
    'inv.cmd.web.release',
  ]);
});

test('more than the client may hold is overloaded at once', async () => {
  const world = createWorld({ commandsPendingMax: 2 });
  const held = many(2).map(() => world.client.get({ sku: 'A' }));
  expect(await world.client.get({ sku: 'A' })).toMatchObject({
    ok: false,
    error: { code: 'overloaded', retry: true, retryAfterMs: 100 },
  });
  expect(world.client.pending).toBe(2);
  await world.settle();
  world.sent[0]!.answer(acceptAll(world.sent[0]!));
  await Promise.all(held);
  expect(world.client.pending).toBe(0);
});
