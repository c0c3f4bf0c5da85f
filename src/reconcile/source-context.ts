/** One source with everything that its runs need; made by the reconciler. */

import type { Names } from '../contract/subjects.ts';
import type { LaneBook } from '../domain/reconciliation/ledger.ts';
import type {
  Bus,
  Clock,
  EdgeExposure,
  ErpAcknowledgements,
  ErpSource,
  Journal,
  KeyValues,
  OwnerRows,
  RowBucket,
} from '../ports.ts';
import type { Corrector } from './correcting.ts';
import type { Quarantine } from './quarantine.ts';
import type { ReconcileSettings } from './settings.ts';
import type { SourceMemories } from './source-memory.ts';
import type { HistoryStore } from './store/history-store.ts';
import type { LedgerStore } from './store/ledger-store.ts';
import type { PostedStore } from './store/posted-store.ts';
import type { SnapshotStore } from './store/snapshot-store.ts';
import type { ViewCheck } from './view-check.ts';

/** Parts of the outside that reconciliation touches. */
export interface ReconcilePorts {
  readonly clock: Clock;
  readonly bus: Bus;
  readonly journal: Journal;
  readonly values: KeyValues;
  readonly acknowledgements: ErpAcknowledgements;
  /** What edge nodes may have sold unheard; absent: there are none. */
  readonly exposures?: () => Promise<readonly EdgeExposure[]>;
  /** The read models and those who know what stands in them; absent: they are not checked. */
  readonly views?: {
    readonly buckets: readonly RowBucket[];
    readonly owners: OwnerRows;
    /** Buckets whose channel has a sourcing order: only the owner knows what they should show. */
    readonly ownersOnly?: ReadonlySet<string>;
  };
}

export interface SourceContext {
  readonly name: string;
  readonly erp: ErpSource;
  readonly settings: ReconcileSettings;
  readonly lanes: LaneBook;
  readonly partitions: number;
  readonly names: Names;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly ledger: LedgerStore;
  readonly snapshots: SnapshotStore;
  readonly histories: HistoryStore;
  readonly posted: PostedStore;
  readonly acknowledgements: ErpAcknowledgements;
  readonly memories: SourceMemories;
  readonly quarantine: Quarantine;
  readonly corrector: Corrector;
  readonly views: ViewCheck | undefined;
  /** For so long the other sources need entries to be kept apart; 0: there are none. */
  readonly othersNeedMs: number;
  readonly exposures: () => Promise<readonly EdgeExposure[]>;
  /** Whether this node may still change anything. */
  readonly isLeading: () => boolean;
}
