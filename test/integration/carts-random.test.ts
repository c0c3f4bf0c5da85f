// A thousand random carts over fifty scarce SKUs, from 64 clients at once: reserved, confirmed, confirmed again,
// released, left to expire and confirmed late, on two nodes. Never two fates, never a part of a cart, never a unit
// that was not there.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SkuEvent } from '../../src/domain/events.ts';
import { Random } from '../sim/engine/random.ts';
import { until } from '../support/deployment.ts';
import { type Desk, openDesk, type Reply, skusApart } from '../support/desk.ts';
import { brokenLinks, eventsIn, readJournal } from '../support/journal-log.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { startNode, type TestNode, testConfig } from '../support/node.ts';

const partitions = 8;
const cartsTotal = 1_000;
const clients = 64;
const stock = 20;
const skus = skusApart(50, partitions, 'SCARCE');
const seed = Number(process.env.LASTUNIT_CARTS_SEED ?? 1);

let server: TestNats;
let nodes: TestNode[];
let desks: Desk[];

beforeAll(async () => {
  server = await startNats();
  const config = testConfig({ partitions });
  nodes = [
    await startNode({ url: server.url, name: 'a', config }),
    await startNode({ url: server.url, name: 'b', config }),
  ];
  desks = await Promise.all(Array.from({ length: 8 }, () => openDesk(server.url)));
  await Promise.all(skus.map((sku) => (desks[0] as Desk).receive(sku, stock)));
});

afterAll(async () => {
  await Promise.all((desks ?? []).map((desk) => desk.close()));
  for (const node of nodes ?? []) await node.stop();
  await server?.stop();
});

interface Cart {
  readonly id: string;
  readonly lines: readonly { sku: string; qty: number }[];
  readonly reserved: Reply;
  /** Every answer to a confirm and to a release. */
  readonly confirms: Reply[];
  readonly releases: Reply[];
}

/** One customer: reserves, and then does one thing or several at once. */
async function shop(desk: Desk, random: Random, id: string): Promise<Cart> {
  const lines = random
    .shuffle(skus)
    .slice(0, random.between(2, 5))
    .map((sku) => ({ sku, qty: random.between(1, 2) }));
  const isShort = random.chance(0.3);
  const ttlMs = isShort ? random.between(20, 200) : 600_000;
  const cart: Cart = {
    id,
    lines,
    reserved: await desk.insist('web', 'reserve', { id, lines, ttlMs }),
    confirms: [],
    releases: [],
  };
  const confirm = async (attempt: number) => {
    const wish = { id: `${id}-pay-${attempt}`, reservation: id, order: `o-${id}` };
    cart.confirms.push(await desk.insist('web', 'confirm', wish));
  };
  const release = async () => {
    cart.releases.push(await desk.insist('web', 'release', { id: `${id}-free`, reservation: id }));
  };
  const endings: (() => Promise<unknown>)[] = [
    () => confirm(1),
    () => Promise.all([confirm(1), confirm(1), confirm(2)]),
    () => Promise.all([confirm(1), release()]),
    () => Promise.all([release(), release()]),
    () => release().then(() => confirm(1)),
    async () => {},
    async () => {
      await new Promise((resolve) => setTimeout(resolve, ttlMs > 1_000 ? 0 : ttlMs));
      await confirm(1);
    },
  ];
  await random.pick(endings)();
  return cart;
}

test(`${cartsTotal} carts, seed ${seed}`, async () => {
  const random = new Random(seed);
  const carts: Cart[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const own = random.fork();
      const desk = desks[client % desks.length] as Desk;
      while (next < cartsTotal) carts.push(await shop(desk, own, `cart-${next++}`));
    }),
  );
  const [desk] = desks as [Desk];
  // Whatever was not ended is released, so that everything that is left was sold.
  const isOpen = ({ reserved, confirms, releases }: Cart) =>
    reserved.ok && ![...confirms, ...releases].some(({ ok }) => ok);
  for (const cart of carts.filter(isOpen)) {
    const wish = { id: `${cart.id}-late-free`, reservation: cart.id };
    cart.releases.push(await desk.insist('web', 'release', wish));
  }
  await until(async () => {
    const reads = await Promise.all(skus.map((sku) => desk.get(sku)));
    return reads.every(({ reserved }) => reserved === 0);
  }, 'nothing is held any more');

  const messages = await readJournal((nodes[0] as TestNode).nats);
  expect(brokenLinks(messages)).toEqual([]);
  const fates = fatesIn(eventsIn(messages).map(({ sku, event }) => ({ sku, ...event })));
  const sold = new Map<string, number>();
  for (const cart of carts) {
    const ended = cart.lines.map(({ sku }) => fates.get(`${cart.id} ${sku}`) ?? 'never');
    expect(new Set(ended).size, `${cart.id} ended as ${ended}`).toBe(1);
    const [fate] = ended;
    if (!cart.reserved.ok) expect(['never', 'released']).toContain(fate);
    else expect(['confirmed', 'released']).toContain(fate);
    // Whoever was told, was told the truth.
    if (cart.confirms.some(({ ok }) => ok)) expect(fate).toBe('confirmed');
    if (cart.releases.some(({ ok }) => ok)) expect(fate).toBe('released');
    if (fate !== 'confirmed') continue;
    for (const { sku, qty } of cart.lines) sold.set(sku, (sold.get(sku) ?? 0) + qty);
  }
  for (const sku of skus) {
    expect(await desk.get(sku)).toMatchObject({
      onHand: stock - (sold.get(sku) ?? 0),
      reserved: 0,
    });
    expect(sold.get(sku) ?? 0).toBeLessThanOrEqual(stock);
  }
  const confirmed = carts.filter(({ confirms }) => confirms.some(({ ok }) => ok)).length;
  const refused = carts.filter(({ reserved }) => !reserved.ok).length;
  console.log(`${confirmed} confirmed, ${refused} refused at once, of ${carts.length}`);
  expect(carts).toHaveLength(cartsTotal);
  expect(confirmed).toBeGreaterThan(20);
  expect(refused).toBeGreaterThan(20);
});

/** How each line of each cart ended, by `<cart> <sku>`; throws when it ended twice. */
function fatesIn(events: readonly (SkuEvent & { readonly sku: string })[]): Map<string, string> {
  const fates = new Map<string, string>();
  for (const event of events) {
    if (event.onHand < 0) throw new Error(`${event.sku} has ${event.onHand} on hand`);
    if (event.reserved > event.onHand) throw new Error(`${event.sku} is promised beyond its stock`);
    const cart = event.type === 'reservation.created' ? event.command : undefined;
    if (cart !== undefined) fates.set(`${cart} ${event.sku}`, 'held');
    if (event.type !== 'reservation.confirmed' && event.type !== 'reservation.released') continue;
    const key = `${event.reservation} ${event.sku}`;
    const before = fates.get(key);
    if (before === 'confirmed' || before === 'released') throw new Error(`${key} ended twice`);
    fates.set(key, event.type === 'reservation.confirmed' ? 'confirmed' : 'released');
  }
  return fates;
}
