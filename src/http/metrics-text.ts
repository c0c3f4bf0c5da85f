/**
 * `/metrics` for Prometheus: the node's counters and its status of this moment. The runtime counts in plain numbers;
 * they become metrics only here, when somebody asks.
 */

import { Registry } from 'prom-client';
import type { CountingMetrics } from '../runtime/metrics.ts';
import type { NodeStatus } from '../runtime/node.ts';
import type { Backend } from './backend.ts';
import {
  counter,
  type Family,
  gauge,
  histogram,
  one,
  type Sample,
  samples,
} from './metric-families.ts';
import { reconcileFamilies } from './reconcile-metrics.ts';

export const metricsType = Registry.PROMETHEUS_CONTENT_TYPE;

const startedAtSeconds = Math.round(Date.now() / 1_000 - process.uptime());

/** The text of everything; without a node only what the process itself knows. */
export async function metricsText(backend: Backend | undefined): Promise<string> {
  const registry = new Registry();
  const families = [...processFamilies(), ...(backend === undefined ? [] : nodeFamilies(backend))];
  for (const family of families) {
    // The registry only ever asks a metric for its name and its current values.
    const metric = { name: family.name, get: async () => ({ ...family, aggregator: 'sum' }) };
    registry.registerMetric(metric as never);
  }
  return registry.metrics();
}

function nodeFamilies({ node, metrics, reconcile, connected }: Backend): Family[] {
  return [
    ...counters(metrics),
    ...distributions(metrics),
    ...gauges(node.status(), connected()),
    ...(reconcile === undefined ? [] : reconcileFamilies(reconcile)),
  ];
}

function counters(metrics: CountingMetrics): Family[] {
  const answered = [...metrics.commands.values].map(([label, value]) => {
    const [verb = '', outcome = ''] = label.split(' ');
    return { labels: { verb, outcome }, value };
  });
  // A frame is answered as a whole besides the commands in it.
  const commands = answered.filter(({ labels }) => labels.verb !== 'frame');
  const frames = answered.filter(({ labels }) => labels.verb === 'frame');
  const by = (label: string, values: ReadonlyMap<string, number>): Sample[] =>
    [...values].map(([name, value]) => ({ labels: { [label]: name }, value }));
  return [
    counter('commands', 'commands answered, by verb and outcome', commands),
    counter(
      'frames',
      'frames of commands answered',
      frames.map(({ labels, value }) => ({ labels: { outcome: labels.outcome }, value })),
    ),
    counter(
      'append_troubles',
      'appends to the journal that were not simply stored',
      by('kind', metrics.appendTroubles.values),
    ),
    counter(
      'facts',
      'facts applied, or put among the dead letters',
      by('outcome', metrics.facts.values),
    ),
    counter(
      'derived_rows',
      'rows and history messages written',
      by('sink', metrics.derivedRows.values),
    ),
    counter('expired_holds', 'holds that have expired', one(metrics.expiredHolds)),
    counter('recovered_entries', 'journal messages replayed', one(metrics.recoveredEntries)),
    counter('actor_failures', 'SKU actors that failed', one(metrics.actorFailures)),
    counter('stalls', 'times that this process stood still', one(metrics.stalls)),
  ];
}

function distributions(metrics: CountingMetrics): Family[] {
  const lag = [...metrics.derivedLagMs].flatMap(([sink, values]) =>
    samples('lastunit_derived_lag_seconds', values, 1_000, { sink }),
  );
  return [
    histogram(
      'commit_seconds',
      'from sending a commit to its acknowledgement',
      metrics.commitMs,
      1_000,
    ),
    histogram('commit_commands', 'commands of a commit', metrics.commitCommands),
    histogram('commit_bytes', 'bytes of a commit', metrics.commitBytes),
    histogram('barrier_seconds', 'proofs of ownership without events', metrics.barrierMs, 1_000),
    histogram('expiry_late_seconds', 'how late holds expired', metrics.expiryLateMs, 1_000),
    histogram('recovery_seconds', 'taking over a partition', metrics.recoveryMs, 1_000),
    {
      name: 'lastunit_derived_lag_seconds',
      help: 'from a commit to its rows',
      type: 'histogram',
      values: lag,
    },
  ];
}

function gauges(status: NodeStatus, connected: boolean): Family[] {
  const serving = status.partitions.filter(({ phase }) => phase === 'serving').length;
  const perPartition = (value: (partition: NodeStatus['partitions'][number]) => number) =>
    status.partitions.map((partition) => ({
      labels: { partition: partition.partition },
      value: value(partition),
    }));
  return [
    gauge('partitions_serving', 'partitions that this node serves', one(serving)),
    gauge(
      'partition_head',
      "sequence of the partition's last commit",
      perPartition((p) => p.headSeq),
    ),
    gauge(
      'partition_behind_checkpoint',
      'journal messages that a take-over would replay',
      perPartition((p) => p.behindCheckpoint),
    ),
    gauge(
      'mailbox_commands',
      'commands waiting for a partition',
      perPartition((p) => p.mailbox),
    ),
    gauge('residents', 'SKU actors in memory', one(status.residents)),
    gauge('forwards', 'commands on their way to another node', one(status.forwards)),
    gauge('members', 'living nodes', one(status.membership.nodes.length)),
    gauge(
      'clock_offset_seconds',
      'our clock against the servers',
      one(status.clockOffsetMs / 1_000),
    ),
    gauge('ready', 'whether commands are served', one(status.ready ? 1 : 0)),
    gauge('nats_connected', 'whether NATS is connected', one(connected ? 1 : 0)),
  ];
}

function processFamilies(): Family[] {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const plain = (name: string, help: string, type: Family['type'], value: number): Family => ({
    name,
    help,
    type,
    values: one(value),
  });
  return [
    plain('process_resident_memory_bytes', 'memory of the process', 'gauge', rss),
    plain('nodejs_heap_size_used_bytes', 'heap in use', 'gauge', heapUsed),
    plain('process_cpu_seconds_total', 'CPU time', 'counter', (user + system) / 1e6),
    plain('process_start_time_seconds', 'when it was started', 'gauge', startedAtSeconds),
  ];
}
