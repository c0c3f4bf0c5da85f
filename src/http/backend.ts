/** What the HTTP service answers from, once there is something to answer from. */

import type { LastunitConfig } from '../config/config.ts';
import type { ReadModels } from '../nats/read-models.ts';
import type { CountingMetrics } from '../runtime/metrics.ts';
import type { LastunitNode } from '../runtime/node.ts';
import type { ReconcileMetrics } from './reconcile-metrics.ts';

/** What waits for approval at one SKU, or a part of it. */
export interface ProposalChoice {
  readonly sku: string;
  readonly location?: string;
  readonly source?: string;
}

export interface Backend {
  readonly node: Pick<LastunitNode, 'status'>;
  readonly metrics: CountingMetrics;
  /** Of this node's reconciler; absent: it has none. */
  readonly reconcile?: ReconcileMetrics;
  /** Carries an operator's decision to the node that reconciles; rejects with a sentence. */
  readonly decide?: (
    what: 'approve' | 'reject',
    choice: ProposalChoice,
  ) => Promise<readonly object[]>;
  readonly read: ReadModels;
  /** Whether this node is connected to NATS right now. */
  readonly connected: () => boolean;
}

/** The service's own knowledge, from the first moment on. */
export interface ServiceInfo {
  readonly config: LastunitConfig;
  readonly version: string;
}

/** Channels that have a view, in the configuration's order. */
export function viewChannels(config: LastunitConfig): string[] {
  return [...config.rules.channels.values()].filter(({ view }) => view).map(({ name }) => name);
}
