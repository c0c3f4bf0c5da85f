/**
 * The client's methods: one per verb of the contract, typed, for one channel. A refusal is a value;
 * thrown are `DeadlineExceededError`, `ClientClosedError` and what is wrong with the program or the
 * deployment (`PortError` with code `misconfigured`, `TypeError`).
 *
 * 1. Every command has an id, the caller's or one of ours, and is only ever repeated with it: a
 *    failover is a delay, never a second effect.
 */

import type { Verb } from '../contract/verbs.ts';
import { Dispatcher, type DispatcherWorld } from './dispatcher.ts';
import { type FactPublisher, type FactStored, publishFact } from './facts.ts';
import { idMaker } from './ids.ts';
import { resolveSendOptions, type SendOptions, type SendSettings } from './options.ts';
import type { Accepted, CartAccepted, Refused, Reply, StockReply } from './replies.ts';
import type * as r from './requests.ts';

/** Options of one call. */
export interface CallOptions {
  /** Instead of the client's. */
  readonly deadlineMs?: number | undefined;
}

/** What the client stands on; made by `connectClient`, or by a test. */
export interface ClientWorld extends DispatcherWorld {
  readonly publishFact: FactPublisher;
  readonly nextId?: () => string;
  /** Ends the connection. */
  readonly disconnect: () => Promise<void>;
}

export class Client {
  readonly #settings: SendSettings;
  readonly #world: ClientWorld;
  readonly #dispatcher: Dispatcher;
  readonly #nextId: () => string;
  #closed = false;

  /** See `connectClient`. */
  constructor(options: SendOptions, world: ClientWorld) {
    this.#settings = resolveSendOptions(options);
    this.#world = world;
    this.#dispatcher = new Dispatcher(this.#settings, world);
    this.#nextId = world.nextId ?? idMaker();
  }

  get channel(): string {
    return this.#settings.channel;
  }

  /** The deployment's number of partitions; undefined until it could be read. */
  get partitions(): number | undefined {
    return this.#world.partitions();
  }

  /** Commands without result. */
  get pending(): number {
    return this.#dispatcher.pending;
  }

  /** Soft hold on one SKU, or on all lines of a cart. The reservation's id is the command's. */
  reserve(request: r.Reserve, options?: CallOptions): Promise<Accepted | Refused>;
  reserve(request: r.ReserveCart, options?: CallOptions): Promise<CartAccepted | Refused>;
  reserve(request: r.Reserve | r.ReserveCart, options?: CallOptions) {
    return this.#command('reserve', request, options) as Promise<never>;
  }

  /** Expiry = now + `ttlMs`, within the longest lifetime. */
  renew(request: r.Renew, options?: CallOptions): Promise<Accepted | Refused>;
  renew(request: r.RenewCart, options?: CallOptions): Promise<Accepted | CartAccepted | Refused>;
  renew(request: r.Renew | r.RenewCart, options?: CallOptions) {
    return this.#command('renew', request, options) as Promise<never>;
  }

  /** The hold becomes a permanent decrement. */
  confirm(request: r.Confirm, options?: CallOptions): Promise<Accepted | Refused>;
  confirm(
    request: r.ConfirmCart,
    options?: CallOptions,
  ): Promise<Accepted | CartAccepted | Refused>;
  confirm(request: r.Confirm | r.ConfirmCart, options?: CallOptions) {
    return this.#command('confirm', request, options) as Promise<never>;
  }

  /** The hold ends, stock is free again. */
  release(request: r.Release, options?: CallOptions): Promise<Accepted | Refused>;
  release(
    request: r.ReleaseCart,
    options?: CallOptions,
  ): Promise<Accepted | CartAccepted | Refused>;
  release(request: r.Release | r.ReleaseCart, options?: CallOptions) {
    return this.#command('release', request, options) as Promise<never>;
  }

  /** Direct decrement. */
  sell(request: r.Sell, options?: CallOptions): Promise<Accepted | Refused> {
    return this.#command('sell', request, options) as Promise<Accepted | Refused>;
  }

  /** Goods in. */
  receive(request: r.Receive, options?: CallOptions): Promise<Accepted | Refused> {
    return this.#command('receive', request, options) as Promise<Accepted | Refused>;
  }

  /** A customer's return goes back on sale. */
  restock(request: r.Restock, options?: CallOptions): Promise<Accepted | Refused> {
    return this.#command('restock', request, options) as Promise<Accepted | Refused>;
  }

  /** Damage, loss, found. */
  adjust(request: r.Adjust, options?: CallOptions): Promise<Accepted | Refused> {
    return this.#command('adjust', request, options) as Promise<Accepted | Refused>;
  }

  /** Cycle count: sets on hand at the location. */
  count(request: r.Count, options?: CallOptions): Promise<Accepted | Refused> {
    return this.#command('count', request, options) as Promise<Accepted | Refused>;
  }

  /** Moves what is unreserved at `from`. */
  transfer(request: r.Transfer, options?: CallOptions): Promise<Accepted | Refused> {
    return this.#command('transfer', request, options) as Promise<Accepted | Refused>;
  }

  /** Per-SKU rules. */
  policy(request: r.Policy, options?: CallOptions): Promise<Accepted | Refused> {
    return this.#command('policy', request, options) as Promise<Accepted | Refused>;
  }

  /** The reconciler's correction. */
  correct(request: r.Correct, options?: CallOptions): Promise<Accepted | Refused> {
    return this.#command('correct', request, options) as Promise<Accepted | Refused>;
  }

  /** Strong read from the SKU's actor. */
  get(request: r.Get, options?: CallOptions): Promise<StockReply | Refused> {
    return this.#command('get', request, options) as Promise<StockReply | Refused>;
  }

  /**
   * Publishes something that has already happened; the client's channel is its source. Resolves once
   * it is stored. Whether it could be applied is not known then: if not, it is a dead letter.
   */
  publishFact<V extends keyof r.FactRequests>(
    verb: V,
    request: r.FactRequests[V],
    options?: CallOptions,
  ): Promise<FactStored> {
    const id = request.id ?? this.#nextId();
    const { deadlineMs } = options ?? {};
    const world = { ...this.#world, closed: () => this.#closed };
    const fact = { verb, id, request, deadlineMs };
    return publishFact(fact, this.#settings, world, this.#world.publishFact);
  }

  /** Ends the connection. What has no result yet fails with `ClientClosedError`. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#dispatcher.close();
    await this.#world.disconnect();
  }

  #command(
    verb: Verb,
    request: { readonly id?: string | undefined; readonly sku?: string; readonly lines?: unknown },
    options: CallOptions | undefined,
  ): Promise<Reply> {
    const id = verb === 'get' ? undefined : (request.id ?? this.#nextId());
    return this.#dispatcher.send({
      verb,
      id,
      request,
      // `sku` beside `lines` or `skus` is the node's to refuse; a frame would carry it nowhere else.
      sku: typeof request.sku === 'string' ? request.sku : undefined,
      deadlineMs: options?.deadlineMs,
    });
  }
}
