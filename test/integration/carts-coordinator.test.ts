// The coordinator of a cart dies, at every step that it writes down: before the step is durable, and after it is and
// before anybody hears of it. Whoever owns home next carries on, without the caller: the cart has one fate, all
// lines follow it, and the same command again gets the same answer.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CartEntry } from '../../src/domain/carts.ts';
import { partitionOf, skuKeyOf } from '../../src/domain/names.ts';
import type { Journal, Ports } from '../../src/ports.ts';
import { rendezvousOwners } from '../../src/runtime/ownership.ts';
import { homeOf } from '../../src/runtime/router.ts';
import { type Desk, openDesk, type Reply } from '../support/desk.ts';
import { brokenLinks, readJournal } from '../support/journal-log.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { startNode, type TestNode, testConfig } from '../support/node.ts';

const partitions = 8;
/** More steps than any command has; the loop ends at the first that is not reached. */
const stepsMax = 12;
const atOnce = 4;

type Moment = 'before it is durable' | 'before anybody hears of it';

let server: TestNats;
let deployments = 0;

beforeAll(async () => {
  server = await startNats();
});

afterAll(async () => {
  await server?.stop();
});

/** A journal whose owner dies at its n-th append from when it is armed. */
class Fuse {
  readonly died: Promise<void>;
  #left = Number.POSITIVE_INFINITY;
  #moment: Moment = 'before it is durable';
  #blow: () => void = () => {};

  constructor() {
    this.died = new Promise((resolve) => {
      this.#blow = resolve;
    });
  }

  arm(appends: number, moment: Moment): void {
    this.#left = appends;
    this.#moment = moment;
  }

  /** The command had fewer steps: what comes after it is not to die of it. */
  disarm(): void {
    this.#left = Number.POSITIVE_INFINITY;
  }

  readonly wrap = (ports: Ports): Ports => {
    const append: Journal['append'] = async (request) => {
      this.#left -= 1;
      if (this.#left < 0) return new Promise(() => {});
      if (this.#left > 0) return ports.journal.append(request);
      if (this.#moment === 'before anybody hears of it') await ports.journal.append(request);
      this.#blow();
      return new Promise(() => {});
    };
    return { ...ports, journal: { ...ports.journal, append } };
  };
}

interface Scene {
  readonly desk: Desk;
  /** A cart whose home is on the node that will die. */
  readonly cart: string;
  /** One on each of two partitions of either node. */
  readonly skus: readonly string[];
}

interface Play {
  readonly name: string;
  readonly stock: number;
  readonly arrange?: (scene: Scene) => Promise<void>;
  readonly command: (scene: Scene) => { verb: string; payload: Record<string, unknown> };
  /** What the answer is, whoever gives it in the end. */
  readonly answer: Record<string, unknown>;
  /** On hand and reserved of every line then; a reserved number per line where they differ. */
  readonly onHand: number;
  readonly reserved: number | readonly number[];
  readonly fate: string;
}

const linesOf = (skus: readonly string[], qty = 1) => skus.map((sku) => ({ sku, qty }));

const reserve = async ({ desk, cart, skus }: Scene, ttlMs = 600_000) => {
  const reply = await desk.insist('web', 'reserve', { id: cart, lines: linesOf(skus), ttlMs });
  expect(reply).toMatchObject({ ok: true });
};

const expire = async (scene: Scene) => {
  await reserve(scene, 50);
  for (const sku of scene.skus) {
    await expect
      .poll(() => scene.desk.get(sku), { timeout: 30_000 })
      .toMatchObject({ reserved: 0 });
  }
};

const plays: readonly Play[] = [
  {
    name: 'a reserve that succeeds',
    stock: 2,
    command: ({ cart, skus }) => ({ verb: 'reserve', payload: { id: cart, lines: linesOf(skus) } }),
    answer: { ok: true, id: expect.any(String) },
    onHand: 2,
    reserved: 1,
    fate: 'open',
  },
  {
    name: 'a reserve that is refused',
    stock: 2,
    command: ({ cart, skus }) => ({
      verb: 'reserve',
      payload: { id: cart, lines: [...linesOf(skus.slice(0, 3)), { sku: skus[3], qty: 3 }] },
    }),
    answer: { ok: false, error: { code: 'insufficient_stock' } },
    onHand: 2,
    reserved: 0,
    fate: 'refused',
  },
  {
    name: 'a confirm',
    stock: 2,
    arrange: reserve,
    command: ({ cart }) => ({
      verb: 'confirm',
      payload: { id: `${cart}-pay`, reservation: cart, order: 'o-1' },
    }),
    answer: { ok: true },
    onHand: 1,
    reserved: 0,
    fate: 'confirmed',
  },
  {
    name: 'a late confirm that takes everything again',
    stock: 1,
    arrange: expire,
    command: ({ cart }) => ({
      verb: 'confirm',
      payload: { id: `${cart}-pay`, reservation: cart, order: 'o-1' },
    }),
    answer: { ok: true, retaken: true },
    onHand: 0,
    reserved: 0,
    fate: 'confirmed',
  },
  {
    name: 'a late confirm of which one line is gone',
    stock: 1,
    async arrange(scene) {
      await expire(scene);
      const [sku] = scene.skus;
      const other = { id: `${scene.cart}-other`, sku, qty: 1 };
      expect(await scene.desk.insist('web', 'reserve', other)).toMatchObject({ ok: true });
    },
    command: ({ cart }) => ({
      verb: 'confirm',
      payload: { id: `${cart}-pay`, reservation: cart, order: 'o-1' },
    }),
    answer: { ok: false, error: { code: 'no_longer_available' } },
    onHand: 1,
    reserved: [1, 0, 0, 0],
    fate: 'open',
  },
  {
    name: 'a renew',
    stock: 2,
    arrange: reserve,
    command: ({ cart }) => ({
      verb: 'renew',
      payload: { id: `${cart}-more`, reservation: cart, ttlMs: 900_000 },
    }),
    answer: { ok: true },
    onHand: 2,
    reserved: 1,
    fate: 'open',
  },
  {
    name: 'a release',
    stock: 2,
    arrange: reserve,
    command: ({ cart }) => ({
      verb: 'release',
      payload: { id: `${cart}-free`, reservation: cart },
    }),
    answer: { ok: true },
    onHand: 2,
    reserved: 0,
    fate: 'released',
  },
];

const owners = rendezvousOwners(['old', 'next'], partitions);
const shareOf = (name: string) =>
  new Set(owners.flatMap((owner, at) => (owner === name ? [at] : [])));

function held(node: TestNode): Set<number> {
  const serving = node.node.status().partitions.filter(({ phase }) => phase === 'serving');
  return new Set(serving.map(({ partition }) => partition));
}

/** The first of `name-0`, `name-1`, … for which `fits` holds. */
function firstName(name: string, fits: (candidate: string) => boolean): string {
  for (let n = 0; ; n++) if (fits(`${name}-${n}`)) return `${name}-${n}`;
}

/** Two SKUs in partitions of each node, the node that will die first and last. */
function skusOver(dying: ReadonlySet<number>): string[] {
  const wanted = [true, false, true, false];
  const used = new Set<string>();
  return wanted.map((onDying, at) => {
    const sku = firstName(`line-${at}`, (candidate) => {
      const partition = partitionOf(skuKeyOf(candidate), partitions);
      return dying.has(partition) === onDying && !used.has(candidate);
    });
    used.add(sku);
    return sku;
  });
}

/** Something that only the home of the cart can answer, and that changes nothing. */
async function askHome({ desk, cart }: Scene): Promise<void> {
  const home = homeOf('web', cart, partitions);
  const reservation = firstName('nobody', (id) => homeOf('web', id, partitions) === home);
  const wish = { id: `${cart}-nobody`, reservation, order: 'o-1' };
  await desk.ask('web', 'confirm', wish).catch(() => undefined);
}

/** Plays the command with a coordinator that dies at a step; answers whether it got that far. */
async function playAndKill(play: Play, step: number, moment: Moment): Promise<boolean> {
  deployments += 1;
  const prefix = `c${deployments}`;
  const config = testConfig({
    prefix,
    partitions,
    channels: {
      web: { verbs: ['reserve', 'renew', 'confirm', 'release', 'get'] },
      wms: { verbs: ['receive'] },
    },
    limits: {
      handoverTimeoutMs: 500,
      cartStepRetryMs: 50,
      forwardTimeoutMs: 1_000,
    },
  });
  const fuse = new Fuse();
  const dying = await startNode({ url: server.url, name: 'old', config, wrap: fuse.wrap });
  const heir = await startNode({ url: server.url, name: 'next', config });
  const desk = await openDesk(server.url, prefix);
  try {
    const shared = { timeout: 30_000 };
    await expect.poll(() => held(dying), shared).toEqual(shareOf('old'));
    await expect.poll(() => held(heir), shared).toEqual(shareOf('next'));
    const mine = held(dying);
    const scene: Scene = {
      desk,
      cart: firstName('cart', (id) => mine.has(homeOf('web', id, partitions))),
      skus: skusOver(mine),
    };
    await Promise.all(scene.skus.map((sku) => desk.receive(sku, play.stock)));
    await play.arrange?.(scene);

    fuse.arm(step, moment);
    const { verb, payload } = play.command(scene);
    const first = desk.ask('web', verb, payload).catch(() => undefined);
    // The last step comes after the answer: what asks home next waits behind it.
    const answered = first.then(() => askHome(scene));
    const got = await Promise.race([fuse.died.then(() => 'died' as const), answered]);
    if (got === 'died') await dying.crash();
    else fuse.disarm();

    await expectFate(play, scene, desk, verb, payload);
    await expectJournal(play, heir, scene.cart);
    return got === 'died';
  } finally {
    await desk.close();
    await dying.crash();
    await heir.stop();
  }
}

async function expectFate(
  play: Play,
  { skus }: Scene,
  desk: Desk,
  verb: string,
  payload: Record<string, unknown>,
): Promise<void> {
  const reply = await desk.insist('web', verb, payload);
  expect(reply).toMatchObject(play.answer);
  const again = await desk.insist('web', verb, payload);
  expect(withoutRepetition(again)).toEqual(withoutRepetition(reply));
  for (const [at, sku] of skus.entries()) {
    const reserved = typeof play.reserved === 'number' ? play.reserved : play.reserved[at];
    await expect
      .poll(() => desk.get(sku), { timeout: 30_000 })
      .toMatchObject({ onHand: play.onHand, reserved });
  }
}

/** What may differ: whether it is a repetition, and the state of the hold that only repetitions tell. */
function withoutRepetition({ replayed: _, state: _state, ...reply }: Reply): unknown {
  return reply;
}

async function expectJournal(play: Play, node: TestNode, cart: string): Promise<void> {
  const messages = await readJournal(node.nats);
  expect(brokenLinks(messages)).toEqual([]);
  const entries = messages.flatMap(({ carts }) => carts.map(([entry]) => entry as CartEntry));
  const fates = entries.flatMap((entry) =>
    entry.type === 'decided' && entry.id === cart ? [entry.fate] : [],
  );
  expect(fates.at(-1)).toBe(play.fate);
  const final = fates.filter((fate) => fate !== 'open');
  expect(final.length).toBeLessThanOrEqual(1);
}

for (const play of plays) {
  test(`${play.name}, its coordinator killed at every step`, { timeout: 300_000 }, async () => {
    const cases: { step: number; moment: Moment }[] = [];
    for (let step = 1; step <= stepsMax; step++) {
      cases.push({ step, moment: 'before it is durable' });
      cases.push({ step, moment: 'before anybody hears of it' });
    }
    let killed = 0;
    let over = false;
    const worker = async () => {
      for (let next = cases.shift(); next && !over; next = cases.shift()) {
        const { step, moment } = next;
        try {
          if (await playAndKill(play, step, moment)) killed += 1;
          else over = true;
        } catch (error) {
          throw new Error(`killed at step ${step} ${moment}`, { cause: error });
        }
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    // At least the intent or the verdict, and what settles it.
    expect(killed).toBeGreaterThanOrEqual(4);
  });
}
