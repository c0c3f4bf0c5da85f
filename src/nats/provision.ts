// Makes the streams and buckets that are missing, and brings what may be changed up to date. Every node does so at
// every start; several at a time end with the same result.
//
// 1. The journal's partition count is fixed for its life: if `meta` names another than the configuration, the
//    streams follow `meta`, and the caller is told.
// 2. Replicas and storage of existing streams stay as they are: changing them is an operator's decision.
// 3. A clustered server gets three replicas or an error, never quietly one.

import { setTimeout as sleep } from 'node:timers/promises';
import { keyValueSubject, type Names } from '../contract/subjects.ts';
import { type JournalMeta, PortError } from '../ports.ts';
import { bucketStream } from './adapter-names.ts';
import { ApiError, apiError, type JetStreamApi, unavailable } from './jetstream-api.ts';
import { nodesBucket, type StreamConfig, streamConfigs } from './stream-configs.ts';

export interface ProvisionOptions {
  readonly names: Names;
  readonly partitions: number;
  /** Channels that have a view. */
  readonly viewChannels: readonly string[];
  /** Default: 3 on a clustered server, 1 otherwise. */
  readonly replicas?: number | undefined;
  /** How long per-SKU history is kept; 0: for ever. Default: 30 days. */
  readonly eventsRetentionMs?: number | undefined;
  /** How long to wait for a cluster that cannot place streams yet. Default: 30000. */
  readonly waitMs?: number | undefined;
}

export interface Provisioned {
  /** The partition count in force. */
  readonly partitions: number;
  readonly replicas: number;
  readonly created: readonly string[];
  readonly updated: readonly string[];
}

const eventsRetentionDefaultMs = 30 * 24 * 60 * 60_000;
const retryWaitMs = 250;

/** Codes of the API that a cluster in the making answers. */
const passing: ReadonlySet<number> = new Set([
  10005, // no suitable peers for placement
  10008, // system temporarily unavailable
  10009, // not the leader
  10023, // insufficient resources
  10039, // JetStream not enabled for account
  10076, // JetStream not enabled
]);

/** Creates and updates; rejects with `PortError`. */
export async function provision(
  api: JetStreamApi,
  options: ProvisionOptions,
): Promise<Provisioned> {
  const { names } = options;
  const wantedReplicas = options.replicas ?? (isClustered(api) ? 3 : 1);
  const deadline = performance.now() + (options.waitMs ?? 30_000);
  const created: string[] = [];
  const updated: string[] = [];

  const ensure = async (config: StreamConfig) => {
    const outcome = await insisting(deadline, () => ensureStream(api, config));
    if (outcome === 'created') created.push(config.name);
    if (outcome === 'updated') updated.push(config.name);
  };

  const first = nodesBucket(names, wantedReplicas);
  await ensure(first);
  const replicas = Number((await api.info(first.name))?.config.num_replicas ?? wantedReplicas);
  const partitions = (await storedPartitions(api, names)) ?? options.partitions;
  const configs = streamConfigs({
    names,
    partitions,
    viewChannels: options.viewChannels,
    replicas,
    eventsRetentionMs: options.eventsRetentionMs ?? eventsRetentionDefaultMs,
  });
  for (const config of configs.slice(1)) await ensure(config);
  return { partitions, replicas, created, updated };
}

function isClustered(api: JetStreamApi): boolean {
  return api.mux.connection.info?.cluster !== undefined;
}

async function storedPartitions(api: JetStreamApi, names: Names): Promise<number | undefined> {
  const bucket = names.buckets.nodes;
  const message = await api.message(bucketStream(bucket), {
    last_by_subj: keyValueSubject(bucket, 'meta'),
  });
  if (message === undefined || message.payload.length === 0) return undefined;
  const meta: JournalMeta = JSON.parse(new TextDecoder().decode(message.payload));
  return meta.partitions;
}

async function ensureStream(
  api: JetStreamApi,
  wanted: StreamConfig,
): Promise<'created' | 'updated' | 'unchanged'> {
  const { name } = wanted;
  const existing = (await api.info(name))?.config;
  if (existing === undefined) {
    try {
      await api.call(`STREAM.CREATE.${name}`, wanted);
      return 'created';
    } catch (error) {
      // Another node was faster, with a configuration that is not quite ours.
      if (error instanceof ApiError && error.apiCode === apiError.nameInUse) {
        return ensureStream(api, wanted);
      }
      throw error;
    }
  }
  const merged = mergedConfig(existing, wanted);
  if (merged === undefined) return 'unchanged';
  await api.call(`STREAM.UPDATE.${name}`, merged);
  return 'updated';
}

/** Fields that stay as they are in an existing stream (2). */
const fixed: ReadonlySet<string> = new Set(['num_replicas', 'storage', 'persist_mode']);

/** The existing configuration with our wishes, or undefined if it fulfils them. */
function mergedConfig(
  existing: Readonly<Record<string, unknown>>,
  wanted: StreamConfig,
): Record<string, unknown> | undefined {
  const changed = Object.keys(wanted).filter(
    (key) => !fixed.has(key) && !covers(existing[key] ?? defaultOf(wanted[key]), wanted[key]),
  );
  if (changed.length === 0) return undefined;
  const merged: Record<string, unknown> = { ...existing };
  for (const key of changed) merged[key] = wanted[key];
  return merged;
}

/** Zero values are left out by the server. */
function defaultOf(value: unknown): unknown {
  return typeof value === 'boolean' ? false : typeof value === 'number' ? 0 : undefined;
}

/** Whether `actual` has everything that `wanted` has; the server adds fields of its own. */
function covers(actual: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return actual === wanted;
  if (typeof actual !== 'object' || actual === null) return false;
  if (Array.isArray(wanted)) return JSON.stringify(actual) === JSON.stringify(wanted);
  return Object.entries(wanted).every(([key, value]) =>
    covers((actual as Record<string, unknown>)[key] ?? defaultOf(value), value),
  );
}

/** Repeats what a cluster in the making refuses, until the deadline. */
async function insisting<T>(deadline: number, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error)) throw asPortError(error);
      if (performance.now() > deadline) throw asPortError(error);
      await sleep(retryWaitMs);
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof ApiError) return passing.has(error.apiCode);
  return error instanceof PortError && error.code !== 'misconfigured';
}

function asPortError(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  if (!passing.has(error.apiCode) || error.apiCode === 10005) {
    const hint = error.apiCode === 10005 ? '; a cluster needs three servers with JetStream' : '';
    return new PortError('misconfigured', error.message + hint, { cause: error });
  }
  return unavailable(error);
}
