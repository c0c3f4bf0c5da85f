// The configuration of every stream and bucket, as the JetStream API takes it. What is left out has the server's
// default. Durations on the wire are nanoseconds.
//
// Derived data can always be rebuilt, so it must not cost the journal's fsyncs: on one server `persist_mode:
// async`; in a cluster, where that is refused, views live in memory on three servers (design.md, Views).

import { keyValueSubject, type Names } from '../contract/subjects.ts';
import { bucketStream, factsRepublish, nodesRepublish } from './adapter-names.ts';
import { type SinkTarget, sinkTargets } from './sink-target.ts';

/** A stream's configuration; only the fields that we set. */
export type StreamConfig = Readonly<Record<string, unknown>> & {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly num_replicas: number;
};

export interface StreamPlan {
  readonly names: Names;
  readonly partitions: number;
  /** Channels that have a view. */
  readonly viewChannels: readonly string[];
  readonly replicas: number;
  /** How long per-SKU history is kept; 0: for ever. */
  readonly eventsRetentionMs: number;
}

const nanosecondsPerMs = 1_000_000;
const minuteMs = 60_000;

/** How long the server remembers message ids of facts: a producer's retries all fall within it. */
const factsDuplicateWindowMs = 15 * minuteMs;
/** A burial is repeated at most after a restart of the node that has not committed its position. */
const deadDuplicateWindowMs = 24 * 60 * minuteMs;
const nodesMarkerTtlMs = 5_000;

/** All streams of a deployment; `nodes` first, which holds the partition count. */
export function streamConfigs(plan: StreamPlan): StreamConfig[] {
  return [
    nodesBucket(plan.names, plan.replicas),
    journalStream(plan),
    snapshotsBucket(plan),
    factsStream(plan),
    deadStream(plan),
    erpStream(plan),
    bucket(plan.names.buckets.reconcile, plan.replicas),
    ...sinkTargets(plan.names, plan.viewChannels).map((target) => sinkStream(plan, target)),
  ];
}

function journalStream({ names, replicas }: StreamPlan): StreamConfig {
  return {
    name: names.streams.journal,
    description: 'lastunit: the event log, one message per commit; the single source of truth',
    subjects: [names.subjects.allJournals, names.subjects.allBarriers],
    storage: 'file',
    discard: 'new',
    allow_rollup_hdrs: true,
    allow_direct: false,
    duplicate_window: 2 * minuteMs * nanosecondsPerMs,
    num_replicas: replicas,
  };
}

function factsStream({ names, partitions, replicas }: StreamPlan): StreamConfig {
  return {
    name: names.streams.facts,
    description: 'lastunit: what has happened outside and waits to be applied',
    subjects: [names.subjects.allFacts],
    subject_transform: names.subjects.factTransform(partitions),
    republish: factsRepublish(names),
    storage: 'file',
    discard: 'new',
    allow_direct: true,
    duplicate_window: factsDuplicateWindowMs * nanosecondsPerMs,
    num_replicas: replicas,
  };
}

function deadStream({ names, replicas }: StreamPlan): StreamConfig {
  return {
    name: names.streams.dead,
    description: 'lastunit: facts that could not be applied, with the reason',
    subjects: [names.subjects.allDead],
    storage: 'file',
    allow_direct: true,
    duplicate_window: deadDuplicateWindowMs * nanosecondsPerMs,
    num_replicas: replicas,
  };
}

/** Acknowledgements matter for as long as their documents may be in doubt. */
const erpMaxAgeMs = 7 * 24 * 60 * minuteMs;

function erpStream({ names, replicas }: StreamPlan): StreamConfig {
  return {
    name: names.streams.erp,
    description: 'lastunit: what the ERP has posted of ours',
    subjects: [names.subjects.allErpAcks],
    storage: 'file',
    max_age: erpMaxAgeMs * nanosecondsPerMs,
    allow_direct: true,
    num_replicas: replicas,
    ...asyncOnOneServer(replicas),
  };
}

/** The bucket of nodes: keys expire by themselves, and every change is republished. */
export function nodesBucket(names: Names, replicas: number): StreamConfig {
  return {
    ...bucket(names.buckets.nodes, replicas),
    allow_msg_ttl: true,
    subject_delete_marker_ttl: nodesMarkerTtlMs * nanosecondsPerMs,
    republish: nodesRepublish(names),
  };
}

function snapshotsBucket({ names, replicas }: StreamPlan): StreamConfig {
  return { ...bucket(names.buckets.snapshots, replicas), ...asyncOnOneServer(replicas) };
}

function sinkStream(plan: StreamPlan, target: SinkTarget): StreamConfig {
  const { names, replicas, eventsRetentionMs } = plan;
  if (target.kind === 'history') {
    return {
      name: target.stream,
      description: 'lastunit: history per SKU, derived from the journal',
      subjects: target.streamSubjects,
      storage: 'file',
      max_age: eventsRetentionMs * nanosecondsPerMs,
      duplicate_window: eventsDuplicateWindowMs(eventsRetentionMs) * nanosecondsPerMs,
      allow_rollup_hdrs: true,
      // Marks outlive the retention: `Nats-TTL: never`.
      allow_msg_ttl: true,
      allow_direct: true,
      num_replicas: replicas,
      ...asyncOnOneServer(replicas),
    };
  }
  const name = target.stream.slice(bucketStream('').length);
  return {
    ...bucket(name, replicas),
    subjects: target.streamSubjects,
    storage: replicas > 1 ? 'memory' : 'file',
    republish:
      target.name === 'stock'
        ? names.subjects.stockRepublish
        : names.subjects.viewRepublish(target.name.slice('view.'.length)),
    ...asyncOnOneServer(replicas),
  };
}

/** What any KV client makes of a bucket with history 1. */
function bucket(name: string, replicas: number): StreamConfig {
  return {
    name: bucketStream(name),
    description: 'lastunit',
    subjects: [keyValueSubject(name, '>')],
    max_msgs_per_subject: 1,
    storage: 'file',
    discard: 'new',
    allow_rollup_hdrs: true,
    deny_delete: true,
    allow_direct: true,
    num_replicas: replicas,
  };
}

/** The server refuses a window that is longer than what it keeps. */
function eventsDuplicateWindowMs(retentionMs: number): number {
  return retentionMs === 0 ? 2 * minuteMs : Math.min(2 * minuteMs, retentionMs);
}

function asyncOnOneServer(replicas: number): { persist_mode?: 'async' } {
  return replicas > 1 ? {} : { persist_mode: 'async' };
}
