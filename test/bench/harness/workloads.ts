// What callers do, one after the other, until time is up.

import type { Client } from '../../../src/client/index.ts';
import { randomFrom, zipf } from './numbers.ts';
import type { ReceiptBook } from './receipts.ts';

/** One step of a caller: one command, or a few that belong together. */
export type Workload = (client: Client, book: ReceiptBook) => Promise<void>;

export type WorkloadParams =
  | { readonly kind: 'hot'; readonly sku: string }
  | { readonly kind: 'shop'; readonly skus: SkuRange; readonly zipf?: number }
  | { readonly kind: 'carts'; readonly skus: SkuRange; readonly lines: number };

/** SKUs `<prefix>0` … `<prefix>count−1`. */
export interface SkuRange {
  readonly prefix: string;
  readonly count: number;
}

type Parameters<Kind> = Extract<WorkloadParams, { readonly kind: Kind }>;

export const workloads: {
  readonly [Kind in WorkloadParams['kind']]: (params: Parameters<Kind>) => Workload;
} = { hot, shop, carts };

/** Everybody wants the same. */
function hot({ sku }: Parameters<'hot'>): Workload {
  return (client, book) => tell(book, (id) => client.reserve({ id, sku, qty: 1 }));
}

/** Reserve, then confirm or release, on SKUs drawn uniformly or by Zipf. */
function shop({ skus, zipf: exponent }: Parameters<'shop'>): Workload {
  const random = randomFrom(Math.trunc(Math.random() * 2 ** 32));
  const next =
    exponent === undefined
      ? () => Math.floor(random() * skus.count)
      : zipf(skus.count, exponent, random);
  return async (client, book) => {
    const sku = skus.prefix + next();
    const reservation = book.nextId();
    const held = await settled(book, reservation, client.reserve({ id: reservation, sku, qty: 1 }));
    if (!held) return;
    const wants = random() < 0.5;
    await tell(book, (id) =>
      wants
        ? client.confirm({ id, sku, reservation, order: 'o-1' })
        : client.release({ id, sku, reservation }),
    );
  };
}

/** Carts of different SKUs, confirmed or released as a whole. */
function carts({ skus, lines: size }: Parameters<'carts'>): Workload {
  const random = randomFrom(Math.trunc(Math.random() * 2 ** 32));
  return async (client, book) => {
    const chosen = new Set<number>();
    while (chosen.size < size) chosen.add(Math.floor(random() * skus.count));
    const lines = [...chosen].map((index) => ({ sku: skus.prefix + index, qty: 1 }));
    const reservation = book.nextId();
    const held = await settled(book, reservation, client.reserve({ id: reservation, lines }));
    if (!held) return;
    const wants = random() < 0.5;
    await tell(book, (id) =>
      wants
        ? client.confirm({ id, reservation, order: 'o-1' })
        : client.release({ id, reservation }),
    );
  };
}

type Answer = { readonly ok: boolean; readonly error?: { readonly code: string } };

async function tell(book: ReceiptBook, send: (id: string) => Promise<Answer>): Promise<void> {
  const id = book.nextId();
  await settled(book, id, send(id));
}

async function settled(book: ReceiptBook, id: string, answer: Promise<Answer>): Promise<boolean> {
  try {
    return book.note(id, await answer);
  } catch (error) {
    book.lost(id, error);
    return false;
  }
}
