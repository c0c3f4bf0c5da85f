/**
 * Somebody who waits for the answer to a cart's command. He is answered exactly once, and in time:
 * after `cartTimeoutMs` with `unavailable`, whatever becomes of the command.
 */

import type { CartAnswer, CartCommand } from '../../contract/cart.ts';
import { encodeCartReply, encodeError } from '../../contract/replies.ts';
import type { Refusal } from '../../domain/outcome.ts';
import type { Clock, Timer } from '../../ports.ts';
import { unavailable } from '../partition/refusals.ts';
import type { ReplySlot } from '../partition/work.ts';

export interface CartCallerOptions {
  readonly command: CartCommand;
  readonly slot: ReplySlot;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly onAccepted: () => void;
  readonly onAnswered: (caller: CartCaller) => void;
}

export class CartCaller {
  readonly command: CartCommand;
  readonly #options: CartCallerOptions;
  readonly #patience: Timer;
  #answered = false;

  constructor(options: CartCallerOptions) {
    this.#options = options;
    this.command = options.command;
    this.#patience = options.clock.after(options.timeoutMs, () =>
      this.refuse(unavailable('the cart has not been decided in time')),
    );
  }

  get answered(): boolean {
    return this.#answered;
  }

  answer(answer: CartAnswer): void {
    if (answer.kind === 'accepted') this.#options.onAccepted();
    const refusal = answer.kind === 'refused' ? answer.refusal : undefined;
    this.#reply(encodeCartReply(this.command, answer), refusal);
  }

  refuse(refusal: Refusal): void {
    this.#reply(encodeError(this.command.id, refusal), refusal);
  }

  #reply(text: string, refusal: Refusal | undefined): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#patience.cancel();
    this.#options.slot.reply(text, refusal);
    this.#options.onAnswered(this);
  }
}
