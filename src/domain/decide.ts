/**
 * Deciding one command: a pure question to the state. The order of the checks is the contract's:
 * may the channel do this, is it a repetition, is it too old, is the SKU known, and then the rules of
 * the verb. Everything is a value; nothing is thrown and nothing is changed.
 */

import type { SkuCommand, WritingCommand } from './commands.ts';
import { decideCartPrepare, decideCartSettle } from './decide-cart.ts';
import { decideConfirm, decideRenew } from './decide-holds.ts';
import { decidePolicy } from './decide-policy.ts';
import { decideRelease } from './decide-release.ts';
import { decideReserve } from './decide-reserve.ts';
import {
  decideAdjust,
  decideCorrect,
  decideCount,
  decideReceive,
  decideRestock,
  decideSell,
  decideTransfer,
} from './decide-stock.ts';
import type { Moment } from './moment.ts';
import { decideRepetition } from './repetition.ts';
import type { ChannelRules, Rules } from './rules.ts';
import { channelIndex, type SkuState } from './state.ts';
import { limitExceeded, refused, type Verdict } from './verdict.ts';
import { stockRead } from './views.ts';

/**
 * The verdict on a command; `available` in an acceptance is left at 0 for `execute` to fill in.
 * @param channel what `rulesFor` gives for the command
 */
export function decide(
  state: SkuState,
  command: SkuCommand,
  channel: ChannelRules | undefined,
  moment: Moment,
  rules: Rules,
): Verdict {
  if (channel === undefined) return forbidden(command);
  if (command.verb === 'get') {
    if (!state.known) return unknownSku(state);
    return { event: undefined, answer: { kind: 'read', read: stockRead(state, channel) } };
  }
  if (command.verb === 'cart.prepare') return decideCartPrepare(state, command, channel, moment);
  if (command.verb === 'cart.settle') return decideCartSettle(state, command, channel, moment);

  const slot = state.records.find(channelIndex(state, command.channel), command.id);
  if (slot >= 0 && !isProbe(command)) return decideRepetition(state, command, slot);
  const { limits } = rules;
  if (
    command.issuedAtMs !== undefined &&
    command.issuedAtMs < moment.nowMs - limits.idempotencyWindowMs
  ) {
    return refused('id_expired', `${command.id} was issued before what is remembered`, {
      sku: state.sku,
    });
  }
  if (!state.known && !creates(command)) return unknownSku(state);
  if (state.records.rememberedCount >= limits.idsPerSkuMax && !isFact(command)) {
    return command.verb === 'cart.hold' ? noRoom(state, rules) : overloaded(state, moment, rules);
  }
  return decideVerb(state, command, channel, moment, rules);
}

/** The rules that a command's channel works by; undefined: it may not do this. */
export function rulesFor(command: SkuCommand, rules: Rules): ChannelRules | undefined {
  const channel = rules.channels.get(command.channel);
  if (channel === undefined) {
    return command.verb !== 'get' && isFact(command) ? rules.factSources : undefined;
  }
  const { verb } = command;
  // A cart asks its lines on behalf of a channel that was allowed to ask for the cart.
  if (channel.verbs.has(verb) || isCartVerb(verb)) return channel;
  return undefined;
}

function isProbe(command: WritingCommand): boolean {
  return command.verb === 'cart.hold' && command.probe === true;
}

function isCartVerb(verb: string): boolean {
  return verb === 'cart.hold' || verb === 'cart.prepare' || verb === 'cart.settle';
}

function decideVerb(
  state: SkuState,
  command: Exclude<WritingCommand, { verb: 'cart.prepare' | 'cart.settle' }>,
  channel: ChannelRules,
  moment: Moment,
  rules: Rules,
): Verdict {
  const { limits } = rules;
  switch (command.verb) {
    case 'reserve':
    case 'cart.hold':
      return decideReserve(state, command, channel, moment, limits);
    case 'confirm':
      return decideConfirm(state, command, channel, moment, rules);
    case 'release':
      return decideRelease(state, command, channel, moment);
    case 'renew':
      return decideRenew(state, command, channel, moment, rules);
    case 'sell':
      return decideSell(state, command, channel, moment, limits);
    case 'receive':
      return decideReceive(state, command, moment, limits);
    case 'restock':
      return decideRestock(state, command, moment, limits);
    case 'adjust':
      return decideAdjust(state, command, channel, moment, limits);
    case 'count':
      return decideCount(state, command, moment, limits);
    case 'transfer':
      return decideTransfer(state, command, channel, moment, limits);
    case 'policy':
      return decidePolicy(state, command, moment, rules);
    case 'correct':
      return decideCorrect(state, command, moment, limits);
  }
}

/** Goods that come in, and facts about goods, make a SKU known; a wish does not. */
function creates(command: WritingCommand): boolean {
  switch (command.verb) {
    case 'receive':
    case 'count':
      return true;
    case 'sell':
    case 'restock':
      return command.fact === true;
    default:
      return false;
  }
}

function unknownSku(state: SkuState): Verdict {
  return refused('unknown_sku', `${state.sku} has never been seen`, { sku: state.sku });
}

function forbidden(command: SkuCommand): Verdict {
  const { channel, verb } = command;
  return refused('forbidden', `channel ${channel} may not ${verb}`, { sku: command.sku });
}

/** What has happened already cannot wait for room; it is few compared with what channels ask for. */
function isFact(command: WritingCommand): boolean {
  return 'fact' in command && command.fact === true;
}

/** A cart has one verdict: it does not wait for room while it holds what others want. */
function noRoom(state: SkuState, { limits }: Rules): Verdict {
  const message = `${limits.idsPerSkuMax} ids are remembered`;
  return limitExceeded(state.sku, 'idsPerSkuMax', message);
}

/** The ids that are remembered fill their room: what is oldest makes place when its time has come. */
function overloaded(state: SkuState, moment: Moment, rules: Rules): Verdict {
  const { limits } = rules;
  const oldestMs = state.records.oldestRememberedMs(
    limits.idempotencyWindowMs,
    limits.endedHoldsMs,
  );
  return refused('overloaded', `${state.sku}: ${limits.idsPerSkuMax} ids are remembered`, {
    sku: state.sku,
    retryAfterMs: Math.max(1, oldestMs - moment.nowMs),
  });
}
