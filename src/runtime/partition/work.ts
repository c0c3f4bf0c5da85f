/** The unit of work of a partition: one command and whoever waits for its reply. */

import type { SkuCommand } from '../../domain/commands.ts';
import type { Answer, Refusal } from '../../domain/outcome.ts';
import type { StoredFact } from '../../ports.ts';

/** Takes exactly one reply. `text` is the finished JSON of one reply object. */
export interface ReplySlot {
  reply(text: string, refusal?: Refusal): void;
}

/** A command of a channel, waiting for its round. */
export interface CommandWork {
  readonly kind: 'command';
  readonly command: SkuCommand;
  readonly slot: ReplySlot;
  readonly receivedAtMs: number;
}

/** A command of the runtime itself (a cart's step): it wants the answer, not its JSON. */
export interface InnerWork {
  readonly kind: 'inner';
  readonly command: SkuCommand;
  readonly answered: (answer: Answer) => void;
  readonly receivedAtMs: number;
}

/** A fact in the order of `INV_FACTS`; its position is committed with its events (invariant 9). */
export interface FactWork {
  readonly kind: 'fact';
  readonly command: SkuCommand;
  readonly fact: StoredFact;
  readonly receivedAtMs: number;
}

/** A fact that can never be applied; only its position and its burial are left to do. */
export interface PoisonFact {
  readonly kind: 'poison';
  readonly fact: StoredFact;
  readonly refusal: Refusal;
}

export type Work = CommandWork | InnerWork | FactWork;
