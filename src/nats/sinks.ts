// The sinks of a deployment: what is made from the journal for others to read (invariant 10). How a sink fences
// out a displaced writer depends on whether its stream is replicated: see sink-fenced.ts and sink-keyed.ts.

import type { Names } from '../contract/subjects.ts';
import { PortError, type Sink } from '../ports.ts';
import { type JetStreamApi, unavailable } from './jetstream-api.ts';
import { createFencedSink } from './sink-fenced.ts';
import { createKeyedSink } from './sink-keyed.ts';
import { type SinkTarget, sinkTargets } from './sink-target.ts';

/** Makes the ports of `stock`, the channels' views and `events`; their streams exist already. */
export async function createSinks(
  api: JetStreamApi,
  names: Names,
  viewChannels: readonly string[],
  options: { readonly timeoutMs?: number | undefined } = {},
): Promise<Sink[]> {
  const timeoutMs = options.timeoutMs ?? 5_000;
  return Promise.all(
    sinkTargets(names, viewChannels).map((target) => createSink(api, target, timeoutMs)),
  );
}

async function createSink(api: JetStreamApi, target: SinkTarget, timeoutMs: number): Promise<Sink> {
  const replicas = await replicasOf(api, target.stream);
  return replicas > 1
    ? createKeyedSink(api, target, timeoutMs)
    : createFencedSink(api, target, timeoutMs);
}

/** How many copies a stream has. */
export async function replicasOf(api: JetStreamApi, stream: string): Promise<number> {
  try {
    const info = await api.info(stream);
    if (info === undefined) throw new PortError('misconfigured', `there is no stream ${stream}`);
    return Number(info.config.num_replicas);
  } catch (error) {
    throw unavailable(error);
  }
}
