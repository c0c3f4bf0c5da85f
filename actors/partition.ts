/**
 * The partition actor: the life of one partition on one node.
 *
 *     asking ──▶ claiming ──▶ recovering ──▶ serving ──▶ draining ──▶ released
 *                   ▲  ▲           │            │            │
 *                   │  └───────────┴── fenced ──┴────────────┘  (somebody else's message: invariant 3)
 *                   └── after a pause, if this node still may claim it; else ──▶ released
 *     claiming, recovering ──▶ refused   (the journal is not what it must be: invariant 5)
 *
 * While asking, claiming and recovering, commands wait in the mailbox: a hand-over is a short delay
 * for them and not an error.
 *
 * It says what happens in which state and does nothing itself: the steps are actors that the
 * runtime provides.
 */

import { assign, fromPromise, setup } from 'xstate';

/** Why a partition left `serving` or never got there. */
export interface Trouble {
  readonly kind: 'fenced' | 'refused' | 'trouble';
  readonly message: string;
}

export type PartitionMessage =
  | { readonly type: 'fenced'; readonly message: string }
  | { readonly type: 'handover' };

export interface PartitionContext {
  trouble: Trouble | undefined;
}

/** Turns what a step threw into the tagged form; the runtime throws objects of that form. */
function troubleOf(error: unknown): Trouble {
  if (typeof error === 'object' && error !== null && 'kind' in error && 'message' in error) {
    return error as Trouble;
  }
  return { kind: 'trouble', message: String(error) };
}

const step = fromPromise<void>(async () => {
  throw new Error('the runtime provides this step');
});

export const partitionMachine = setup({
  types: {} as { context: PartitionContext; events: PartitionMessage },
  actors: {
    /** Asks whoever serves the partition to hand it over; rejects when they will not. */
    ask: step,
    /** Writes the claim; resolves when it is durable. */
    claim: step,
    /** Replays up to the claim. */
    recover: step,
    /** Finishes rounds, snapshots, hands over. */
    drain: step,
    /** Waits a little before claiming again. */
    pause: step,
  },
  actions: {
    serve: () => {},
    /** Throws away all memory of the partition and answers what is held `unavailable`. */
    forget: () => {},
    /** As `forget`, but what has not been decided goes to the next owner. */
    handOn: () => {},
    released: () => {},
    refuse: () => {},
    report: () => {},
    blame: assign({
      trouble: ({ event }) =>
        'error' in event
          ? troubleOf(event.error)
          : { kind: 'fenced' as const, message: 'message' in event ? String(event.message) : '' },
    }),
  },
  guards: {
    /** Whether this node still owns the partition and nobody else says that it serves it. */
    mayClaim: () => true,
    isRefusal: ({ event }) => 'error' in event && troubleOf(event.error).kind === 'refused',
  },
}).createMachine({
  id: 'partition',
  context: { trouble: undefined },
  initial: 'asking',
  on: { fenced: { target: '.fenced', actions: 'blame' } },
  states: {
    asking: {
      invoke: { src: 'ask', onDone: 'claiming', onError: { target: 'released', actions: 'blame' } },
      on: { handover: 'released' },
    },
    claiming: {
      invoke: {
        src: 'claim',
        onDone: 'recovering',
        onError: [
          { guard: 'isRefusal', target: 'refused', actions: 'blame' },
          { target: 'fenced', actions: 'blame' },
        ],
      },
      on: { handover: 'released' },
    },
    recovering: {
      invoke: {
        src: 'recover',
        onDone: 'serving',
        onError: [
          { guard: 'isRefusal', target: 'refused', actions: 'blame' },
          { target: 'fenced', actions: 'blame' },
        ],
      },
      on: { handover: 'released' },
    },
    serving: { entry: 'serve', on: { handover: 'draining' } },
    draining: {
      invoke: {
        src: 'drain',
        onDone: 'released',
        onError: { target: 'released', actions: ['blame', 'report'] },
      },
      on: { fenced: { target: 'released', actions: ['blame', 'report'] } },
    },
    fenced: {
      entry: ['report', 'forget'],
      invoke: {
        src: 'pause',
        onDone: [{ guard: 'mayClaim', target: 'claiming' }, { target: 'released' }],
        onError: 'released',
      },
      on: { handover: 'released', fenced: {} },
    },
    refused: { entry: ['report', 'forget', 'refuse'], on: { handover: 'released', fenced: {} } },
    released: { type: 'final', entry: ['handOn', 'released'] },
  },
});
