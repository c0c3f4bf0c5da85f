/**
 * The steps of one cart command, as its actor (`actors/cart.ts`) calls for them. Every step repeats
 * until it succeeds or home moves; the caller may stop waiting, the course does not.
 *
 * The caller hears when the lines have, so that whoever has an answer reads it in every SKU.
 */

import { type Actor, createActor, fromPromise } from 'xstate';
import { type CartStage, cartMachine } from '../../../actors/cart.ts';
import type { CartAnswer, CartCommand } from '../../contract/cart.ts';
import {
  type CartCause,
  type CartEntry,
  type CartIntent,
  type CartRecord,
  type CartRecordLine,
  cartKey,
} from '../../domain/carts.ts';
import type { Acceptance, Answer } from '../../domain/outcome.ts';
import type { CartBook } from './cart-book.ts';
import type { CartCaller } from './cart-caller.ts';
import { CartLines } from './cart-lines.ts';
import { acceptancesIn, causeOf, holderOf, refusalOf, renewedUntilMs } from './cart-rules.ts';

type Verdict = Extract<CartEntry, { type: 'decided' }>;

interface CourseParts {
  readonly book: CartBook;
  readonly channel: string;
  readonly id: string;
  readonly lines: readonly CartRecordLine[];
  readonly ref: string | undefined;
  readonly stage: CartStage;
  /** Absent: a release, or a verdict that has only to be carried through. */
  readonly intent: CartIntent | undefined;
  /** Of a release. */
  readonly cause?: CartCause;
  readonly caller?: CartCaller;
}

export class CartCourse {
  readonly #parts: CourseParts;
  readonly #lines: CartLines;
  readonly #actor: Actor<typeof cartMachine>;
  #answers: Answer[] = [];
  #over = false;

  private constructor(parts: CourseParts) {
    this.#parts = parts;
    const { book, channel, id, lines } = parts;
    const { remote, clock, config } = book.options;
    this.#lines = new CartLines({
      channel,
      id,
      lines,
      remote,
      clock,
      config,
      over: () => this.#over,
    });
    const step = (run: () => Promise<void>) => fromPromise<void>(run);
    this.#actor = createActor(
      cartMachine.provide({
        actors: {
          record: step(() => this.#record()),
          ask: step(() => this.#ask()),
          decide: step(() => this.#decide()),
          settle: step(() => this.#settle()),
        },
      }),
      { input: { stage: parts.stage, asks: parts.intent !== undefined } },
    );
  }

  /** A command that somebody has just sent. `cart`: what home knows of it so far. */
  static started(book: CartBook, caller: CartCaller, cart: CartRecord | undefined): CartCourse {
    const { command } = caller;
    const channel = holderOf(command);
    if (command.verb === 'reserve') {
      const intent = intentOf(command, cart, book);
      const { id, lines, ref } = command;
      return new CartCourse({ book, channel, id, lines, ref, stage: 'new', intent, caller });
    }
    if (!cart) throw new Error('a command on a cart that home does not know has no course');
    return new CartCourse({
      ...partsOf(book, cart),
      stage: 'new',
      intent: intentOf(command, cart, book),
      cause: causeOf(command),
      caller,
    });
  }

  /** What an earlier owner of home left: an intent without a verdict, or a verdict half told. */
  static resumed(book: CartBook, cart: CartRecord): CartCourse {
    const stage = cart.intent ? 'recorded' : 'decided';
    return new CartCourse({ ...partsOf(book, cart), stage, intent: cart.intent });
  }

  /** Resolves when the course is done or home has moved. */
  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#actor.subscribe({
        complete: () => {
          this.#over = true;
          resolve();
        },
      });
      this.#actor.start();
    });
  }

  abandon(): void {
    this.#over = true;
    this.#actor.send({ type: 'abandon' });
  }

  get #cart(): CartRecord | undefined {
    const { book, channel, id } = this.#parts;
    return book.record(cartKey(channel, id));
  }

  async #record(): Promise<void> {
    const { book, channel, id, lines, ref, intent } = this.#parts;
    if (!intent) throw new Error('a course that asks has an intent');
    if (intent.verb !== 'reserve') return book.write({ type: 'preparing', channel, id, intent });
    const { expiresAtMs = 0 } = intent;
    const entry = { type: 'intended', channel, id, lines, expiresAtMs, intent } as const;
    return book.write(ref === undefined ? entry : { ...entry, ref });
  }

  async #ask(): Promise<void> {
    const { book, intent, ref } = this.#parts;
    if (!intent) return;
    const isOver = book.options.now() >= (this.#cart?.expiresAtMs ?? 0);
    this.#answers =
      intent.verb === 'reserve'
        ? await this.#lines.hold(intent, ref)
        : await this.#lines.prepare(intent, isOver);
  }

  async #decide(): Promise<void> {
    const verdict = this.#judge();
    await this.#parts.book.write(verdict);
    // Accepted lines of a reserve are held already: there is nothing to settle.
    if (verdict.accepted) this.#answer({ kind: 'accepted', lines: verdict.accepted });
  }

  #judge(): Verdict {
    const { channel, id, lines, intent, cause } = this.#parts;
    const base = { type: 'decided', channel, id } as const;
    if (!intent) return { ...base, fate: 'released', ...(cause ? { cause } : {}) };
    const refusal = refusalOf(this.#answers, lines, intent.verb);
    if (refusal) {
      return { ...base, fate: intent.verb === 'reserve' ? 'refused' : 'open', refusal };
    }
    if (intent.verb === 'reserve') {
      return { ...base, fate: 'open', accepted: acceptancesIn(this.#answers) };
    }
    const { expiresAtMs, order } = intent;
    return {
      ...base,
      retaken: retakenIn(this.#answers),
      ...(intent.verb === 'confirm' ? { fate: 'confirmed' } : { fate: 'open' }),
      ...(order === undefined ? {} : { order }),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    };
  }

  /** Drives every line to the verdict; then the caller hears, then the record rests. */
  async #settle(): Promise<void> {
    const { book, channel, id } = this.#parts;
    const cart = this.#cart;
    const settling = cart?.settling;
    if (!cart || !settling) return;
    const answers = await this.#lines.settle(settling, cart);
    if (settling.refusal) {
      this.#answer({ kind: 'refused', refusal: settling.refusal });
      return book.write({ type: 'settled', channel, id });
    }
    const accepted = acceptancesIn(answers, settling.retaken);
    this.#answer(acceptedAs(accepted));
    return book.write({ type: 'settled', channel, id, accepted });
  }

  #answer(answer: CartAnswer): void {
    this.#parts.caller?.answer(answer);
  }
}

function partsOf(book: CartBook, { channel, id, lines, ref }: CartRecord) {
  return { book, channel, id, lines, ref };
}

function acceptedAs(lines: readonly Acceptance[]): CartAnswer {
  const retaken = lines.some((line) => line.retaken);
  return { kind: 'accepted', lines, ...(retaken ? { retaken: true as const } : {}) };
}

function retakenIn(answers: readonly Answer[]): string[] {
  return answers.flatMap((answer) =>
    answer.kind === 'accepted' && answer.acceptance.retaken ? [answer.acceptance.sku] : [],
  );
}

function intentOf(
  command: CartCommand,
  cart: CartRecord | undefined,
  book: CartBook,
): CartIntent | undefined {
  const { config, now } = book.options;
  const base = { ...causeOf(command), step: (cart?.steps ?? 0) + 1 };
  switch (command.verb) {
    case 'reserve': {
      const ttlMs = command.ttlMs ?? config.rules.channels.get(command.channel)?.defaultTtlMs ?? 0;
      return { ...base, verb: 'reserve', expiresAtMs: now() + ttlMs };
    }
    case 'renew': {
      if (!cart) return undefined;
      const expiresAtMs = renewedUntilMs(command.ttlMs, cart, { nowMs: now(), config });
      return { ...base, verb: 'renew', expiresAtMs };
    }
    case 'confirm':
      return { ...base, verb: 'confirm', order: command.order };
    case 'release':
      return undefined;
  }
}
