/** What renew, confirm and release share: whose hold it is, how it ended, where its units are now. */

import type { Confirm, Release, Renew } from './commands.ts';
import type { Allocation } from './events.ts';
import { boundLocation, findHold } from './holds.ts';
import { RecordKind } from './record-layout.ts';
import type { ChannelRules, Rules } from './rules.ts';
import { grant } from './sourcing.ts';
import { channelIndex, type SkuState } from './state.ts';
import { refused, type Verdict } from './verdict.ts';

export type OnHold = Renew | Confirm | Release;

/** Where an expired hold's units come from now; undefined: they are gone. */
export function takeAgain(
  state: SkuState,
  slot: number,
  owner: ChannelRules,
  qty: number,
): readonly Allocation[] | undefined {
  return grant(state, owner, qty, boundLocation(state, slot));
}

export function slotFor(state: SkuState, command: OnHold, caller: ChannelRules): number {
  if (!mayEnd(command, caller)) return -1;
  return findHold(state, command.heldBy ?? command.channel, command.reservation);
}

/** A hold belongs to its channel; another ends it only where that is configured. */
export function mayEnd(command: OnHold, caller: ChannelRules): boolean {
  const { heldBy } = command;
  return heldBy === undefined || heldBy === command.channel || caller.endsHoldsOf.has(heldBy);
}

export function ownerRules(command: OnHold, caller: ChannelRules, rules: Rules): ChannelRules {
  return rules.channels.get(command.heldBy ?? command.channel) ?? caller;
}

/** Whether the reservation's id names another intent already; then no hold can be made with it. */
export function idIsTaken(state: SkuState, owner: string, reservation: string): boolean {
  return state.records.find(channelIndex(state, owner), reservation) >= 0;
}

/** An event says whose hold it is where that is not the caller's. */
export function nameHolder(event: { heldBy?: string }, command: OnHold): void {
  const { heldBy } = command;
  if (heldBy !== undefined && heldBy !== command.channel) event.heldBy = heldBy;
}

export function notFound(state: SkuState, command: OnHold): Verdict {
  const owner = command.heldBy ?? command.channel;
  const message = `${state.sku}: ${owner} has no reservation ${command.reservation}`;
  return refused('reservation_not_found', message, { sku: state.sku });
}

export function gone(
  state: SkuState,
  command: { readonly reservation: string },
  units: { readonly requested?: number; readonly available?: number } = {},
): Verdict {
  const message = `${command.reservation} has expired and its units are gone`;
  return refused('no_longer_available', message, { sku: state.sku, ...units });
}

export function endedOtherwise(state: SkuState, command: OnHold, kind: number): Verdict {
  const { sku } = state;
  if (kind === RecordKind.spent) return notFound(state, command);
  return kind === RecordKind.confirmed
    ? refused('already_confirmed', `${command.reservation} is confirmed`, { sku })
    : refused('already_released', `${command.reservation} is released`, { sku });
}
