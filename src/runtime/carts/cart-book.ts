/**
 * The carts whose home is this partition: their records, their entries on the way into the journal,
 * and one course per command under way (invariant 8).
 *
 * 1. Commands of one cart run one after another.
 * 2. What home answers from its record alone waits for a barrier, like every other answer (invariant
 *    2): a home that has been replaced knows nothing of what happened since.
 */

import type { LastunitConfig } from '../../config/config.ts';
import type { CartAnswer, CartCommand } from '../../contract/cart.ts';
import {
  type CartEntry,
  type CartRecord,
  cartKey,
  decodeCart,
  encodeCart,
  evolveCart,
  forgetCarts,
} from '../../domain/carts.ts';
import type { Refusal } from '../../domain/outcome.ts';
import type { Clock } from '../../ports.ts';
import { type IdIndex, useOfCart } from '../id-index.ts';
import type { Logger } from '../log.ts';
import { overloaded, unavailable } from '../partition/refusals.ts';
import type { CartEntries, CartWrite } from '../partition/rounds.ts';
import type { ReplySlot } from '../partition/work.ts';
import { CartCaller } from './cart-caller.ts';
import { CartCourse } from './cart-course.ts';
import { CartLines, type CartRemote } from './cart-lines.ts';
import { answerAtOnce, holderOf, spendsId } from './cart-rules.ts';

export interface CartBookOptions {
  readonly partition: number;
  readonly clock: Clock;
  readonly now: () => number;
  readonly config: LastunitConfig;
  readonly log: Logger;
  readonly remote: CartRemote;
  /** Of the node. */
  readonly ids: IdIndex;
  /** An entry waits for a round. */
  readonly wanted: () => void;
}

/** An entry, or only the wish to know that home is still here. */
interface QueuedWrite {
  readonly entry: CartEntry | undefined;
  readonly text: string | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const forgetEveryMs = 60_000;
/** Commands that wait behind another one of the same cart. */
const waitingPerCartMax = 100;

export class CartBook implements CartEntries {
  readonly #options: CartBookOptions;
  readonly #carts = new Map<string, CartRecord>();
  /** Callers behind the one that a cart's course is busy with. */
  readonly #busy = new Map<string, CartCaller[]>();
  readonly #courses = new Set<CartCourse>();
  readonly #callers = new Set<CartCaller>();
  #writes: QueuedWrite[] = [];
  #idle: (() => void)[] = [];
  #disposed = false;
  #forgetAtMs = 0;

  constructor(options: CartBookOptions) {
    this.#options = options;
  }

  get options(): CartBookOptions {
    return this.#options;
  }

  get waiting(): boolean {
    return this.#writes.length > 0;
  }

  /** Resolves when no course is under way and nobody waits. */
  quiesced(): Promise<void> {
    if (this.#courses.size + this.#callers.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  take(bytesMax: number): CartWrite[] {
    const taken: CartWrite[] = [];
    let bytes = 0;
    while (this.#writes.length > 0 && (taken.length === 0 || bytes < bytesMax)) {
      const { entry, text, resolve } = this.#writes.shift() as QueuedWrite;
      bytes += text?.length ?? 0;
      taken.push({
        text,
        committed: (atMs) => {
          if (entry) evolveCart(this.#carts, entry, atMs);
          resolve();
        },
      });
    }
    return taken;
  }

  /** Replays one entry of the journal. */
  fold(entry: readonly unknown[], atMs: number): void {
    evolveCart(this.#carts, entry[0] as CartEntry, atMs);
  }

  /** Every record, for the checkpoint. */
  snapshot(): unknown[] {
    return [...this.#carts.values()].map(encodeCart);
  }

  restore(records: readonly unknown[]): void {
    for (const stored of records) {
      const cart = decodeCart(stored);
      this.#carts.set(cartKey(cart.channel, cart.id), cart);
    }
  }

  /** Carries on whatever an earlier owner of home left unfinished. */
  resume(): void {
    for (const [key, cart] of this.#carts) {
      if (cart.intent || cart.settling) this.#run(key, CartCourse.resumed(this, cart));
    }
  }

  record(key: string): CartRecord | undefined {
    return this.#carts.get(key);
  }

  /** A command for one of our carts. The slot is answered exactly once. */
  handle(command: CartCommand, slot: ReplySlot): void {
    const { clock, config } = this.#options;
    const caller = new CartCaller({
      command,
      slot,
      clock,
      timeoutMs: config.limits.cartTimeoutMs,
      onAccepted: () => this.#used(command),
      onAnswered: (answered) => {
        this.#callers.delete(answered);
        this.#tellIfIdle();
      },
    });
    this.#callers.add(caller);
    this.#attend(caller);
  }

  /** Resolves when the entry is durable and folded; rejects when home moves first. */
  write(entry: CartEntry): Promise<void> {
    return this.#write(entry, JSON.stringify([entry]));
  }

  /** Answers everybody who waits; the courses go on. */
  refuseHeld(refusal: Refusal): void {
    for (const caller of [...this.#callers]) caller.refuse(refusal);
  }

  dispose(refusal: Refusal): void {
    this.#disposed = true;
    this.refuseHeld(refusal);
    for (const course of this.#courses) course.abandon();
    for (const { reject } of this.#writes.splice(0)) reject(movedError());
  }

  #attend(caller: CartCaller): void {
    const { command } = caller;
    const { config, now } = this.#options;
    const { limits } = config;
    const id = command.verb === 'reserve' ? command.id : command.reservation;
    const key = cartKey(holderOf(command), id);
    const queue = this.#busy.get(key);
    if (queue && queue.length < waitingPerCartMax) {
      queue.push(caller);
      return;
    }
    if (queue || this.#courses.size >= limits.cartsOpenMax) {
      const what = queue ? `cart ${id} is busy` : 'too many carts are being decided';
      return caller.refuse(overloaded(what, limits.overloadedRetryMs));
    }
    this.#forget();
    const cart = this.#carts.get(key);
    const answer =
      this.#conflict(command, id) ?? answerAtOnce(command, cart, { nowMs: now(), config });
    if (answer !== undefined) {
      void this.#answerProven(caller, answer, cart);
      return;
    }
    // Whatever becomes of it, a reserve is remembered.
    if (command.verb === 'reserve') this.#used(command);
    this.#run(key, CartCourse.started(this, caller, cart));
  }

  /** The id has been used for something that this cart's record does not know. */
  #conflict(command: CartCommand, reservation: string): CartAnswer | undefined {
    const use = this.#options.ids.find(command.channel, command.id);
    if (use === undefined || use === useOfCart(reservation)) return undefined;
    const message = `${command.id} was used for something else`;
    return { kind: 'refused', refusal: { code: 'id_conflict', message } };
  }

  #used(command: CartCommand): void {
    const reservation = command.verb === 'reserve' ? command.id : command.reservation;
    this.#options.ids.add(command.channel, command.id, useOfCart(reservation));
  }

  async #answerProven(
    caller: CartCaller,
    answer: CartAnswer,
    cart: CartRecord | undefined,
  ): Promise<void> {
    const { command } = caller;
    try {
      const isUnknown =
        answer.kind === 'refused' && answer.refusal.code === 'reservation_not_found';
      if (isUnknown && spendsId(command, cart, this.#options.config)) {
        const channel = holderOf(command);
        const id = 'reservation' in command ? command.reservation : command.id;
        await this.write({ type: 'spent', channel, id });
      } else await this.#write(undefined, undefined);
      caller.answer(cart ? await this.#refreshed(answer, cart) : answer);
    } catch {
      caller.refuse(unavailable('the cart is moving'));
    }
  }

  /** A repetition says what is available now. */
  async #refreshed(answer: CartAnswer, cart: CartRecord): Promise<CartAnswer> {
    if (answer.kind === 'refused') return answer;
    const { remote, clock, config } = this.#options;
    const over = () => this.#disposed;
    const lines = new CartLines({ ...cart, remote, clock, config, over });
    return { ...answer, lines: await lines.refreshed(answer.lines) };
  }

  #write(entry: CartEntry | undefined, text: string | undefined): Promise<void> {
    if (this.#disposed) return Promise.reject(movedError());
    return new Promise((resolve, reject) => {
      this.#writes.push({ entry, text, resolve, reject });
      this.#options.wanted();
    });
  }

  #run(key: string, course: CartCourse): void {
    this.#busy.set(key, []);
    this.#courses.add(course);
    void course.run().finally(() => {
      this.#courses.delete(course);
      const queue = this.#busy.get(key) ?? [];
      this.#busy.delete(key);
      for (const caller of queue) {
        if (!caller.answered && !this.#disposed) this.#attend(caller);
      }
      this.#tellIfIdle();
    });
  }

  #tellIfIdle(): void {
    if (this.#courses.size + this.#callers.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #forget(): void {
    const nowMs = this.#options.now();
    if (nowMs < this.#forgetAtMs) return;
    this.#forgetAtMs = nowMs + forgetEveryMs;
    forgetCarts(this.#carts, nowMs, this.#options.config.limits);
  }
}

function movedError(): Error {
  return new Error('the cart has another home now');
}
