/**
 * The reconciler actor of one ERP source: when a run begins, what follows what, and what trouble
 * leads to. Only the holder of the cluster's lease leaves `standby`.
 *
 *     standby ⇄ waiting ──▶ fetching ──▶ staging ──▶ comparing ──▶ applying ──▶ reporting ──▶ waiting
 *                  ▲            │            └────── nothing to go on with ─────────▲
 *                  └ backingOff ◀── failing ◀── trouble in any step
 *
 * The steps are provided by `src/reconcile`; a step that answers `report` skips what is left. What a
 * run has found lives there, so that a run that is given up leaves nothing here.
 */

import { assign, fromPromise, setup } from 'xstate';

/** Why a run is made. */
export interface RunRequest {
  /** Nothing is applied, and nothing is remembered. */
  readonly dryRun: boolean;
  /** Apply even what the circuit breaker would stop. */
  readonly force: boolean;
  /** Names the request to whoever waits for its report; absent: the timer's. */
  readonly token?: number;
}

export type StepResult = 'go on' | 'report';

export interface ReconcilerContext {
  readonly request: RunRequest | undefined;
  /** Requests that have not begun, oldest first. */
  readonly asked: readonly RunRequest[];
  /** Runs in a row that ended in trouble. */
  readonly failures: number;
  readonly trouble: unknown;
}

export type ReconcilerEvent =
  | { readonly type: 'lease.gained' }
  | { readonly type: 'lease.lost' }
  | { readonly type: 'run.requested'; readonly request: RunRequest };

const step = fromPromise<StepResult, RunRequest>(async () => {
  throw new Error('src/reconcile provides this step');
});
const failed = fromPromise<void, { readonly request: RunRequest; readonly trouble: unknown }>(
  async () => {
    throw new Error('src/reconcile provides this step');
  },
);

export const timedRun: RunRequest = { dryRun: false, force: false };

const requestOf = ({ context }: { context: ReconcilerContext }) => context.request ?? timedRun;

export const reconcilerMachine = setup({
  types: {} as { context: ReconcilerContext; events: ReconcilerEvent },
  actors: {
    fetch: step,
    stage: step,
    compare: step,
    apply: step,
    report: step,
    reportFailure: failed,
  },
  actions: {
    queue: assign({
      asked: ({ context: { asked }, event }) => {
        if (event.type !== 'run.requested') return asked;
        // Nobody waits for it, and one that has not begun will do.
        const isTimed = (request: RunRequest) => request.token === undefined;
        return isTimed(event.request) && asked.some(isTimed) ? asked : [...asked, event.request];
      },
    }),
    beginAsked: assign(({ context }) => ({
      request: context.asked[0] ?? timedRun,
      asked: context.asked.slice(1),
    })),
    beginTimed: assign({ request: timedRun }),
    succeed: assign({ failures: 0, request: undefined, trouble: undefined }),
    fail: assign(({ context }) => ({ failures: context.failures + 1 })),
    end: assign({ request: undefined, trouble: undefined }),
    /** This node does not reconcile: whoever asked is told so. */
    decline: () => {},
    /** The lease is gone: the run is given up, and so is everything that was asked. */
    abandon: () => {},
    forget: assign({ request: undefined, asked: [], trouble: undefined }),
  },
  guards: {
    isAsked: ({ context }) => context.asked.length > 0,
  },
  delays: {
    /** Until the next run by itself. */
    interval: 600_000,
    backOff: 5_000,
  },
}).createMachine({
  id: 'reconciler',
  context: { request: undefined, asked: [], failures: 0, trouble: undefined },
  initial: 'standby',
  states: {
    standby: {
      on: { 'lease.gained': 'leading', 'run.requested': { actions: 'decline' } },
    },
    leading: {
      initial: 'waiting',
      on: {
        'lease.lost': { target: 'standby', actions: ['abandon', 'forget'] },
        'run.requested': { actions: 'queue' },
      },
      states: {
        waiting: {
          always: { guard: 'isAsked', target: 'fetching', actions: 'beginAsked' },
          after: { interval: { target: 'fetching', actions: 'beginTimed' } },
        },
        fetching: {
          invoke: {
            src: 'fetch',
            input: requestOf,
            onDone: [
              { guard: ({ event }) => event.output === 'go on', target: 'staging' },
              { target: 'reporting' },
            ],
            onError: {
              target: 'failing',
              actions: assign({ trouble: ({ event }) => event.error }),
            },
          },
        },
        staging: {
          invoke: {
            src: 'stage',
            input: requestOf,
            onDone: [
              { guard: ({ event }) => event.output === 'go on', target: 'comparing' },
              { target: 'reporting' },
            ],
            onError: {
              target: 'failing',
              actions: assign({ trouble: ({ event }) => event.error }),
            },
          },
        },
        comparing: {
          invoke: {
            src: 'compare',
            input: requestOf,
            onDone: [
              { guard: ({ event }) => event.output === 'go on', target: 'applying' },
              { target: 'reporting' },
            ],
            onError: {
              target: 'failing',
              actions: assign({ trouble: ({ event }) => event.error }),
            },
          },
        },
        applying: {
          invoke: {
            src: 'apply',
            input: requestOf,
            onDone: 'reporting',
            onError: {
              target: 'failing',
              actions: assign({ trouble: ({ event }) => event.error }),
            },
          },
        },
        reporting: {
          invoke: {
            src: 'report',
            input: requestOf,
            onDone: { target: 'waiting', actions: 'succeed' },
            onError: {
              target: 'failing',
              actions: assign({ trouble: ({ event }) => event.error }),
            },
          },
        },
        failing: {
          entry: 'fail',
          invoke: {
            src: 'reportFailure',
            input: ({ context }) => ({ request: requestOf({ context }), trouble: context.trouble }),
            onDone: { target: 'backingOff', actions: 'end' },
            onError: { target: 'backingOff', actions: 'end' },
          },
        },
        backingOff: {
          always: { guard: 'isAsked', target: 'fetching', actions: 'beginAsked' },
          after: { backOff: { target: 'fetching', actions: 'beginTimed' } },
        },
      },
    },
  },
});
