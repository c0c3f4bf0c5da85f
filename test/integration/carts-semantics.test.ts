// Carts as the contract has them: all lines or none, one fate, every answer the same when it is asked for again.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Desk, openDesk, skusApart } from '../support/desk.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { startNode, type TestNode, testConfig } from '../support/node.ts';

const partitions = 8;
let server: TestNats;
const nodes: TestNode[] = [];
let desk: Desk;
let made = 0;

/** SKUs in stock, each in another partition than the one before. */
async function stocked(...quantities: number[]): Promise<string[]> {
  made += 1;
  const skus = skusApart(quantities.length, partitions, `CART ${made}`);
  await Promise.all(skus.map((sku, at) => desk.receive(sku, quantities[at] as number)));
  return skus;
}

const linesOf = (skus: readonly string[], qty = 1) => skus.map((sku) => ({ sku, qty }));
const stockOf = (skus: readonly string[]) => Promise.all(skus.map((sku) => desk.get(sku)));

beforeAll(async () => {
  server = await startNats();
  const config = testConfig({
    partitions,
    channels: {
      web: { verbs: ['reserve', 'renew', 'confirm', 'release', 'get'], view: true },
      pos: {
        verbs: ['reserve', 'renew', 'confirm', 'release', 'get'],
        view: true,
        endsHoldsOf: ['web'],
      },
      wms: { verbs: ['receive', 'count', 'get'] },
    },
  });
  for (const name of ['n1', 'n2']) {
    nodes.push(await startNode({ url: server.url, name, config }));
  }
  desk = await openDesk(server.url);
});

afterAll(async () => {
  await desk?.close();
  for (const node of nodes) await node.stop();
  await server?.stop();
});

describe('reserve', () => {
  test('holds every line, over partitions and nodes', async () => {
    const skus = await stocked(3, 3, 3, 3);
    const reply = await desk.ask('web', 'reserve', { id: 'all-1', lines: linesOf(skus, 2) });
    expect(reply).toMatchObject({ ok: true, id: 'all-1' });
    expect(reply.lines?.map(({ sku }) => sku)).toEqual(skus);
    const [first] = reply.lines ?? [];
    for (const line of reply.lines ?? []) {
      expect(line).toMatchObject({
        qty: 2,
        allocations: [{ location: 'main', qty: 2 }],
        available: 1,
        expiresAtMs: first?.expiresAtMs,
      });
      expect(line.version).toBeTypeOf('number');
    }
    for (const stock of await stockOf(skus)) {
      expect(stock).toMatchObject({ onHand: 3, reserved: 2, available: 1, reservations: 1 });
    }
  });

  test('holds nothing when one line is short, and lists every short line', async () => {
    const skus = await stocked(5, 1, 5, 2);
    const reply = await desk.ask('web', 'reserve', { id: 'none-1', lines: linesOf(skus, 3) });
    expect(reply).toMatchObject({
      ok: false,
      id: 'none-1',
      error: { code: 'insufficient_stock', retry: false },
    });
    expect(reply.error?.lines).toEqual([
      { sku: skus[1], requested: 3, available: 1 },
      { sku: skus[3], requested: 3, available: 2 },
    ]);
    for (const stock of await stockOf(skus)) expect(stock).toMatchObject({ reserved: 0 });
  });

  test('a refusal is the cart’s verdict: it stays, also when there is stock again', async () => {
    const skus = await stocked(1, 1);
    const wish = { id: 'verdict-1', lines: linesOf(skus, 2) };
    const first = await desk.ask('web', 'reserve', wish);
    expect(first).toMatchObject({ error: { code: 'insufficient_stock' } });
    await Promise.all(skus.map((sku) => desk.receive(sku, 10)));
    expect(await desk.ask('web', 'reserve', wish)).toEqual(first);
  });

  test('an unknown SKU refuses the cart', async () => {
    const [sku] = await stocked(5);
    const lines = [...linesOf([sku as string]), { sku: 'NEVER SEEN', qty: 1 }];
    expect(await desk.ask('web', 'reserve', { id: 'unknown-1', lines })).toMatchObject({
      ok: false,
      error: { code: 'unknown_sku', sku: 'NEVER SEEN' },
    });
    expect(await desk.get(sku as string)).toMatchObject({ reserved: 0 });
  });

  test('equal SKUs are summed: two lines of one SKU do not each see all of it', async () => {
    const [sku, other] = (await stocked(3, 3)) as [string, string];
    const twice = [
      { sku, qty: 2 },
      { sku: other, qty: 1 },
      { sku, qty: 2 },
    ];
    expect(await desk.ask('web', 'reserve', { id: 'sum-1', lines: twice })).toMatchObject({
      error: { code: 'insufficient_stock', lines: [{ sku, requested: 4, available: 3 }] },
    });
    const fits = [
      { sku, qty: 1 },
      { sku: other, qty: 1 },
      { sku, qty: 2 },
    ];
    const reply = await desk.ask('web', 'reserve', { id: 'sum-2', lines: fits });
    expect(reply.lines).toHaveLength(2);
    expect(reply.lines?.[0]).toMatchObject({ sku, qty: 3, available: 0 });
  });

  test('a given location binds', async () => {
    const [sku] = (await stocked(2)) as [string];
    await desk.receive(sku, 2, 'north');
    const lines = [{ sku, qty: 2, location: 'north' }];
    const reply = await desk.ask('web', 'reserve', { id: 'loc-1', lines, ref: 'basket 9' });
    expect(reply.lines?.[0]).toMatchObject({ allocations: [{ location: 'north', qty: 2 }] });
  });
});

describe('repetition', () => {
  test('the same reserve again is the first acceptance, with what is available now', async () => {
    const skus = await stocked(5, 5);
    const wish = { id: 'rep-1', lines: linesOf(skus, 2) };
    const first = await desk.ask('web', 'reserve', wish);
    await desk.ask('web', 'reserve', { id: 'rep-other', sku: skus[0], qty: 1 });
    const again = await desk.ask('web', 'reserve', { ...wish, lines: [...wish.lines].reverse() });
    expect(again).toMatchObject({ ok: true, id: 'rep-1', replayed: true, state: 'open' });
    const [one, two] = first.lines ?? [];
    expect(again.lines).toEqual([{ ...one, available: 2 }, two]);
    for (const stock of await stockOf(skus))
      expect(stock).toMatchObject({ reservations: expect.any(Number) });
    expect((await stockOf(skus)).map(({ reserved }) => reserved)).toEqual([3, 2]);
  });

  test('the same id with other lines is a conflict, and so is a single reservation', async () => {
    const skus = await stocked(5, 5);
    await desk.ask('web', 'reserve', { id: 'con-1', lines: linesOf(skus) });
    const more = await desk.ask('web', 'reserve', { id: 'con-1', lines: linesOf(skus, 2) });
    expect(more).toMatchObject({ error: { code: 'id_conflict' } });
    const single = await desk.ask('web', 'reserve', { id: 'con-1', sku: skus[0], qty: 1 });
    expect(single).toMatchObject({ error: { code: 'id_conflict' } });
    const other = await desk.ask('pos', 'reserve', { id: 'con-1', lines: linesOf(skus) });
    expect(other).toMatchObject({ ok: true });
  });

  test('confirm, renew and release again answer what they answered first', async () => {
    const skus = await stocked(5, 5, 5);
    await desk.ask('web', 'reserve', { id: 'same-1', lines: linesOf(skus), ttlMs: 60_000 });
    const renew = { id: 'same-renew', reservation: 'same-1', ttlMs: 120_000 };
    const renewed = await desk.ask('web', 'renew', renew);
    expect(renewed).toMatchObject({ ok: true, id: 'same-renew' });
    expect(await desk.ask('web', 'renew', renew)).toMatchObject({
      replayed: true,
      lines: renewed.lines,
    });
    const confirm = { id: 'same-pay', reservation: 'same-1', order: 'o-1' };
    const confirmed = await desk.ask('web', 'confirm', confirm);
    expect(await desk.ask('web', 'confirm', confirm)).toMatchObject({
      ok: true,
      replayed: true,
      lines: confirmed.lines,
    });
    // An early command that comes late once more: what it did is told, and nothing else happens.
    expect(await desk.ask('web', 'renew', renew)).toMatchObject({
      ok: true,
      replayed: true,
      lines: renewed.lines,
    });
    expect(
      await desk.ask('web', 'reserve', { id: 'same-1', lines: linesOf(skus), ttlMs: 60_000 }),
    ).toMatchObject({ ok: true, replayed: true, state: 'confirmed' });
    expect((await stockOf(skus)).map(({ onHand }) => onHand)).toEqual([4, 4, 4]);

    await desk.ask('web', 'reserve', { id: 'same-2', lines: linesOf(skus, 2) });
    const release = { id: 'same-free', reservation: 'same-2', skus: [...skus].reverse() };
    const released = await desk.ask('web', 'release', release);
    expect(released.lines?.map(({ qty }) => qty)).toEqual([2, 2, 2]);
    expect(await desk.ask('web', 'release', release)).toMatchObject({
      ok: true,
      replayed: true,
      lines: released.lines,
    });
  });

  test('an id that was used on the cart for something else is a conflict', async () => {
    const skus = await stocked(5, 5);
    await desk.ask('web', 'reserve', { id: 'use-1', lines: linesOf(skus) });
    await desk.ask('web', 'renew', { id: 'use-a', reservation: 'use-1', ttlMs: 60_000 });
    const verbs = [
      desk.ask('web', 'renew', { id: 'use-a', reservation: 'use-1', ttlMs: 70_000 }),
      desk.ask('web', 'confirm', { id: 'use-a', reservation: 'use-1', order: 'o-1' }),
      desk.ask('web', 'release', { id: 'use-a', reservation: 'use-1' }),
      desk.ask('web', 'release', { id: 'use-1', reservation: 'use-1' }),
    ];
    for (const reply of await Promise.all(verbs)) {
      expect(reply).toMatchObject({ error: { code: 'id_conflict' } });
    }
  });

  test('a refused command is decided anew', async () => {
    const [sku] = (await stocked(1)) as [string];
    await desk.ask('web', 'reserve', { id: 'anew-1', lines: linesOf([sku]), ttlMs: 50 });
    await expect.poll(() => desk.get(sku)).toMatchObject({ reserved: 0 });
    await desk.ask('web', 'reserve', { id: 'anew-other', sku, qty: 1 });
    const renew = { id: 'anew-renew', reservation: 'anew-1', ttlMs: 60_000 };
    expect(await desk.ask('web', 'renew', renew)).toMatchObject({
      error: { code: 'no_longer_available' },
    });
    await desk.receive(sku, 1);
    expect(await desk.ask('web', 'renew', renew)).toMatchObject({ ok: true, retaken: true });
    expect(await desk.get(sku)).toMatchObject({ onHand: 2, reserved: 2 });
  });

  test('two channels may use the same id on one cart', async () => {
    const skus = await stocked(5, 5);
    await desk.ask('web', 'reserve', { id: 'both-1', lines: linesOf(skus) });
    const renew = { id: 'both-a', reservation: 'both-1', ttlMs: 60_000 };
    expect(await desk.ask('web', 'renew', renew)).toMatchObject({ ok: true });
    const confirm = { id: 'both-a', reservation: 'both-1', order: 'o-1', heldBy: 'web' };
    expect(await desk.ask('pos', 'confirm', confirm)).toMatchObject({ ok: true });
  });
});

describe('the states of a cart', () => {
  test('confirm takes every line at once: the strong reads behind it say so', async () => {
    const skus = await stocked(3, 4, 5);
    await desk.ask('web', 'reserve', { id: 'pay-1', lines: linesOf(skus, 2) });
    const reply = await desk.ask('web', 'confirm', {
      id: 'pay-1-c',
      reservation: 'pay-1',
      order: 'o-1',
      skus,
    });
    expect(reply).toMatchObject({ ok: true, id: 'pay-1-c' });
    expect(reply.lines?.map(({ sku, qty, available }) => ({ sku, qty, available }))).toEqual([
      { sku: skus[0], qty: 2, available: 1 },
      { sku: skus[1], qty: 2, available: 2 },
      { sku: skus[2], qty: 2, available: 3 },
    ]);
    expect((await stockOf(skus)).map(({ onHand, reserved }) => [onHand, reserved])).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
    const late = { reservation: 'pay-1' };
    expect(await desk.ask('web', 'release', { id: 'pay-1-r', ...late })).toMatchObject({
      error: { code: 'already_confirmed' },
    });
    expect(await desk.ask('web', 'renew', { id: 'pay-1-n', ttlMs: 1_000, ...late })).toMatchObject({
      error: { code: 'already_confirmed' },
    });
    expect(await desk.ask('web', 'confirm', { id: 'x-1', order: 'o-1', ...late })).toMatchObject({
      ok: true,
      replayed: true,
    });
    expect(await desk.ask('web', 'confirm', { id: 'x-2', order: 'o-2', ...late })).toMatchObject({
      error: { code: 'already_confirmed' },
    });
  });

  test('release frees every line, once, and then the cart is over', async () => {
    const skus = await stocked(3, 3);
    await desk.ask('web', 'reserve', { id: 'free-1', lines: linesOf(skus, 2) });
    const reply = await desk.ask('web', 'release', { id: 'free-1-r', reservation: 'free-1' });
    expect(reply.lines?.map(({ qty, available }) => [qty, available])).toEqual([
      [2, 3],
      [2, 3],
    ]);
    for (const stock of await stockOf(skus)) expect(stock).toMatchObject({ reserved: 0 });
    const again = await desk.ask('web', 'release', { id: 'free-1-s', reservation: 'free-1' });
    expect(again).toMatchObject({ ok: true });
    expect(again.lines?.map(({ qty }) => qty)).toEqual([0, 0]);
    const late = { reservation: 'free-1' };
    expect(await desk.ask('web', 'confirm', { id: 'f-c', order: 'o', ...late })).toMatchObject({
      error: { code: 'already_released' },
    });
    expect(await desk.ask('web', 'renew', { id: 'f-n', ttlMs: 1_000, ...late })).toMatchObject({
      error: { code: 'already_released' },
    });
    expect(
      await desk.ask('web', 'reserve', { id: 'free-1', lines: linesOf(skus, 2) }),
    ).toMatchObject({ ok: true, replayed: true, state: 'released' });
  });

  test('renew prolongs every line, within the longest lifetime', async () => {
    const skus = await stocked(3, 3);
    const first = await desk.ask('web', 'reserve', {
      id: 'ren-1',
      lines: linesOf(skus),
      ttlMs: 60_000,
    });
    const reservedMs = Date.now();
    const before = first.lines?.[0]?.expiresAtMs as number;
    const reply = await desk.ask('web', 'renew', {
      id: 'ren-1-n',
      reservation: 'ren-1',
      ttlMs: 600_000,
    });
    for (const line of reply.lines ?? []) expect(line.expiresAtMs).toBeGreaterThan(before);
    const longest = { id: 'ren-1-l', reservation: 'ren-1', ttlMs: 7_200_000 };
    const capped = await desk.ask('web', 'renew', longest);
    expect(capped).toMatchObject({ ok: true });
    for (const line of capped.lines ?? []) {
      // Its life began between our asking and the answer.
      expect(line.expiresAtMs).toBeLessThanOrEqual(reservedMs + 7_200_000);
      expect(line.expiresAtMs).toBeGreaterThan(before + 600_000);
    }
    expect(
      await desk.ask('web', 'renew', { id: 'ren-1-x', reservation: 'ren-1', ttlMs: 7_200_001 }),
    ).toMatchObject({ error: { code: 'limit_exceeded', limit: 'longestTtlMs' } });
  });

  test('nothing is known of a cart that was never reserved, refused, or another channel’s', async () => {
    const skus = await stocked(1, 1);
    await desk.ask('web', 'reserve', { id: 'who-1', lines: linesOf(skus, 9) });
    await desk.ask('web', 'reserve', { id: 'who-2', lines: linesOf(skus) });
    const ask = (channel: string, id: string, reservation: string) =>
      Promise.all([
        desk.ask(channel, 'confirm', { id: `${id}-c`, reservation, order: 'o' }),
        desk.ask(channel, 'renew', { id: `${id}-n`, reservation, ttlMs: 1_000 }),
        desk.ask(channel, 'release', { id: `${id}-r`, reservation, heldBy: channel }),
      ]);
    const replies = [
      ...(await ask('web', 'a', 'never')),
      ...(await ask('web', 'b', 'who-1')),
      ...(await ask('pos', 'c', 'who-2')),
    ];
    for (const reply of replies) {
      expect(reply).toMatchObject({ error: { code: 'reservation_not_found', retry: false } });
    }
    for (const stock of await stockOf(skus)) expect(stock).toMatchObject({ reserved: 1 });
  });

  test('a release that comes before its cart spends the id', async () => {
    const skus = await stocked(2, 2);
    const release = { id: 'early-r', reservation: 'early-1' };
    for (let times = 0; times < 2; times++) {
      expect(await desk.ask('web', 'release', release)).toMatchObject({
        error: { code: 'reservation_not_found' },
      });
    }
    expect(await desk.ask('web', 'reserve', { id: 'early-1', lines: linesOf(skus) })).toMatchObject(
      {
        error: { code: 'already_released' },
      },
    );
    for (const stock of await stockOf(skus)) expect(stock).toMatchObject({ reserved: 0 });
  });

  test('another channel ends the cart where that is configured, and names the holder', async () => {
    const skus = await stocked(2, 2);
    await desk.ask('web', 'reserve', { id: 'theirs-1', lines: linesOf(skus) });
    const confirm = { id: 'theirs-c', reservation: 'theirs-1', order: 'o-1' };
    expect(await desk.ask('pos', 'confirm', { ...confirm, heldBy: 'web' })).toMatchObject({
      ok: true,
    });
    expect((await stockOf(skus)).map(({ onHand }) => onHand)).toEqual([1, 1]);
    await desk.ask('pos', 'reserve', { id: 'ours-1', lines: linesOf(skus) });
    expect(
      await desk.ask('web', 'release', { id: 'ours-r', reservation: 'ours-1', heldBy: 'pos' }),
    ).toMatchObject({ error: { code: 'reservation_not_found' } });
  });
});

describe('skus', () => {
  test('given, they are exactly the cart’s set', async () => {
    const skus = await stocked(3, 3, 3);
    await desk.ask('web', 'reserve', { id: 'set-1', lines: linesOf(skus) });
    const wrong = [
      skus.slice(0, 2),
      [...skus, 'ANOTHER'],
      [skus[0], skus[1], 'ANOTHER'],
      [skus[0]],
    ];
    for (const [at, set] of wrong.entries()) {
      const command = { id: `set-1-${at}`, reservation: 'set-1', order: 'o-1', skus: set };
      expect(await desk.ask('web', 'confirm', command)).toMatchObject({
        error: { code: 'invalid_request', field: 'skus' },
      });
    }
    const right = { id: 'set-1-c', reservation: 'set-1', order: 'o-1', skus: [...skus].reverse() };
    expect(await desk.ask('web', 'confirm', right)).toMatchObject({ ok: true });
  });

  test('a command for one SKU does not act on one line of a cart', async () => {
    const skus = (await stocked(3, 3)) as [string, string];
    await desk.ask('web', 'reserve', { id: 'line-1', lines: linesOf(skus) });
    const [sku] = skus;
    const replies = await Promise.all([
      desk.ask('web', 'confirm', { id: 'line-c', reservation: 'line-1', sku, order: 'o' }),
      desk.ask('web', 'confirm', { id: 'line-d', reservation: 'line-1', sku, order: 'o', qty: 1 }),
      desk.ask('web', 'renew', { id: 'line-n', reservation: 'line-1', sku, ttlMs: 60_000 }),
      desk.ask('web', 'release', { id: 'line-r', reservation: 'line-1', sku }),
    ]);
    for (const reply of replies) {
      expect(reply).toMatchObject({ error: { code: 'invalid_request', retry: false } });
    }
    for (const stock of await stockOf(skus)) expect(stock).toMatchObject({ reserved: 1 });
  });

  test('a cart of one line may be named by its SKU', async () => {
    const [sku] = (await stocked(3)) as [string];
    await desk.ask('web', 'reserve', { id: 'lone-1', lines: linesOf([sku], 2) });
    const confirm = { id: 'lone-c', reservation: 'lone-1', sku, order: 'o-1' };
    const first = await desk.ask('web', 'confirm', confirm);
    expect(first).toMatchObject({ ok: true, lines: [{ sku, qty: 2 }] });
    expect(await desk.ask('web', 'confirm', confirm)).toMatchObject({ ok: true, replayed: true });
    expect(await desk.get(sku)).toMatchObject({ onHand: 1, reserved: 0 });
  });
});

describe('a cart whose time has run out', () => {
  /** Resolves when the first line has ended. */
  async function expired(id: string, ...quantities: number[]): Promise<string[]> {
    const skus = await stocked(...quantities);
    await desk.ask('web', 'reserve', { id, lines: linesOf(skus), ttlMs: 60 });
    for (const sku of skus) await expect.poll(() => desk.get(sku)).toMatchObject({ reserved: 0 });
    return skus;
  }

  test('is expired, and a late confirm takes its units again', async () => {
    const skus = await expired('late-1', 1, 1);
    expect(
      await desk.ask('web', 'reserve', { id: 'late-1', lines: linesOf(skus), ttlMs: 60 }),
    ).toMatchObject({ ok: true, replayed: true, state: 'expired' });
    const confirm = { id: 'late-1-c', reservation: 'late-1', order: 'o-1' };
    const reply = await desk.ask('web', 'confirm', confirm);
    expect(reply).toMatchObject({ ok: true, retaken: true });
    for (const line of reply.lines ?? []) expect(line).toMatchObject({ qty: 1, retaken: true });
    expect((await stockOf(skus)).map(({ onHand, reserved }) => [onHand, reserved])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(await desk.ask('web', 'confirm', confirm)).toMatchObject({
      ok: true,
      retaken: true,
      replayed: true,
      lines: reply.lines,
    });
  });

  test('confirms nothing when one line is gone, and says which', async () => {
    const skus = await expired('gone-1', 2, 1, 1);
    await desk.ask('web', 'reserve', { id: 'gone-other', sku: skus[1], qty: 1 });
    const confirm = { id: 'gone-1-c', reservation: 'gone-1', order: 'o-1' };
    expect(await desk.ask('web', 'confirm', confirm)).toMatchObject({
      ok: false,
      error: {
        code: 'no_longer_available',
        lines: [{ sku: skus[1], requested: 1, available: 0 }],
      },
    });
    // What was taken again for the attempt is free once more: nothing of the cart stays behind.
    for (const [at, held] of [0, 1, 0].entries()) {
      await expect
        .poll(() => desk.get(skus[at] as string))
        .toMatchObject({ onHand: [2, 1, 1][at], reserved: held });
    }
    // When the units are back the same command may succeed: a refusal is not remembered.
    await desk.ask('web', 'release', { id: 'gone-free', reservation: 'gone-other', sku: skus[1] });
    expect(await desk.ask('web', 'confirm', confirm)).toMatchObject({ ok: true, retaken: true });
  });

  test('a renew takes the units again', async () => {
    const skus = await expired('again-1', 1, 1);
    expect(
      await desk.ask('web', 'renew', { id: 'again-n', reservation: 'again-1', ttlMs: 60_000 }),
    ).toMatchObject({ ok: true, retaken: true });
    for (const stock of await stockOf(skus)) expect(stock).toMatchObject({ reserved: 1 });
  });

  test('a release frees nothing, and ends it for good', async () => {
    const skus = await expired('over-1', 1, 1);
    const reply = await desk.ask('web', 'release', { id: 'over-r', reservation: 'over-1', skus });
    expect(reply.lines?.map(({ qty }) => qty)).toEqual([0, 0]);
    expect(
      await desk.ask('web', 'confirm', { id: 'over-c', reservation: 'over-1', order: 'o' }),
    ).toMatchObject({ error: { code: 'already_released' } });
  });
});

test('the last units in a cart or alone: one buyer has them', async () => {
  for (let round = 0; round < 20; round++) {
    const skus = await stocked(1, 1, 1);
    const carts = Array.from({ length: 8 }, (_, at) =>
      desk.ask('web', 'reserve', { id: `last-${round}-${at}`, lines: linesOf(skus) }),
    );
    const replies = await Promise.all(carts);
    expect(replies.filter(({ ok }) => ok)).toHaveLength(1);
    for (const stock of await stockOf(skus)) expect(stock).toMatchObject({ reserved: 1 });
    const single = await desk.ask('web', 'reserve', {
      id: `single-${round}`,
      sku: skus[0],
      qty: 1,
    });
    expect(single).toMatchObject({ error: { code: 'insufficient_stock' } });
  }
});

test('carts that overlap in turns do not all lose: somebody gets what is there', async () => {
  for (let round = 0; round < 20; round++) {
    const [a, b, c] = (await stocked(1, 1, 1)) as [string, string, string];
    const wishes = [
      [a, b],
      [b, c],
      [c, a],
      [c, b],
      [b, a],
      [a, c],
    ].map((skus, at) =>
      desk.ask('web', 'reserve', { id: `turn-${round}-${at}`, lines: linesOf(skus) }),
    );
    expect((await Promise.all(wishes)).filter(({ ok }) => ok)).toHaveLength(1);
  }
});
