// When the client sends a command again, and when it gives up.

import { describe, expect, test } from 'vitest';
import { PortError } from '../../../src/ports.ts';
import { acceptAll, accepted, createWorld, refused, type TestWorld } from './world.ts';

const trouble = (code: PortError['code']) => new PortError(code, code);

/** Both ways of sending have to keep the same promises. */
const ways = [
  ['coalesced', {}],
  ['plain', { coalesce: false }],
] as const;

/** The reply to what was sent, in the shape of that way. */
function answer(world: TestWorld, index: number, reply: object): void {
  const sent = world.sent[index]!;
  sent.answer(Array.isArray(sent.json) ? [reply] : reply);
}

const idOf = (world: TestWorld, index: number) => [world.sent[index]!.json].flat()[0].id;

describe.each(ways)('a %s command', (_name, options) => {
  test.each(['no_responders', 'timeout', 'disconnected', 'unavailable'] as const)(
    'is sent again with the same id after %s',
    async (code) => {
      const world = createWorld(options);
      const reply = world.client.sell({ sku: 'A', qty: 1 });
      await world.settle();
      world.sent[0]!.fail(trouble(code));
      await world.pass(1_000);
      expect(world.sent).toHaveLength(2);
      expect(idOf(world, 1)).toBe(idOf(world, 0));
      expect(world.sent[1]!.atMs - world.sent[0]!.atMs).toBeLessThanOrEqual(10);
      answer(world, 1, accepted({ id: 'c-1', sku: 'A' }));
      expect(await reply).toMatchObject({ ok: true, id: 'c-1' });
    },
  );

  test.each(['unavailable', 'overloaded'])('is sent again after %s', async (code) => {
    const world = createWorld(options);
    const reply = world.client.sell({ sku: 'A', qty: 1 });
    await world.settle();
    answer(world, 0, refused('c-1', code));
    await world.pass(100);
    answer(world, 1, accepted({ id: 'c-1', sku: 'A' }));
    expect(await reply).toMatchObject({ ok: true });
    expect(world.client.pending).toBe(0);
  });

  test('waits at least as long as an overloaded node asks for', async () => {
    const world = createWorld({ ...options, random: () => 0 });
    const reply = world.client.sell({ sku: 'A', qty: 1 });
    await world.settle();
    answer(world, 0, refused('c-1', 'overloaded', { retryAfterMs: 700 }));
    await world.pass(699);
    expect(world.sent).toHaveLength(1);
    await world.pass(1);
    expect(world.sent).toHaveLength(2);
    answer(world, 1, accepted({ id: 'c-1', sku: 'A' }));
    await reply;
  });

  test('gets its refusal as a value, at once', async () => {
    const world = createWorld(options);
    const reply = world.client.sell({ sku: 'A', qty: 3 });
    await world.settle();
    answer(world, 0, refused('c-1', 'insufficient_stock', { available: 0 }));
    expect(await reply).toMatchObject({ ok: false, error: { code: 'insufficient_stock' } });
    await world.pass(20_000);
    expect(world.sent).toHaveLength(1);
  });

  test('throws what repeating cannot change', async () => {
    const world = createWorld(options);
    const reply = world.client.sell({ sku: 'A', qty: 1 });
    await world.settle();
    world.sent[0]!.fail(trouble('misconfigured'));
    await expect(reply).rejects.toMatchObject({ code: 'misconfigured' });
    expect(world.client.pending).toBe(0);
  });

  test('repeats ever more slowly, never at or after its deadline, and then throws', async () => {
    const world = createWorld({ ...options, deadlineMs: 5_000 });
    const failure = world.client.sell({ sku: 'A', qty: 1 }).catch((error) => error);
    for (let step = 0; step < 700; step++) {
      await world.pass(10);
      for (const sent of world.sent) sent.fail(trouble('no_responders'));
    }
    const error = await failure;
    expect(error).toMatchObject({
      name: 'DeadlineExceededError',
      code: 'deadline_exceeded',
      id: 'c-1',
    });
    expect(error.cause).toMatchObject({ code: 'no_responders' });
    expect(error.attempts).toBe(world.sent.length);
    const times = world.sent.map(({ atMs }) => atMs - 1_000);
    expect(times.at(-1)).toBeLessThan(5_000);
    expect(times.at(-1)).toBeGreaterThan(4_000);
    expect(world.sent.length).toBeGreaterThan(15);
    expect(world.sent.length).toBeLessThan(40);
  });

  test('is given up at its own deadline when a call names one', async () => {
    const world = createWorld(options);
    const failure = world.client.sell({ sku: 'A', qty: 1 }, { deadlineMs: 200 }).catch((e) => e);
    await world.pass(100);
    expect(world.sent[0]!.timeoutMs).toBeLessThanOrEqual(200);
    world.sent[0]!.fail(trouble('timeout'));
    await world.pass(200);
    expect(world.sent.slice(1).every(({ atMs }) => atMs < 1_200)).toBe(true);
    for (const sent of world.sent) sent.fail(trouble('timeout'));
    await world.pass(100);
    expect(await failure).toMatchObject({ code: 'deadline_exceeded' });
  });

  test('an attempt waits no longer than its time-out', async () => {
    const world = createWorld({ ...options, attemptTimeoutMs: 700 });
    void world.client.sell({ sku: 'A', qty: 1 }).catch(() => {});
    await world.settle();
    expect(world.sent[0]!.timeoutMs).toBe(700);
    await world.client.close();
  });

  test('an answer that is not JSON, or not ours, is asked for again', async () => {
    const world = createWorld(options);
    const reply = world.client.sell({ sku: 'A', qty: 1 });
    await world.settle();
    world.sent[0]!.answer('<html>');
    await world.pass(50);
    world.sent[1]!.answer('null');
    await world.pass(50);
    answer(world, 2, accepted({ id: 'c-1', sku: 'A' }));
    expect(await reply).toMatchObject({ ok: true });
  });

  test('fails when the client is closed', async () => {
    const world = createWorld(options);
    const waiting = world.client.sell({ sku: 'A', qty: 1 }).catch((error) => error);
    await world.settle();
    await world.client.close();
    for (const sent of world.sent) sent.fail(trouble('disconnected'));
    expect(await waiting).toMatchObject({ code: 'client_closed' });
    await expect(world.client.get({ sku: 'A' })).rejects.toMatchObject({ code: 'client_closed' });
    await world.pass(20_000);
    expect(world.sent).toHaveLength(1);
  });
});

describe('a frame', () => {
  test('has only those of its elements repeated that were not answered', async () => {
    const world = createWorld();
    const replies = ['A', 'B', 'C', 'D'].map((sku) => world.client.sell({ sku, qty: 1 }));
    await world.settle();
    const [a, b, c, d] = world.sent[0]!.json;
    world.sent[0]!.answer([
      accepted(a),
      refused(b.id, 'unavailable'),
      refused(c.id, 'unknown_sku'),
      refused(d.id, 'overloaded', { retryAfterMs: 20 }),
    ]);
    expect(await replies[0]).toMatchObject({ ok: true });
    expect(await replies[2]).toMatchObject({ ok: false });
    await world.pass(100);
    expect(world.sent[1]!.json.map(({ id }: { id: string }) => id)).toEqual([b.id, d.id]);
    world.sent[1]!.answer(acceptAll(world.sent[1]!));
    expect(await Promise.all(replies)).toHaveLength(4);
  });

  test('that is refused as a whole concerns all of its commands', async () => {
    const world = createWorld();
    const replies = ['A', 'B'].map((sku) => world.client.sell({ sku, qty: 1 }));
    await world.settle();
    world.sent[0]!.answer(refused(null, 'unavailable'));
    await world.pass(100);
    expect(world.sent[1]!.json).toEqual(world.sent[0]!.json);
    world.sent[1]!.answer(refused(null, 'forbidden'));
    expect(await Promise.all(replies)).toMatchObject([
      { ok: false, id: 'c-1', error: { code: 'forbidden' } },
      { ok: false, id: 'c-2', error: { code: 'forbidden' } },
    ]);
  });

  test('whose reply has another number of elements is asked for again', async () => {
    const world = createWorld();
    const replies = ['A', 'B'].map((sku) => world.client.sell({ sku, qty: 1 }));
    await world.settle();
    world.sent[0]!.answer([accepted({ id: 'c-1', sku: 'A' })]);
    await world.pass(100);
    world.sent[1]!.answer(acceptAll(world.sent[1]!));
    expect(await Promise.all(replies)).toMatchObject([{ ok: true }, { ok: true }]);
  });

  test('does not hold up what comes after it while it waits to be repeated', async () => {
    const world = createWorld({ framesPerPartitionMax: 1 });
    const late = world.client.sell({ sku: 'A', qty: 1 });
    await world.settle();
    world.sent[0]!.answer([refused('c-1', 'overloaded', { retryAfterMs: 5_000 })]);
    await world.settle();
    const other = world.client.sell({ sku: 'B', qty: 1 });
    await world.settle();
    world.sent[1]!.answer(acceptAll(world.sent[1]!));
    expect(await other).toMatchObject({ ok: true });
    await world.pass(8_000);
    world.sent[2]!.answer(acceptAll(world.sent[2]!));
    expect(await late).toMatchObject({ ok: true });
  });
});
