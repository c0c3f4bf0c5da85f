// A client process: some workers that trade a few SKUs, each repeating what it wants under the same id until it has a
// definite answer, and telling every attempt. Started by `clients.ts`.

import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { connectClient } from '../../src/client/connect-client.ts';
import { DeadlineExceededError } from '../../src/client/errors.ts';
import { Random } from '../sim/engine/random.ts';
import { type Attempt, type Heard, isUnknown, type Verb } from './history.ts';

export interface ClientOptions {
  readonly name: string;
  readonly servers: readonly string[];
  readonly seed: number;
  readonly skus: readonly string[];
  readonly workers: number;
  /** Mean pause of a worker between two wishes. */
  readonly pauseMs: number;
  /** `plain`: a NATS client as an integrator would write one; `library`: lastunit/client. */
  readonly kind: 'plain' | 'library';
}

export type ClientMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'told'; readonly attempts: readonly Attempt[] }
  | { readonly kind: 'done' };

/** What a worker wants; `sentMs` and the answer come with the attempts. */
type Wish = Omit<Attempt, 'client' | 'sentMs' | 'answeredMs' | 'heard'>;

/** Sends one wish until it has a definite answer, and hands over every attempt. */
type Send = (
  wish: Wish,
  tell: (attempt: Omit<Attempt, 'client'>) => void,
) => Promise<Heard | undefined>;

const attemptMs = 1_500;
/** After this nobody will ever know. */
const patienceMs = 60_000;
const telegramMs = 250;
/** A call of the library that took longer may have been sent more than once. */
const repeatedMs = 100;

const channelOf = (verb: Verb) => (verb === 'receive' ? 'wms' : 'web');

function payloadOf({ verb: _, ...fields }: Wish): object {
  return fields;
}

async function plainSender(
  options: ClientOptions,
): Promise<{ send: Send; close(): Promise<void> }> {
  const connection: NatsConnection = await connect({
    servers: [...options.servers],
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    pingInterval: 1_000,
    noAsyncTraces: true,
  });
  const send: Send = async (wish, tell) => {
    const subject = `inv.cmd.${channelOf(wish.verb)}.${wish.verb}`;
    const payload = JSON.stringify(payloadOf(wish));
    const giveUpMs = Date.now() + patienceMs;
    while (Date.now() < giveUpMs) {
      const sentMs = Date.now();
      let heard: Heard | undefined;
      try {
        const reply = await connection.request(subject, payload, { timeout: attemptMs });
        heard = reply.json<Heard>();
      } catch {
        heard = undefined;
      }
      tell({ ...wish, sentMs, ...(heard ? { answeredMs: Date.now(), heard } : {}) });
      if (!isUnknown(heard) && heard?.error?.code !== 'overloaded') return heard;
      await sleep(30);
    }
    return undefined;
  };
  return { send, close: () => connection.close() };
}

async function librarySender(
  options: ClientOptions,
): Promise<{ send: Send; close(): Promise<void> }> {
  const open = (channel: string) =>
    connectClient({ servers: options.servers, channel, attemptTimeoutMs: attemptMs });
  const clients = { web: await open('web'), wms: await open('wms') };
  const send: Send = async (wish, tell) => {
    const sentMs = Date.now();
    const client = clients[channelOf(wish.verb)];
    const call = client[wish.verb].bind(client) as (...args: object[]) => Promise<unknown>;
    try {
      const heard = (await call(payloadOf(wish), { deadlineMs: patienceMs })) as Heard;
      // What it repeated by itself may have been carried out: an attempt that nobody heard the answer of.
      if (heard.replayed || Date.now() - sentMs > repeatedMs) tell({ ...wish, sentMs });
      tell({ ...wish, sentMs, answeredMs: Date.now(), heard });
      return heard;
    } catch (error) {
      if (!(error instanceof DeadlineExceededError)) throw error;
      tell({ ...wish, sentMs });
      return undefined;
    }
  };
  return {
    send,
    async close() {
      await Promise.all([clients.web.close(), clients.wms.close()]);
    },
  };
}

/** One customer after another: what it holds, it confirms or lets go, or forgets. */
class Worker {
  readonly #options: ClientOptions;
  readonly #random: Random;
  readonly #name: string;
  readonly #holds: { id: string; sku: string }[] = [];
  #counter = 0;

  constructor(options: ClientOptions, name: string, random: Random) {
    this.#options = options;
    this.#name = name;
    this.#random = random;
  }

  get pauseMs(): number {
    return this.#random.between(0, 2 * this.#options.pauseMs);
  }

  next(): Wish {
    const random = this.#random;
    const sku = random.pick(this.#options.skus);
    const kind = random.weighted([
      ['reserve', 9],
      ['end', 7],
      ['sell', 2],
      ['receive', 3],
      ['get', 4],
    ]);
    switch (kind) {
      case 'get':
        return { verb: 'get', sku };
      case 'sell':
        return { verb: 'sell', id: this.#id(), sku, qty: random.between(1, 2) };
      case 'receive':
        return { verb: 'receive', id: this.#id(), sku, qty: random.between(1, 4) };
      case 'end': {
        const hold = this.#holds.splice(
          random.between(0, Math.max(0, this.#holds.length - 1)),
          1,
        )[0];
        return hold ? this.#end(hold) : this.#reserve(sku);
      }
      default:
        return this.#reserve(sku);
    }
  }

  #reserve(sku: string): Wish {
    const random = this.#random;
    const id = this.#id();
    // Remembered whatever becomes of it: customers also pay for what they do not know to have.
    this.#holds.push({ id, sku });
    const ttlMs = random.chance(0.25) ? random.between(1_000, 5_000) : 3_600_000;
    return { verb: 'reserve', id, sku, qty: random.between(1, 3), ttlMs };
  }

  #end({ id: reservation, sku }: { id: string; sku: string }): Wish {
    if (this.#random.chance(0.3)) this.#holds.push({ id: reservation, sku });
    return this.#random.chance(0.6)
      ? { verb: 'confirm', id: this.#id(), sku, reservation, order: `o-${reservation}` }
      : { verb: 'release', id: this.#id(), sku, reservation };
  }

  #id(): string {
    this.#counter += 1;
    return `${this.#name}-${this.#counter}`;
  }
}

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] as string) as ClientOptions;
  let attempts: Attempt[] = [];
  const say = (message: ClientMessage) => process.send?.(message);
  const flush = () => {
    if (attempts.length > 0) say({ kind: 'told', attempts });
    attempts = [];
  };
  let over = false;
  process.on('message', () => {
    over = true;
  });
  process.on('disconnect', () => process.exit(9));
  const { send, close } =
    options.kind === 'plain' ? await plainSender(options) : await librarySender(options);
  setInterval(flush, telegramMs).unref();
  say({ kind: 'ready' });
  const random = new Random(options.seed);
  const work = async (index: number) => {
    const name = `${options.name}.${index}`;
    const worker = new Worker(options, name, random.fork());
    while (!over) {
      await send(worker.next(), (attempt) => attempts.push({ ...attempt, client: name }));
      await sleep(worker.pauseMs);
    }
  };
  await Promise.all(Array.from({ length: options.workers }, (_, index) => work(index)));
  flush();
  say({ kind: 'done' });
  await close();
  process.disconnect();
}

void main();
