/**
 * Repetition (invariant 7): a (channel, id) that is remembered. The same fingerprint is the same
 * intent and gets its first acceptance again; another is a conflict.
 */

import type { Confirm, Release, Renew, WritingCommand } from './commands.ts';
import {
  allocationsOf,
  findHold,
  firstAllocationsOf,
  firstUnits,
  holdState,
  isCartLine,
} from './holds.ts';
import { NumberField, RecordFlag, RecordKind } from './record-layout.ts';
import type { SkuState } from './state.ts';
import { type AcceptanceDraft, refused, unchanged, type Verdict } from './verdict.ts';

/** Answers a command whose id is the key of the record in `slot`. */
export function decideRepetition(state: SkuState, command: WritingCommand, slot: number): Verdict {
  const { store } = state.records;
  const kind = store.kind(slot);
  const makesHold = command.verb === 'reserve' || command.verb === 'cart.hold';
  if (kind === RecordKind.spent && makesHold) {
    return refused('already_released', `${command.id} was released before it was made`, {
      sku: state.sku,
    });
  }
  const same =
    makesHold === (kind !== RecordKind.command) &&
    isCartLine(state, slot) === (command.verb === 'cart.hold') &&
    store.number(slot, NumberField.fingerprint) === command.fingerprint;
  if (!same) {
    return refused('id_conflict', `${command.id} was used for something else`, { sku: state.sku });
  }
  const version = store.number(slot, NumberField.version);
  if (makesHold) return unchanged(state, version, { ...firstHold(state, slot), replayed: true });
  return unchanged(state, version, {
    ...firstAcceptance(state, command, slot),
    replayed: true,
  });
}

function firstHold(state: SkuState, slot: number): AcceptanceDraft {
  const { store } = state.records;
  return {
    qty: store.number(slot, NumberField.qty),
    allocations: firstAllocationsOf(state, slot),
    expiresAtMs: store.number(slot, NumberField.expiresAtMs),
    state: holdState(store.kind(slot)),
  };
}

function firstAcceptance(state: SkuState, command: WritingCommand, slot: number): AcceptanceDraft {
  const { store } = state.records;
  const qty = store.number(slot, NumberField.qty);
  switch (command.verb) {
    case 'policy':
      return {};
    case 'adjust':
    case 'count':
    case 'correct':
      return { delta: qty };
    case 'renew':
    case 'confirm':
    case 'release': {
      const retaken = (store.flags(slot) & RecordFlag.retaken) !== 0;
      return { ...onHold(state, command, qty), ...(retaken && { retaken: true as const }) };
    }
    default:
      return { qty, allocations: allocationsOf(state, slot) };
  }
}

/** An ended hold outlives the id of what ended it, so what it says can be read from there. */
function onHold(state: SkuState, command: Renew | Confirm | Release, qty: number): AcceptanceDraft {
  const hold = findHold(state, command.heldBy ?? command.channel, command.reservation);
  if (hold < 0 || command.verb === 'release') return { qty };
  const allocations = allocationsOf(state, hold);
  if (command.verb === 'confirm') return { qty, allocations: firstUnits(allocations, qty) };
  const expiresAtMs = state.records.store.number(hold, NumberField.expiresAtMs);
  return { qty, allocations, expiresAtMs };
}
