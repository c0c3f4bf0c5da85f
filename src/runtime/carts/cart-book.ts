/**
 * The carts whose home is this partition: their records, their entries on the way into the journal,
 * and one course per command under way (invariant 8). Commands of one cart run one after another.
 */

import type { LastunitConfig } from '../../config/config.ts';
import type { CartAnswer, CartCommand } from '../../contract/cart.ts';
import { encodeCartReply, encodeError } from '../../contract/replies.ts';
import {
  type CartEntry,
  type CartRecord,
  cartKey,
  decodeCart,
  encodeCart,
  evolveCart,
  forgetCarts,
} from '../../domain/carts.ts';
import type { SkuCommand } from '../../domain/commands.ts';
import type { Answer, Refusal } from '../../domain/outcome.ts';
import type { Clock, Timer } from '../../ports.ts';
import type { Logger } from '../log.ts';
import { overloaded, unavailable } from '../partition/refusals.ts';
import type { CartEntries } from '../partition/rounds.ts';
import type { ReplySlot } from '../partition/work.ts';
import { CartCourse } from './cart-course.ts';
import { answerAtOnce } from './cart-rules.ts';

/** Reaches any SKU's actor, wherever its partition lives. Never rejects. */
export interface CartRemote {
  perform(command: SkuCommand): Promise<Answer>;
}

export interface CartBookOptions {
  readonly partition: number;
  readonly clock: Clock;
  readonly now: () => number;
  readonly config: LastunitConfig;
  readonly log: Logger;
  readonly remote: CartRemote;
  /** An entry waits for a round. */
  readonly wanted: () => void;
}

interface Waiting {
  readonly command: CartCommand;
  readonly slot: ReplySlot;
  /** Nobody waits longer behind another command than that one's own caller does. */
  readonly patience: Timer;
}

interface QueuedEntry {
  readonly entry: CartEntry;
  readonly text: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const forgetEveryMs = 60_000;

export class CartBook implements CartEntries {
  readonly #options: CartBookOptions;
  readonly #carts = new Map<string, CartRecord>();
  /** Commands behind the one that a cart's course is busy with. */
  readonly #busy = new Map<string, Waiting[]>();
  readonly #courses = new Set<CartCourse>();
  #entries: QueuedEntry[] = [];
  #idle: (() => void)[] = [];
  #disposed = false;
  #forgetAtMs = 0;

  constructor(options: CartBookOptions) {
    this.#options = options;
  }

  get waiting(): boolean {
    return this.#entries.length > 0;
  }

  /** Resolves when no course is under way. */
  quiesced(): Promise<void> {
    if (this.#courses.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  take(bytesMax: number): { text: string; committed: (atMs: number) => void }[] {
    const taken: { text: string; committed: (atMs: number) => void }[] = [];
    let bytes = 0;
    while (this.#entries.length > 0 && (taken.length === 0 || bytes < bytesMax)) {
      const queued = this.#entries.shift() as QueuedEntry;
      bytes += queued.text.length;
      taken.push({
        text: queued.text,
        committed: (atMs) => {
          evolveCart(this.#carts, queued.entry, atMs);
          queued.resolve();
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
      if (cart.intent) this.#run(key, CartCourse.resumed(this, cart, cart.intent));
      else if (!cart.settled) this.#run(key, CartCourse.settling(this, cart));
    }
  }

  /** A command for one of our carts. The slot is answered exactly once. */
  handle(command: CartCommand, slot: ReplySlot): void {
    const { limits } = this.#options.config;
    const channel = 'heldBy' in command ? (command.heldBy ?? command.channel) : command.channel;
    const key = cartKey(channel, command.verb === 'reserve' ? command.id : command.reservation);
    const queue = this.#busy.get(key);
    if (queue) {
      this.#queue(queue, command, slot);
      return;
    }
    if (this.#courses.size >= limits.cartsOpenMax) {
      const refusal = overloaded('too many carts are being decided', limits.overloadedRetryMs);
      return slot.reply(encodeError(command.id, refusal), refusal);
    }
    this.#forget();
    const cart = this.#carts.get(key);
    const answer = answerAtOnce(command, cart, this.#options.now(), this.#options.config);
    if (answer) return this.answer(command, slot, answer);
    this.#run(key, CartCourse.started(this, channel, command, cart, slot));
  }

  get options(): CartBookOptions {
    return this.#options;
  }

  record(key: string): CartRecord | undefined {
    return this.#carts.get(key);
  }

  answer(command: CartCommand, slot: ReplySlot, answer: CartAnswer): void {
    slot.reply(
      encodeCartReply(command, answer),
      answer.kind === 'refused' ? answer.refusal : undefined,
    );
  }

  /** Resolves when the entry is durable and folded; rejects when home moves first. */
  write(entry: CartEntry): Promise<void> {
    if (this.#disposed) return Promise.reject(new Error('the cart has another home now'));
    return new Promise((resolve, reject) => {
      this.#entries.push({ entry, text: JSON.stringify([entry]), resolve, reject });
      this.#options.wanted();
    });
  }

  /** Answers everybody who waits; the courses go on. */
  refuseHeld(refusal: Refusal): void {
    for (const course of this.#courses) course.refuse(refusal);
    for (const queue of this.#busy.values()) {
      for (const { command, slot, patience } of queue.splice(0)) {
        patience.cancel();
        slot.reply(encodeError(command.id, refusal), refusal);
      }
    }
  }

  dispose(refusal: Refusal): void {
    this.#disposed = true;
    this.refuseHeld(refusal);
    for (const course of this.#courses) course.abandon();
    for (const { reject } of this.#entries) reject(new Error('the cart has another home now'));
    this.#entries = [];
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  #queue(queue: Waiting[], command: CartCommand, slot: ReplySlot): void {
    const { clock, config } = this.#options;
    const patience = clock.after(config.limits.cartTimeoutMs, () => {
      const at = queue.indexOf(waiting);
      if (at < 0) return;
      queue.splice(at, 1);
      const refusal = unavailable('the cart is busy with another command');
      slot.reply(encodeError(command.id, refusal), refusal);
    });
    const waiting = { command, slot, patience };
    queue.push(waiting);
  }

  #run(key: string, course: CartCourse): void {
    this.#busy.set(key, []);
    this.#courses.add(course);
    void course.run().finally(() => {
      this.#courses.delete(course);
      const queue = this.#busy.get(key) ?? [];
      this.#busy.delete(key);
      for (const { command, slot, patience } of queue) {
        patience.cancel();
        if (this.#disposed) {
          const refusal = unavailable('the cart is moving');
          slot.reply(encodeError(command.id, refusal), refusal);
        } else this.handle(command, slot);
      }
      if (this.#courses.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    });
  }

  #forget(): void {
    const nowMs = this.#options.now();
    if (nowMs < this.#forgetAtMs) return;
    this.#forgetAtMs = nowMs + forgetEveryMs;
    forgetCarts(this.#carts, nowMs, this.#options.config.limits.endedHoldsMs);
  }
}
