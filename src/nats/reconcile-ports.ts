// The parts of NATS that a reconciler needs besides a node's ports: its bucket, and what the ERP has acknowledged.

import type { Names } from '../contract/subjects.ts';
import type { ErpAcknowledgements, KeyValues } from '../ports.ts';
import { createErpAcknowledgements } from './erp-acknowledgements.ts';
import type { JetStreamApi } from './jetstream-api.ts';
import { createKeyValues } from './snapshots.ts';

export interface NatsReconcilePorts {
  readonly values: KeyValues;
  readonly acknowledgements: ErpAcknowledgements;
}

/** Streams and buckets exist already (provision.ts). */
export function createReconcilePorts(api: JetStreamApi, names: Names): NatsReconcilePorts {
  return {
    values: createKeyValues(api, names.buckets.reconcile),
    acknowledgements: createErpAcknowledgements(api, names),
  };
}
