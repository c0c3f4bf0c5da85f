/**
 * What clients want: drawn from the plan's weights and from what a client knows of its own holds and
 * carts. Quantities hover around what there is, so that the last unit is always in dispute.
 */

import type { Random } from './engine/random.ts';
import { partitionOf, skuKeyOf } from './model/names.ts';
import type { Plan } from './plan.ts';
import type { Intent } from './run-record.ts';

type Payload = Readonly<Record<string, unknown>>;

interface Command {
  readonly channel: string;
  readonly verb: string;
  readonly payload: Payload;
}

export interface CommandWish extends Command {
  readonly kind: 'sku' | 'cart' | 'bad';
}

export type Wish =
  | CommandWish
  | { readonly kind: 'again'; readonly intent: Intent }
  | {
      readonly kind: 'fact';
      readonly source: string;
      readonly verb: string;
      readonly sku: string;
      readonly payload: Payload;
    }
  | {
      readonly kind: 'frame';
      readonly sku: string;
      readonly channel: string;
      readonly wishes: readonly (Command & { readonly kind: 'sku' })[];
    };

interface KnownHold {
  readonly channel: string;
  readonly id: string;
  readonly sku: string;
  readonly qty: number;
}

interface KnownCart {
  readonly channel: string;
  readonly id: string;
  readonly skus: readonly string[];
}

const sellers = ['web', 'mobile', 'pos', 'ops'] as const;
const places = ['main', 'store', 'attic'] as const;
/** How many of the latest holds and carts a client still thinks about. */
const rememberedMax = 12;

export class Wisher {
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #name: string;
  readonly #holds: KnownHold[] = [];
  readonly #carts: KnownCart[] = [];
  readonly #asked: Intent[] = [];
  #counter = 0;

  constructor(plan: Plan, random: Random, name: string) {
    this.#plan = plan;
    this.#random = random;
    this.#name = name;
  }

  next(nowMs: number): Wish {
    const random = this.#random;
    const kind = random.weighted(Object.entries(this.#plan.wishes));
    switch (kind) {
      case 'again':
        return this.#asked.length > 0
          ? { kind: 'again', intent: random.pick(this.#asked) }
          : this.#reserve();
      case 'cart':
        return this.#cart();
      case 'cartEnd':
        return this.#onCart() ?? this.#cart();
      case 'fact':
        return this.#fact(nowMs);
      case 'frame':
        return this.#frame();
      case 'conflict':
        return this.#conflict() ?? this.#reserve();
      case 'stranger':
        return this.#stranger() ?? this.#reserve();
      case 'wrong':
        return this.#wrong();
      case 'stale':
        return this.#stale(nowMs);
      default:
        return this.#plain(kind);
    }
  }

  /** The client has learned something. */
  heard(intent: Intent, reply: Payload): void {
    if (intent.verb !== 'get' && intent.kind !== 'bad') {
      this.#asked.push(intent);
      if (this.#asked.length > rememberedMax) this.#asked.shift();
    }
    if (reply.ok !== true || intent.verb !== 'reserve') return;
    const { channel, payload } = intent;
    if (intent.kind === 'cart') {
      const skus = (reply.lines as { sku: string }[]).map((line) => line.sku);
      this.#carts.push({ channel, id: payload.id as string, skus });
      if (this.#carts.length > rememberedMax) this.#carts.shift();
    } else {
      const { id, sku, qty } = payload as { id: string; sku: string; qty: number };
      this.#holds.push({ channel, id, sku, qty });
      if (this.#holds.length > rememberedMax) this.#holds.shift();
    }
  }

  #plain(verb: string): Wish {
    switch (verb) {
      case 'confirm':
      case 'release':
      case 'renew':
        return this.#onHold(verb) ?? this.#reserve();
      case 'sell':
        return this.#selling('sell', {
          ...this.#which(),
          qty: this.#few(),
          ...this.#somewhere(0.3),
        });
      case 'receive':
        return this.#stocking('receive', { qty: this.#few(), ...this.#somewhere(0.6) });
      case 'restock':
        return this.#selling('restock', { ...this.#which(), qty: 1, ...this.#somewhere(0.3) });
      case 'adjust':
        return this.#stocking('adjust', {
          delta: this.#random.pick([-2, -1, 1, 3]),
          reason: 'found',
          ...this.#expecting(),
          ...this.#somewhere(0.5),
        });
      case 'count':
        return this.#stocking('count', {
          counted: this.#random.between(0, this.#plan.openingStock + 2),
          ...this.#expecting(),
          ...this.#somewhere(0.6),
        });
      case 'transfer':
        return this.#stocking('transfer', {
          qty: this.#few(),
          from: this.#random.pick(places),
          to: this.#random.pick(places),
        });
      case 'policy':
        return this.#policy();
      case 'correct':
        return this.#command('reconciler', 'correct', {
          ...this.#which(),
          delta: this.#random.pick([-1, 1, 2]),
          evidence: { asOfSeq: 1_000_000 },
        });
      case 'get':
        return {
          kind: 'sku',
          channel: this.#random.pick(sellers),
          verb: 'get',
          payload: { sku: this.#sku() },
        };
      case 'early':
        return this.#early();
      default:
        return this.#reserve();
    }
  }

  #reserve(): Wish & { kind: 'sku' } {
    const ttl = this.#random.chance(0.4) ? { ttlMs: this.#random.between(1, 4_000) } : {};
    return this.#selling('reserve', {
      ...this.#which(),
      qty: this.#few(),
      ...ttl,
      ...this.#somewhere(0.2),
    });
  }

  #onHold(verb: string): Wish | undefined {
    const hold = this.#pick(this.#holds);
    if (!hold) return undefined;
    const random = this.#random;
    const { channel, id: reservation, sku, qty } = hold;
    const asPos = channel === 'web' && random.chance(0.2);
    const more =
      verb === 'confirm'
        ? {
            order: this.#order(`${reservation}-`),
            ...(random.chance(0.3) ? { qty: random.between(1, qty + 1) } : {}),
          }
        : verb === 'renew'
          ? { ttlMs: random.between(1, 6_000) }
          : {};
    return this.#command(asPos ? 'pos' : channel, verb, {
      sku,
      reservation,
      ...more,
      ...(asPos ? { heldBy: 'web' } : {}),
    });
  }

  #policy(): Wish {
    const random = this.#random;
    const units = () => random.pick([null, 0, 1, 2, 5]);
    const channels = random.chance(0.6)
      ? {
          channels: {
            [random.pick(sellers)]: random.pick([
              { buffer: units() },
              { quota: random.pick([null, 2, 6]) },
              { ringFence: units() },
            ]),
          },
        }
      : {};
    return this.#command('ops', 'policy', {
      ...this.#which(),
      ...(random.chance(0.4) ? { safetyStock: units() } : {}),
      ...(random.chance(0.3) ? { backorderMax: random.pick([null, 1, 3]) } : {}),
      ...(random.chance(0.3) ? { lowStock: units() } : {}),
      ...channels,
    });
  }

  /** A hold that is released before it is made. */
  #early(): Wish {
    const id = this.#id();
    const channel = this.#random.pick(sellers);
    const { sku } = this.#which();
    this.#holds.push({ channel, id, sku, qty: 1 });
    if (this.#random.chance(0.5))
      return this.#command(channel, 'release', { sku, reservation: id });
    return { kind: 'sku', channel, verb: 'reserve', payload: { id, sku, qty: 1 } };
  }

  #cart(): Wish {
    const lines = Array.from({ length: this.#random.between(1, 4) }, () => ({
      sku: this.#sku(),
      qty: this.#few(),
      ...this.#somewhere(0.15),
    }));
    // Equal SKUs are summed; where their locations differ there would be nothing to sum.
    const seen = new Map<string, string | undefined>();
    const fitting = lines.filter((line) => {
      const location = 'location' in line ? (line.location as string) : undefined;
      if (seen.has(line.sku) && seen.get(line.sku) !== location) return false;
      seen.set(line.sku, location);
      return true;
    });
    const ttl = this.#random.chance(0.5) ? { ttlMs: this.#random.between(200, 4_000) } : {};
    const channel = this.#random.pick(sellers);
    return {
      kind: 'cart',
      channel,
      verb: 'reserve',
      payload: { id: this.#id(), lines: fitting, ...ttl },
    };
  }

  #onCart(): Wish | undefined {
    const cart = this.#pick(this.#carts);
    if (!cart) return undefined;
    const random = this.#random;
    const verb = random.weighted([
      ['confirm', 5],
      ['release', 3],
      ['renew', 2],
    ]);
    const more =
      verb === 'confirm'
        ? { order: this.#order(`${cart.id}-k`) }
        : verb === 'renew'
          ? { ttlMs: random.between(1, 4_000) }
          : {};
    const skus = random.chance(0.5) ? { skus: random.shuffle(cart.skus) } : {};
    const payload = { id: this.#id(), reservation: cart.id, ...more, ...skus };
    return { kind: 'cart', channel: cart.channel, verb, payload };
  }

  #fact(nowMs: number): Wish {
    const random = this.#random;
    const verb = random.weighted([
      ['sell', 5],
      ['receive', 3],
      ['restock', 1],
      ['adjust', 1],
      ['count', 1],
      ['transfer', 1],
    ]);
    const sku = this.#sku();
    const fields: Record<string, Payload> = {
      sell: { qty: this.#few() },
      receive: { qty: this.#few() },
      restock: { qty: 1 },
      adjust: { delta: random.pick([-2, -1, 2]), reason: 'damage' },
      count: { counted: random.between(0, this.#plan.openingStock + 2) },
      transfer: { qty: 1, from: 'main', to: 'store' },
    };
    const poison = random.chance(0.08) ? { colour: 'red' } : {};
    const occurred = random.chance(0.3) ? { occurredAtMs: nowMs - random.between(0, 5_000) } : {};
    return {
      kind: 'fact',
      source: random.pick(['pos', 'wms', 'scanner']),
      verb,
      sku,
      payload: { id: this.#id(), sku, ...fields[verb], ...occurred, ...poison },
    };
  }

  #frame(): Wish {
    const sku = this.#sku();
    const channel = this.#random.pick(sellers);
    const { partitions, skus } = this.#plan;
    const partition = partitionOf(skuKeyOf(sku), partitions);
    const beside = skus.filter((other) => partitionOf(skuKeyOf(other), partitions) === partition);
    const wishes = Array.from({ length: this.#random.between(1, 5) }, () => {
      const payload = { id: this.#id(), sku: this.#random.pick(beside), qty: this.#few() };
      return { kind: 'sku' as const, channel, verb: 'reserve', payload };
    });
    return { kind: 'frame', sku, channel, wishes };
  }

  /** An id that has been used for something else. */
  #conflict(): Wish | undefined {
    const known = this.#pick(this.#asked.filter((intent) => intent.kind === 'sku'));
    if (!known) return undefined;
    const { id, sku } = known.payload;
    const other = known.verb === 'reserve' ? 'sell' : 'reserve';
    const payload = { id, sku, qty: this.#random.between(50, 60) };
    return { kind: 'sku', channel: known.channel, verb: other, payload };
  }

  /** Another channel's id: a stranger with the same name. */
  #stranger(): Wish | undefined {
    const known = this.#pick(this.#asked.filter((intent) => intent.verb === 'reserve'));
    if (known?.kind !== 'sku') return undefined;
    const { id, sku } = known.payload;
    const channel = this.#random.pick(sellers.filter((other) => other !== known.channel));
    const payload = { id, sku, qty: this.#few() };
    return { kind: 'sku', channel, verb: this.#random.pick(['reserve', 'sell']), payload };
  }

  #stale(nowMs: number): Wish {
    const { channel, verb, payload } = this.#reserve();
    const issuedAtMs = nowMs - this.#random.pick([0, 1_000, 11 * 60_000, 20 * 60_000]);
    return { kind: 'sku', channel, verb, payload: { ...payload, issuedAtMs } };
  }

  /** Requests that are wrong in themselves; `expected` says what the reply must be. */
  #wrong(): Wish {
    const id = this.#id();
    const sku = this.#sku();
    const bad = (channel: string, verb: string, payload: Payload, expected: string): Wish => ({
      kind: 'bad',
      channel,
      verb,
      payload: Object.defineProperty({ ...payload }, 'expected', { value: expected }),
    });
    return this.#random.pick([
      bad('web', 'reserve', { raw: '{"id": "x", ' }, 'invalid_request'),
      bad('web', 'reserve', { id, sku, qty: 0 }, 'invalid_request'),
      bad('web', 'reserve', { id, sku, qty: 1, colour: 'red' }, 'invalid_request'),
      bad('web', 'reserve', { id, sku, qty: 5_000_000_000 }, 'limit_exceeded'),
      bad('web', 'borrow', { id, sku, qty: 1 }, 'invalid_request'),
      bad('web', 'receive', { id, sku, qty: 1 }, 'forbidden'),
      bad('nobody', 'reserve', { id, sku, qty: 1 }, 'forbidden'),
      bad('web', 'reserve', { id, sku: 'never seen', qty: 1 }, 'unknown_sku'),
      bad('web', 'get', { sku: 'never seen' }, 'unknown_sku'),
      bad('web', 'reserve', { id, lines: [] }, 'invalid_request'),
    ]);
  }

  #selling(verb: string, payload: Payload): Wish & { kind: 'sku' } {
    return this.#command(this.#random.pick(sellers), verb, payload);
  }

  #stocking(verb: string, payload: Payload): Wish {
    const channel = this.#random.pick(['wms', 'ops']);
    return this.#command(channel, verb, { sku: this.#sku(), ...payload });
  }

  #command(channel: string, verb: string, payload: Payload): Wish & { kind: 'sku' } {
    return { kind: 'sku', channel, verb, payload: { id: this.#id(), ...payload } };
  }

  /** One of two orders. For an ERP they are documents: then each belongs to one purchase. */
  #order(purchase: string): string {
    const number = this.#random.between(1, 2);
    return this.#plan.reconcile === null ? `o-${number}` : `${purchase}${number}`;
  }

  #id(): string {
    this.#counter += 1;
    return `${this.#name}-${this.#counter}`;
  }

  #which(): { sku: string } {
    return { sku: this.#sku() };
  }

  /** The first SKU is the hot one. */
  #sku(): string {
    const { skus } = this.#plan;
    return this.#random.chance(0.4) ? (skus[0] as string) : this.#random.pick(skus);
  }

  #few(): number {
    return this.#random.weighted([
      [1, 6],
      [2, 3],
      [this.#random.between(3, 9), 1],
    ]);
  }

  #somewhere(probability: number): Payload {
    return this.#random.chance(probability) ? { location: this.#random.pick(places) } : {};
  }

  #expecting(): Payload {
    return this.#random.chance(0.3)
      ? { expectOnHand: this.#random.between(0, this.#plan.openingStock) }
      : {};
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : this.#random.pick(items);
  }
}
