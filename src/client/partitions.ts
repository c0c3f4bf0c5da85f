/**
 * How many partitions the deployment has, read from `inv_nodes` / `meta`. Fixed for the journal's
 * life, so a replica's answer is as good as the leader's. Until it is known, because no node has
 * ever run or the server does not let us read it, commands go one by one and any node routes them.
 */

import { keyValueSubject, type Names } from '../contract/subjects.ts';
import { bucketStream } from '../nats/adapter-names.ts';
import type { Mux } from '../nats/mux.ts';
import { type Clock, PortError, type Timer } from '../ports.ts';

const retryMs = 1_000;
const timeoutMs = 2_000;

export interface KnownPartitions {
  readonly current: () => number | undefined;
  stop(): void;
}

/** Resolves after the first attempt; tries again in the background until it succeeds. */
export async function findPartitions(
  mux: Mux,
  names: Names,
  clock: Clock,
): Promise<KnownPartitions> {
  let found: number | undefined;
  let timer: Timer | undefined;
  let stopped = false;

  async function look(): Promise<void> {
    found = await readPartitions(mux, names).catch(() => undefined);
    if (found === undefined && !stopped) timer = clock.after(retryMs, () => void look());
  }

  await look();
  return {
    current: () => found,
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}

/** What `meta` says now; undefined: there is none. */
export async function readPartitions(mux: Mux, names: Names): Promise<number | undefined> {
  const { nodes } = names.buckets;
  const subject = `$JS.API.DIRECT.GET.${bucketStream(nodes)}.${keyValueSubject(nodes, 'meta')}`;
  try {
    const reply = await mux.request(subject, '', { timeoutMs });
    if (reply.status !== 0) return undefined;
    const { partitions } = JSON.parse(reply.text()) as { partitions?: unknown };
    return Number.isInteger(partitions) && (partitions as number) > 0
      ? (partitions as number)
      : undefined;
  } catch (error) {
    if (error instanceof PortError && error.code === 'no_responders') return undefined;
    throw error;
  }
}
