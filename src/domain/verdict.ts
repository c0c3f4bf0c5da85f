/**
 * What deciding one command gives before its event is folded: at most one event, and an answer that
 * still lacks what only the state after the event knows.
 */

import { availableTo, availableToAll } from './available.ts';
import type { WritingCommand } from './commands.ts';
import type { EventBase, SkuEvent } from './events.ts';
import type { Moment } from './moment.ts';
import type { Acceptance, Answer, Refusal, RefusalCode } from './outcome.ts';
import type { ChannelRules } from './rules.ts';
import type { SkuState } from './state.ts';

export interface Verdict {
  /** What an acceptance brings about, or what a refusal leaves behind (a spent id). */
  readonly event: SkuEvent | undefined;
  readonly answer: Answer;
}

export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The fields of an acceptance that the verb knows; the others are filled in for all. */
export type AcceptanceDraft = Mutable<Partial<Acceptance>>;

export function accepted(state: SkuState, event: SkuEvent, draft: AcceptanceDraft): Verdict {
  return acceptedAt(state, event.version, event, draft);
}

/** What was accepted before, or needs nothing: no event, and the version that it had then. */
export function unchanged(state: SkuState, version: number, draft: AcceptanceDraft): Verdict {
  return acceptedAt(state, version, undefined, draft);
}

/** The draft becomes the acceptance itself: this is the hot path, and a copy costs as much again. */
function acceptedAt(
  state: SkuState,
  version: number,
  event: SkuEvent | undefined,
  draft: AcceptanceDraft,
): Verdict {
  draft.sku = state.sku;
  draft.version = version;
  // What is available is known when the event has been folded: see `execute`.
  draft.available = 0;
  return { event, answer: { kind: 'accepted', acceptance: draft as Acceptance } };
}

export function refused(
  code: RefusalCode,
  message: string,
  details?: Omit<Refusal, 'code' | 'message'>,
): Verdict {
  const refusal = { code, message, ...details };
  return { event: undefined, answer: { kind: 'refused', refusal } };
}

export function limitExceeded(sku: string, limit: string, message: string): Verdict {
  return refused('limit_exceeded', `${sku}: ${message}`, { sku, limit });
}

export function insufficient(
  state: SkuState,
  channel: ChannelRules,
  requested: number,
  where?: string,
): Verdict {
  const { sku } = state;
  const available = availableTo(state, channel);
  const place = where === undefined ? '' : ` (${where})`;
  const message = `${sku}: ${requested} requested, ${available} available to ${channel.name}${place}`;
  return refused('insufficient_stock', message, { sku, requested, available });
}

export const cartsOwn: Verdict = { event: undefined, answer: { kind: 'cart' } };

/** The fields that every event has, with the totals after it. */
export function eventBase(
  state: SkuState,
  command: Pick<WritingCommand, 'channel' | 'id'>,
  moment: Moment,
  onHandDelta: number,
  reservedDelta: number,
): EventBase {
  const onHand = state.onHand + onHandDelta;
  const reserved = state.reserved + reservedDelta;
  return {
    version: state.version + 1,
    atMs: moment.nowMs,
    channel: command.channel,
    command: command.id,
    onHand,
    reserved,
    available: Math.max(0, onHand - reserved - state.safetyStock - state.escrow),
  };
}

/** The same for an event that comes from time or a rule, and moves nothing. */
export function consequenceBase(state: SkuState, channel: string, atMs: number): EventBase {
  return {
    version: state.version + 1,
    atMs,
    channel,
    command: '',
    onHand: state.onHand,
    reserved: state.reserved,
    available: availableToAll(state),
  };
}
