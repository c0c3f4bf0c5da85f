// Asks as an integrator in any language would: a plain NATS connection, JSON in, JSON and headers out.

import { connect, type NatsConnection } from '@nats-io/transport-node';
import { partitionOf, skuKeyOf } from '../../src/domain/names.ts';

/** A reply of the contract; tests match the fields that they care about. */
export interface Reply {
  readonly ok: boolean;
  readonly id?: string | null;
  readonly error?: {
    readonly code: string;
    readonly retry: boolean;
    readonly [field: string]: unknown;
  };
  readonly lines?: readonly Readonly<Record<string, unknown>>[];
  readonly [field: string]: unknown;
}

export interface RawReply {
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

type Payload = Readonly<Record<string, unknown>>;

export interface Desk {
  readonly connection: NatsConnection;
  /** One request on `inv.cmd.<channel>.<verb>`. */
  ask(channel: string, verb: string, payload: Payload): Promise<Reply>;
  /** The same request again and again until the answer is no passing trouble. */
  insist(channel: string, verb: string, payload: Payload): Promise<Reply>;
  /** Any bytes on any subject. */
  raw(subject: string, payload: Uint8Array | string): Promise<RawReply>;
  /** Goods in, under an id of its own. */
  receive(sku: string, qty: number, location?: string): Promise<Reply>;
  get(sku: string, channel?: string): Promise<Reply>;
  close(): Promise<void>;
}

const attemptMs = 8_000;
const insistMs = 90_000;
let receipts = 0;

/** Opens a connection of its own. Times out generously: the machine may be busy with other tests. */
export async function openDesk(url: string, prefix = 'inv'): Promise<Desk> {
  const connection = await connect({
    servers: url,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    inboxPrefix: '_INBOX.desk',
  });
  const request = async (subject: string, payload: Uint8Array | string, timeout = attemptMs) =>
    connection.request(subject, payload, { timeout });
  const desk: Desk = {
    connection,
    async ask(channel, verb, payload) {
      const reply = await request(`${prefix}.cmd.${channel}.${verb}`, JSON.stringify(payload));
      return reply.json<Reply>();
    },
    async insist(channel, verb, payload) {
      const untilMs = Date.now() + insistMs;
      for (;;) {
        let last: unknown;
        try {
          const reply = await desk.ask(channel, verb, payload);
          if (reply.ok || reply.error?.retry !== true) return reply;
          last = reply;
        } catch (error) {
          last = error;
        }
        if (Date.now() > untilMs) throw new Error(`${verb}: ${JSON.stringify(last)}`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    async raw(subject, payload) {
      const reply = await request(subject, payload);
      const headers: Record<string, string> = {};
      for (const [name, values] of reply.headers ?? []) headers[name] = values[0] as string;
      return { body: reply.json(), headers };
    },
    receive(sku, qty, location) {
      receipts += 1;
      const where = location === undefined ? {} : { location };
      return desk.insist('wms', 'receive', { id: `in-${receipts}`, sku, qty, ...where });
    },
    get: (sku, channel = 'web') => desk.insist(channel, 'get', { sku }),
    close: () => connection.close(),
  };
  return desk;
}

/** `count` SKUs, none of them in the partition of the one before it. */
export function skusApart(count: number, partitions: number, prefix: string): string[] {
  const skus: string[] = [];
  let last = -1;
  for (let n = 0; skus.length < count; n++) {
    const sku = `${prefix} ${n}`;
    const partition = partitionOf(skuKeyOf(sku), partitions);
    if (partition === last && partitions > 1) continue;
    last = partition;
    skus.push(sku);
  }
  return skus;
}
