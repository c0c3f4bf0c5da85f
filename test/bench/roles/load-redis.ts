// A closed-loop load on Redis: one script takes a unit and writes the reservation, or answers what the same id was
// answered before.

import { Redis } from 'ioredis';
import { randomFrom } from '../harness/numbers.ts';
import type { Line } from '../harness/worker.ts';
import type { PeerResult } from './load-postgres.ts';

export interface RedisParams {
  readonly url: string;
  readonly connections: number;
  /** Commands under way at a time; ioredis pipelines those of one connection. */
  readonly callers: number;
  readonly skus: number;
  readonly stock: number;
  readonly seconds: number;
}

const script = `
  if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 2 end
  local available = tonumber(redis.call('HGET', KEYS[1], 'available'))
  if available < 1 then return 0 end
  redis.call('HINCRBY', KEYS[1], 'available', -1)
  redis.call('HSET', KEYS[2], ARGV[1], 1)
  return 1`;

type WithReserve = Redis & {
  reserve(stock: string, reservations: string, id: string): Promise<number>;
};

export async function run(line: Line<RedisParams>): Promise<PeerResult> {
  const { url, connections: count, callers, skus, stock, seconds } = line.params;
  const connections = Array.from({ length: count }, () => {
    const redis = new Redis(url, { lazyConnect: true });
    redis.defineCommand('reserve', { numberOfKeys: 2, lua: script });
    return redis as WithReserve;
  });
  await Promise.all(connections.map((redis) => redis.connect()));
  const first = connections[0] as WithReserve;
  await first.flushall();
  for (let from = 0; from < skus; from += 5_000) {
    const pipeline = first.pipeline();
    for (let n = from; n < Math.min(skus, from + 5_000); n++) {
      pipeline.hset(`stock:S-${n}`, 'available', stock);
    }
    await pipeline.exec();
  }
  const random = randomFrom(7);
  await line.ready();

  let accepted = 0;
  let counter = 0;
  const startedAt = performance.now();
  const untilAt = startedAt + seconds * 1_000;
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      const redis = connections[caller % count] as WithReserve;
      while (performance.now() < untilAt) {
        const sku = `S-${skus === 1 ? 0 : Math.floor(random() * skus)}`;
        const done = await redis.reserve(`stock:${sku}`, `reservations:${sku}`, `r-${++counter}`);
        if (done === 1) accepted += 1;
      }
    }),
  );
  const tookMs = performance.now() - startedAt;
  for (const redis of connections) redis.disconnect();
  return {
    accepted,
    perSecond: (accepted * 1_000) / tookMs,
    oversold: Math.max(0, accepted - skus * stock),
  };
}
