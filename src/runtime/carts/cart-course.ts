/**
 * The steps of one cart command, as its actor (`actors/cart.ts`) calls for them. Every step repeats
 * until it succeeds; the caller stops waiting after `cartTimeoutMs`, the course does not stop.
 */

import { type Actor, createActor, fromPromise } from 'xstate';
import { type CartStage, cartMachine } from '../../../actors/cart.ts';
import type { CartAnswer, CartCommand } from '../../contract/cart.ts';
import { encodeError } from '../../contract/replies.ts';
import {
  type CartEntry,
  type CartIntent,
  type CartRecord,
  type CartRecordLine,
  cartKey,
} from '../../domain/carts.ts';
import type { SkuCommand } from '../../domain/commands.ts';
import type { Answer, Refusal, ShortLine } from '../../domain/outcome.ts';
import { unavailable } from '../partition/refusals.ts';
import type { ReplySlot } from '../partition/work.ts';
import type { CartBook } from './cart-book.ts';

type Verdict = Extract<CartEntry, { type: 'decided' }>;

/** Refusals that say nothing about the line: ask again. */
const passing = new Set(['unavailable', 'overloaded']);

interface CourseParts {
  readonly book: CartBook;
  readonly channel: string;
  readonly id: string;
  readonly verb: CartCommand['verb'];
  readonly stage: CartStage;
  readonly intent: CartIntent | undefined;
  readonly lines: readonly CartRecordLine[];
  readonly caller?: { readonly command: CartCommand; readonly slot: ReplySlot };
}

export class CartCourse {
  readonly #parts: CourseParts;
  readonly #actor: Actor<typeof cartMachine>;
  #answers: Answer[] = [];
  #verdict: Verdict | undefined;
  #answered = false;
  #over = false;

  private constructor(parts: CourseParts) {
    this.#parts = parts;
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
      { input: { stage: parts.stage, asks: parts.verb !== 'release' } },
    );
  }

  /** A command that somebody has just sent. */
  static started(
    book: CartBook,
    channel: string,
    command: CartCommand,
    cart: CartRecord | undefined,
    slot: ReplySlot,
  ): CartCourse {
    const reserve = command.verb === 'reserve';
    return new CartCourse({
      book,
      channel,
      id: reserve ? command.id : command.reservation,
      verb: command.verb,
      // The same reserve again while its intent has no verdict: carry on with what is recorded.
      stage: reserve && cart?.intent ? 'recorded' : 'new',
      intent: cart?.intent ?? intentOf(command, book),
      lines: reserve ? command.lines : (cart?.lines ?? []),
      caller: { command, slot },
    });
  }

  /** An intent that an earlier owner of home recorded. */
  static resumed(book: CartBook, cart: CartRecord, intent: CartIntent): CartCourse {
    const { channel, id, lines } = cart;
    return new CartCourse({
      book,
      channel,
      id,
      verb: intent.verb,
      stage: 'recorded',
      intent,
      lines,
    });
  }

  /** A verdict that has not been carried through. */
  static settling(book: CartBook, cart: CartRecord): CartCourse {
    const { channel, id, lines } = cart;
    return new CartCourse({
      book,
      channel,
      id,
      verb: 'release',
      stage: 'decided',
      intent: undefined,
      lines,
    });
  }

  /** Resolves when the course is done or home has moved. */
  run(): Promise<void> {
    const { book, caller } = this.#parts;
    const { clock, config } = book.options;
    const patience = caller
      ? clock.after(config.limits.cartTimeoutMs, () =>
          this.refuse(unavailable('the cart has not been decided in time')),
        )
      : undefined;
    return new Promise((resolve) => {
      this.#actor.subscribe({
        complete: () => {
          this.#over = true;
          patience?.cancel();
          this.refuse(unavailable('the cart is moving'));
          resolve();
        },
      });
      this.#actor.start();
    });
  }

  refuse(refusal: Refusal): void {
    const { caller } = this.#parts;
    if (this.#answered || !caller) return;
    this.#answered = true;
    caller.slot.reply(encodeError(caller.command.id, refusal), refusal);
  }

  abandon(): void {
    this.#over = true;
    this.#actor.send({ type: 'abandon' });
  }

  async #record(): Promise<void> {
    const { book, channel, id, intent, lines, caller } = this.#parts;
    if (!intent) throw new Error('a course that asks has an intent');
    if (caller?.command.verb !== 'reserve') {
      return book.write({ type: 'preparing', channel, id, intent });
    }
    const { ref } = caller.command;
    const expiresAtMs = intent.expiresAtMs as number;
    const entry = { type: 'intended', channel, id, lines, expiresAtMs, intent } as const;
    return book.write(ref === undefined ? entry : { ...entry, ref });
  }

  /** Every line holds, or prepares; each is asked until it says yes or no. */
  async #ask(): Promise<void> {
    this.#answers = await Promise.all(this.#parts.lines.map((line) => this.#line(line)));
  }

  #line(line: CartRecordLine): Promise<Answer> {
    const { channel, id, intent, verb, book } = this.#parts;
    const base = { sku: line.sku, channel, fingerprint: intent?.fingerprint ?? 0 };
    if (verb !== 'reserve') {
      return this.#until({
        ...base,
        verb: 'cart.prepare',
        id: `${intent?.command}/prepare`,
        reservation: id,
      });
    }
    const ttlMs = Math.max(1, (intent?.expiresAtMs as number) - book.options.now());
    return this.#until({
      ...base,
      verb: 'cart.hold',
      id,
      qty: line.qty,
      ttlMs,
      ...(line.location === undefined ? {} : { location: line.location }),
    });
  }

  async #until(command: SkuCommand): Promise<Answer> {
    const { book } = this.#parts;
    for (;;) {
      const answer = await book.options.remote.perform(command);
      if (answer.kind !== 'refused' || !passing.has(answer.refusal.code)) return answer;
      if (this.#over) throw new Error('the cart has another home now');
      await new Promise<void>((resolve) =>
        book.options.clock.after(book.options.config.limits.cartStepRetryMs, resolve),
      );
    }
  }

  async #decide(): Promise<void> {
    this.#verdict = this.#judge();
    await this.#parts.book.write(this.#verdict);
    // A release tells how many units it freed: its caller hears when the lines have answered.
    if (this.#parts.verb !== 'release') this.#answer(this.#replyTo(this.#verdict));
  }

  #judge(): Verdict {
    const { channel, id, verb, intent, caller, book } = this.#parts;
    const base = { type: 'decided', channel, id } as const;
    if (verb === 'release') {
      const command = caller?.command;
      return {
        ...base,
        fate: 'released',
        ...(command ? { command: { id: command.id, fingerprint: command.fingerprint } } : {}),
      };
    }
    const refusal = refusalOf(this.#answers, this.#parts.lines, verb);
    const accepted = this.#answers.flatMap((a) => (a.kind === 'accepted' ? [a.acceptance] : []));
    if (verb === 'reserve') {
      if (refusal) return { ...base, fate: 'refused', refusal };
      const expiresAtMs = Math.min(...accepted.map((line) => line.expiresAtMs ?? Infinity));
      return { ...base, fate: 'open', accepted, expiresAtMs };
    }
    const cart = book.record(cartKey(channel, id));
    if (refusal) return { ...base, fate: 'open', expiresAtMs: cart?.expiresAtMs ?? 0, refusal };
    return verb === 'confirm'
      ? { ...base, fate: 'confirmed', accepted, order: intent?.order as string }
      : { ...base, fate: 'open', accepted, expiresAtMs: intent?.expiresAtMs as number };
  }

  /** Drives every line to the verdict, in whatever order they answer. */
  async #settle(): Promise<void> {
    const { book, channel, id, lines, verb } = this.#parts;
    const cart = book.record(cartKey(channel, id));
    if (!cart || cart.settled) return;
    const outcome =
      cart.fate === 'open' ? 'held' : cart.fate === 'confirmed' ? 'confirmed' : 'released';
    const answers = await Promise.all(
      lines.map((line) =>
        this.#until({
          verb: 'cart.settle',
          sku: line.sku,
          channel,
          id: `${id}/settle`,
          fingerprint: 0,
          reservation: id,
          outcome,
          ...(outcome === 'confirmed' ? { order: cart.order as string } : {}),
          ...(outcome === 'held' ? { expiresAtMs: cart.expiresAtMs } : {}),
        }),
      ),
    );
    await book.write({ type: 'settled', channel, id });
    if (verb !== 'release') return;
    const freed = answers.flatMap((a) => (a.kind === 'accepted' ? [a.acceptance] : []));
    this.#answer({ kind: 'accepted', lines: freed });
  }

  #replyTo(verdict: Verdict): CartAnswer {
    if (verdict.refusal) return { kind: 'refused', refusal: verdict.refusal };
    const retaken = verdict.accepted?.some((line) => line.retaken) === true;
    return {
      kind: 'accepted',
      lines: verdict.accepted ?? [],
      ...(retaken ? { retaken: true as const } : {}),
    };
  }

  #answer(answer: CartAnswer): void {
    const { caller, book } = this.#parts;
    if (this.#answered || !caller) return;
    this.#answered = true;
    book.answer(caller.command, caller.slot, answer);
  }
}

function intentOf(command: CartCommand, book: CartBook): CartIntent | undefined {
  const { config, now } = book.options;
  const base = { command: command.id, fingerprint: command.fingerprint };
  switch (command.verb) {
    case 'reserve': {
      const ttlMs = command.ttlMs ?? config.rules.channels.get(command.channel)?.defaultTtlMs ?? 0;
      return { ...base, verb: 'reserve', expiresAtMs: now() + ttlMs };
    }
    case 'renew':
      return { ...base, verb: 'renew', expiresAtMs: now() + command.ttlMs };
    case 'confirm':
      return { ...base, verb: 'confirm', order: command.order };
    case 'release':
      return undefined;
  }
}

/** One refusal for the whole cart; every short line is listed. */
function refusalOf(
  answers: readonly Answer[],
  lines: readonly CartRecordLine[],
  verb: CartCommand['verb'],
): Refusal | undefined {
  const refusals = answers.flatMap((a) => (a.kind === 'refused' ? [a.refusal] : []));
  const first =
    refusals.find((r) => r.code !== 'insufficient_stock' && r.code !== 'no_longer_available') ??
    refusals[0];
  if (!first) return undefined;
  const short: ShortLine[] = [];
  answers.forEach((answer, index) => {
    if (answer.kind !== 'refused') return;
    const line = lines[index] as CartRecordLine;
    short.push({
      sku: line.sku,
      requested: answer.refusal.requested ?? line.qty,
      available: answer.refusal.available ?? 0,
    });
  });
  const message =
    refusals.length === 1
      ? first.message
      : `${refusals.length} of ${lines.length} lines cannot be ${verb === 'reserve' ? 'reserved' : 'taken'}: ${first.message}`;
  return { ...first, message, lines: short };
}
