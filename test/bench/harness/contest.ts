// Contenders in turn, round by round, so that a machine that is busy for a while is busy for all of them.

import type { PeerResult, PostgresParams } from '../roles/load-postgres.ts';
import type { RedisParams } from '../roles/load-redis.ts';
import { median } from './numbers.ts';
import type { Context, Line, PeerServer } from './scenario.ts';
import { startWorker } from './worker.ts';

export interface Contender {
  readonly what: string;
  /** One round; answers operations per second. */
  round(index: number): Promise<number>;
  readonly note?: () => string;
}

/** Runs them alternately; the medians, in the order of the contenders. */
export async function contest(
  context: Context,
  contenders: readonly Contender[],
  unit: string,
): Promise<Line[]> {
  const rounds = contenders.map(() => [] as number[]);
  for (let index = 0; index < context.rounds; index++) {
    for (const [position, contender] of contenders.entries()) {
      const value = await contender.round(index);
      rounds[position]!.push(value);
      context.log(`  round ${index + 1}: ${contender.what} ${Math.round(value)} ${unit}`);
    }
  }
  return contenders.map(({ what, note }, position) => ({
    what,
    value: median(rounds[position]!),
    unit,
    rounds: rounds[position]!,
    ...(note ? { note: note() } : {}),
  }));
}

/** A peer's load as a contender; none where the peer is not installed. */
export function postgresContender(
  peer: PeerServer | undefined,
  what: string,
  params: Omit<PostgresParams, 'url'>,
  faults: string[],
): Contender[] {
  if (peer === undefined) return [];
  return [peerContender(peer, what, 'load-postgres', { ...params, url: peer.url }, faults)];
}

export function redisContender(
  peer: PeerServer | undefined,
  what: string,
  params: Omit<RedisParams, 'url'>,
  faults: string[],
): Contender[] {
  if (peer === undefined) return [];
  return [peerContender(peer, what, 'load-redis', { ...params, url: peer.url }, faults)];
}

function peerContender(
  peer: PeerServer,
  what: string,
  role: string,
  params: unknown,
  faults: string[],
): Contender {
  return {
    what: `${peer.name}, ${what}`,
    async round() {
      const load = startWorker(role, params);
      await load.ready;
      load.tell('go');
      const { perSecond, oversold } = (await load.result) as PeerResult;
      if (oversold > 0) faults.push(`${peer.name}: ${oversold} oversold`);
      return perSecond;
    },
  };
}
