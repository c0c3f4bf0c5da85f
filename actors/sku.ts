/**
 * The SKU actor: one root XState actor per SKU serialises its mutations, owns its one expiry timer
 * and decides who gets the last unit.
 *
 *     loading ──▶ active ⇄ passivating ──▶ (final)
 *                    └── an action throws ──▶ stopped with an error, discarded by its owner
 *
 * The machine carries the life cycle; the inner loop over a group of commands is a plain function
 * on a state that this actor alone owns and mutates (no copies per command). State runs ahead of
 * the journal: whoever sent the group holds the answers until its commit is durable (invariant 2),
 * and throws the actor away if it never is (invariant 3). Never persisted as an XState snapshot:
 * domain state is what survives.
 */

import { setup } from 'xstate';
import type { SkuCommand } from '../src/domain/commands.ts';
import type { SkuEvent } from '../src/domain/events.ts';
import { execute, expireDue, type Moment } from '../src/domain/execute.ts';
import type { Answer } from '../src/domain/outcome.ts';
import type { Rules } from '../src/domain/rules.ts';
import { nextExpiryAtMs, type SkuState } from '../src/domain/state.ts';

/** Where a group's decisions go: the round that sent it. */
export interface DecisionSink {
  expired(events: readonly SkuEvent[]): void;
  /** Called once per command, in the order of the group. */
  decided(index: number, events: readonly SkuEvent[], answer: Answer): void;
}

/** The one timer of a SKU, behind the node's clock. */
export interface Alarm {
  /** Rings at the first round after `atMs`; undefined: never. Replaces what was set before. */
  set(sku: string, atMs: number | undefined): void;
}

export interface SkuInput {
  readonly sku: string;
  readonly rules: Rules;
  readonly alarm: Alarm;
}

export type SkuMessage =
  | { readonly type: 'state.loaded'; readonly state: SkuState }
  | {
      readonly type: 'commands.received';
      /** In order; empty when only the alarm rang. */
      readonly commands: readonly SkuCommand[];
      readonly moment: Moment;
      readonly sink: DecisionSink;
    }
  | { readonly type: 'idle' }
  | { readonly type: 'snapshot.covered' };

export interface SkuContext extends SkuInput {
  state: SkuState | undefined;
}

/** What a group does: first the expiries that are due, then the commands in order. */
function decideGroup(
  context: SkuContext,
  event: Extract<SkuMessage, { type: 'commands.received' }>,
): void {
  const state = context.state;
  if (state === undefined) throw new Error(`${context.sku}: commands before its state was loaded`);
  const { commands, moment, sink } = event;
  const due = nextExpiryAtMs(state);
  if (due !== undefined && due <= moment.nowMs) {
    sink.expired(expireDue(state, moment, context.rules));
  }
  for (let index = 0; index < commands.length; index++) {
    const decision = execute(state, commands[index] as SkuCommand, moment, context.rules);
    sink.decided(index, decision.events, decision.answer);
  }
  context.alarm.set(context.sku, nextExpiryAtMs(state));
}

export const skuMachine = setup({
  types: {} as { context: SkuContext; events: SkuMessage; input: SkuInput },
  actions: {
    /** The context object is this actor's alone, like the state: no `assign`, no copy. */
    own: ({ context, event }) => {
      if (event.type === 'state.loaded') context.state = event.state;
    },
    arm: ({ context }) => {
      if (context.state) context.alarm.set(context.sku, nextExpiryAtMs(context.state));
    },
    decide: ({ context, event }) => {
      if (event.type === 'commands.received') decideGroup(context, event);
    },
  },
}).createMachine({
  id: 'sku',
  context: ({ input }) => ({ ...input, state: undefined }),
  initial: 'loading',
  states: {
    loading: { on: { 'state.loaded': { target: 'active', actions: ['own', 'arm'] } } },
    active: { on: { 'commands.received': { actions: 'decide' }, idle: 'passivating' } },
    passivating: {
      on: {
        'commands.received': { target: 'active', actions: 'decide' },
        'snapshot.covered': 'passive',
      },
    },
    passive: { type: 'final' },
  },
});

/** A state as every actor enters it; only the context is an actor's own. */
const entered = {
  loading: skuMachine.resolveState({ value: 'loading', context: {} as SkuContext }),
  active: skuMachine.resolveState({ value: 'active', context: {} as SkuContext }),
};

/**
 * The machine with a short way for what it does nearly always: an actor begins in `loading`, its state
 * is loaded, and groups arrive in `active` that run `decide` without leaving it. XState's general
 * algorithm takes 3 to 10 µs per step to find that out, and three times as long where 50,000 actors
 * take turns; everything else goes through it. What throws on the short way stops the actor like an
 * action that throws.
 */
export const skuLogic: typeof skuMachine = Object.assign(Object.create(skuMachine), {
  getInitialSnapshot: ((_scope, input) => ({
    ...entered.loading,
    context: { ...(input as SkuInput), state: undefined },
  })) satisfies typeof skuMachine.getInitialSnapshot,

  transition: ((snapshot, event, scope) => {
    const { value, context } = snapshot;
    if (event.type === 'commands.received' && value === 'active') {
      decideGroup(context, event);
      return snapshot;
    }
    if (event.type === 'state.loaded' && value === 'loading') {
      context.state = event.state;
      context.alarm.set(context.sku, nextExpiryAtMs(event.state));
      return { ...entered.active, context };
    }
    return skuMachine.transition(snapshot, event, scope);
  }) satisfies typeof skuMachine.transition,
});
