/**
 * The cart actor: the course of one command of a cart through its home partition (invariant 8).
 *
 *     recording ──▶ asking ──▶ deciding ──▶ settling ──▶ done
 *        the intent   every line  the verdict   every line is
 *        is durable   answers     is durable    driven to it
 *
 * Whoever owns home after a crash starts a new actor where the journal ends: at `asking` when an
 * intent has no verdict, at `settling` when a verdict has not been carried through. A release asks
 * nobody. The steps are provided by the runtime; each of them repeats until it succeeds, so the
 * only way out besides `done` is that home moves (`abandoned`).
 */

import { fromPromise, setup } from 'xstate';

/** Where the journal says this command stands. */
export type CartStage = 'new' | 'recorded' | 'decided';

export interface CartCourseInput {
  readonly stage: CartStage;
  /** Whether the lines have to be asked before the verdict. */
  readonly asks: boolean;
}

const step = fromPromise<void>(async () => {
  throw new Error('the runtime provides this step');
});

export const cartMachine = setup({
  types: {} as { context: CartCourseInput; input: CartCourseInput; events: { type: 'abandon' } },
  actors: { record: step, ask: step, decide: step, settle: step },
  actions: { decided: () => {}, done: () => {}, abandoned: () => {} },
  guards: {
    isDecided: ({ context }) => context.stage === 'decided',
    mustAsk: ({ context }) => context.asks,
    isRecorded: ({ context }) => context.stage === 'recorded',
  },
}).createMachine({
  id: 'cart',
  context: ({ input }) => input,
  initial: 'entering',
  on: { abandon: '.abandoned' },
  states: {
    entering: {
      always: [
        { guard: 'isDecided', target: 'settling' },
        { guard: 'isRecorded', target: 'asking' },
        { guard: 'mustAsk', target: 'recording' },
        { target: 'deciding' },
      ],
    },
    recording: { invoke: { src: 'record', onDone: 'asking', onError: 'abandoned' } },
    asking: { invoke: { src: 'ask', onDone: 'deciding', onError: 'abandoned' } },
    deciding: {
      invoke: { src: 'decide', onDone: 'settling', onError: 'abandoned' },
      exit: 'decided',
    },
    settling: { invoke: { src: 'settle', onDone: 'done', onError: 'abandoned' } },
    done: { type: 'final', entry: 'done' },
    abandoned: { type: 'final', entry: 'abandoned' },
  },
});
