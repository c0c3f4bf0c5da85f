/** Customers of several channels, made up: they reserve, think, buy, give back or forget. */

import type { Client } from '../../client/index.ts';
import { showDuration } from '../times.ts';
import type { DemoChannel } from './demo.ts';

type Tell = (channel: DemoChannel, text: string) => void;

const everyMs = 450;
const forgottenAfterMs = 20_000;
/** Of this many SKUs most of the interest is in a few, as in life. */
const hotShare = 0.4;
/** There is only ever one of it; it is reserved and given back, so that the race for it goes on. */
const onlyOne = 'CONSOLE-LIMITED';
const hotSkus = [onlyOne, 'MUG-0001', 'SNEAKER-42', 'TEE-BLK-M'];
const refillBelow = 5;

export class Shoppers {
  readonly #clients: Readonly<Record<DemoChannel, Client>>;
  readonly #skus: readonly string[];
  readonly #tell: Tell;
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopped = false;
  #orders = 1_000;

  constructor(clients: Readonly<Record<DemoChannel, Client>>, skus: readonly string[], tell: Tell) {
    this.#clients = clients;
    this.#skus = skus;
    this.#tell = tell;
  }

  start(): void {
    this.#later(everyMs, () => {
      void this.#visit().catch((error: unknown) => {
        if (!this.#stopped) this.#tell('web', `gave up: ${(error as Error).message}`);
      });
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  async #visit(): Promise<void> {
    const dice = Math.random();
    if (dice < 0.2) return this.#sellAtTheTill();
    if (dice < 0.28) return this.#cart();
    await this.#reserve(pick(['web', 'mobile', 'marketplace']));
  }

  async #reserve(channel: 'web' | 'mobile' | 'marketplace'): Promise<void> {
    const client = this.#clients[channel];
    const sku = this.#sku();
    const qty = Math.random() < 0.8 ? 1 : 2;
    const held = await client.reserve({ sku, qty, ttlMs: forgottenAfterMs });
    if (!held.ok) {
      this.#tell(channel, `wanted ${qty} × ${sku}: ${held.error.code}`);
      await this.#refill(sku);
      return;
    }
    this.#tell(channel, `reserved ${qty} × ${sku}, ${held.available} left`);
    const reservation = held.id;
    const dice = Math.random();
    const isLast = sku === onlyOne;
    this.#later(1_000 + Math.random() * 4_000, async () => {
      if (dice < 0.6 && !isLast) {
        const order = `o-${++this.#orders}`;
        const bought = await client.confirm({ sku, reservation, order });
        if (bought.ok) this.#tell(channel, `bought   ${qty} × ${sku}, order ${order}`);
      } else if (dice < 0.8) {
        const back = await client.release({ sku, reservation });
        if (back.ok) this.#tell(channel, `gave back ${qty} × ${sku}, ${back.available} left`);
      } else {
        const rest = showDuration(forgottenAfterMs);
        this.#tell(channel, `forgot   ${qty} × ${sku}: free again after ${rest}`);
      }
    });
    if (held.available < refillBelow) await this.#refill(sku);
  }

  /** Goods leave the shop: a sale without a hold. */
  async #sellAtTheTill(): Promise<void> {
    const sku = this.#plentiful();
    const sold = await this.#clients.pos.sell({ sku, qty: 1, order: `till-${++this.#orders}` });
    if (sold.ok) this.#tell('pos', `sold     1 × ${sku}, ${sold.available} left`);
    else this.#tell('pos', `wanted 1 × ${sku}: ${sold.error.code}`);
  }

  /** Several SKUs, all or none. */
  async #cart(): Promise<void> {
    const { web } = this.#clients;
    const skus = [...new Set([this.#plentiful(), this.#plentiful(), this.#plentiful()])];
    const lines = skus.map((sku) => ({ sku, qty: 1 }));
    const cart = await web.reserve({ lines, ttlMs: forgottenAfterMs });
    if (!cart.ok) {
      this.#tell('web', `wanted a cart of ${skus.join(', ')}: ${cart.error.code}`);
      return;
    }
    this.#tell('web', `reserved a cart: ${skus.join(', ')}`);
    this.#later(2_000, async () => {
      const order = `o-${++this.#orders}`;
      const bought = await web.confirm({ reservation: cart.id, order });
      if (bought.ok) this.#tell('web', `bought   the cart, order ${order}`);
    });
  }

  async #refill(sku: string): Promise<void> {
    if (sku === onlyOne) return;
    const qty = 20 + Math.floor(Math.random() * 20);
    const got = await this.#clients.wms.receive({ sku, qty, ref: `delivery-${++this.#orders}` });
    if (got.ok) this.#tell('wms', `received ${qty} × ${sku}, ${got.available} left`);
  }

  #sku(): string {
    const hot = hotSkus.filter((sku) => this.#skus.includes(sku));
    return hot.length > 0 && Math.random() < hotShare ? pick(hot) : pick(this.#skus);
  }

  #plentiful(): string {
    const sku = this.#sku();
    return sku === onlyOne ? this.#plentiful() : sku;
  }

  #later(ms: number, act: () => void | Promise<void>): void {
    if (this.#stopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      // What fails while everything is being stopped is nobody's concern.
      void Promise.resolve(act()).catch(() => {});
    }, ms);
    this.#timers.add(timer);
  }
}

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)] as T;
}
