/**
 * What a run leaves behind for the checkers: everything that clients asked and heard, what the
 * servers have stored, and what was drawn.
 */

import type { Terms } from './model/asked.ts';
import type { Plan } from './plan.ts';
import type { ReconcileRecord } from './reconcile/reconciliation.ts';
import type { World } from './twins/world.ts';

/** One try of an intent: a request and, maybe, its reply. */
export interface Attempt {
  readonly sentMs: number;
  answeredMs?: number;
  reply?: Readonly<Record<string, unknown>>;
  /** Why there is no reply: `timeout`, `no_responders`, `disconnected`. */
  failure?: string;
}

/** What a client wants, under one id, however often it asks. */
export interface Intent {
  readonly client: string;
  readonly channel: string;
  readonly verb: string;
  /** `id` is absent for `get`. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly kind: 'sku' | 'cart' | 'bad';
  readonly attempts: Attempt[];
}

/** A fact whose acknowledgement is the promise that it will be applied. */
export interface FactIntent {
  readonly source: string;
  readonly verb: string;
  readonly sku: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly sentMs: number;
  /** Undefined: nobody promised anything. */
  seq?: number;
}

export interface RunRecord {
  readonly plan: Plan;
  readonly world: World;
  readonly terms: Terms;
  readonly intents: readonly Intent[];
  readonly facts: readonly FactIntent[];
  /** Undefined: there is no ERP. */
  readonly reconciliation: ReconcileRecord | undefined;
  /** When faults stopped; after it everything had to converge. */
  readonly healedMs: number;
  readonly endedMs: number;
}

/** What a checker found; none: all is well. */
export interface Failure {
  readonly checker: string;
  readonly what: string;
}

export type Checker = (run: RunRecord) => readonly string[];
