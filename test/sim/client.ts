/**
 * A channel's client: publishes requests to the public subjects as any foreign client would, and
 * repeats what was not answered with the same id, sometimes before it has given up on the first try.
 * Every reply is kept, also one that comes long after it was given up on.
 */

import { type Bus, PortError } from '../../src/ports.ts';
import type { SimProcess } from './engine/process.ts';
import type { Random } from './engine/random.ts';
import { partitionOf, skuKeyOf } from './model/names.ts';
import type { Attempt, FactIntent, Intent } from './run-record.ts';
import { busTwin } from './twins/bus.ts';
import type { Link } from './twins/link.ts';
import type { CommandWish, Wish, Wisher } from './wishes.ts';

/** Late replies are waited for this long, far beyond any patience. */
const hearMs = 100_000;
const triesMax = 1_000;

type Reply = Readonly<Record<string, unknown>>;

export class Client {
  readonly name: string;
  readonly intents: Intent[] = [];
  readonly facts: FactIntent[] = [];
  readonly #link: Link;
  readonly #process: SimProcess;
  readonly #bus: Bus;
  readonly #random: Random;
  readonly #wisher: Wisher;
  #busy = 0;
  #stopped = false;

  constructor(link: Link, random: Random, wisher: Wisher) {
    this.name = link.process.name;
    this.#link = link;
    this.#process = link.process;
    this.#bus = busTwin(link);
    this.#random = random;
    this.#wisher = wisher;
  }

  /** Whether something is still being tried. */
  get busy(): boolean {
    return this.#busy > 0;
  }

  start(pauseMs: number): void {
    const next = () => {
      if (this.#stopped) return;
      void this.fulfil(this.#wisher.next(this.#process.clock.now()));
      const pause = this.#random.chance(0.2) ? 1 : this.#random.between(1, 2 * pauseMs);
      this.#process.clock.after(pause, next);
    };
    this.#process.clock.after(this.#random.between(1, 1_000), next);
  }

  /** Wants nothing new. */
  stop(): void {
    this.#stopped = true;
  }

  async fulfil(wish: Wish): Promise<void> {
    this.#busy += 1;
    try {
      if (wish.kind === 'fact') await this.#publish(wish);
      else if (wish.kind === 'frame') await this.#frame(wish);
      else if (wish.kind === 'again') await this.#try(wish.intent);
      else await this.#pursue(this.#intent(wish));
    } finally {
      this.#busy -= 1;
    }
  }

  /** Asks until there is a final answer, patience ends or the client loses interest. */
  async pursue(wish: CommandWish): Promise<Reply | undefined> {
    return this.#pursue(this.#intent(wish), true);
  }

  #intent(wish: CommandWish): Intent {
    const { kind, channel, verb, payload } = wish;
    const intent: Intent = { client: this.name, channel, verb, payload, kind, attempts: [] };
    this.intents.push(intent);
    return intent;
  }

  async #pursue(intent: Intent, stubborn = false): Promise<Reply | undefined> {
    const tries = stubborn ? triesMax : this.#random.between(1, 12);
    for (let tried = 0; tried < tries; tried++) {
      const reply = await this.#try(intent);
      if (reply && !mayRepeat(reply)) {
        this.#wisher.heard(intent, reply);
        return reply;
      }
      await this.#wait(this.#random.between(20, 600));
    }
    return undefined;
  }

  /** One request; resolves when it is answered or patience ends. */
  #try(intent: Intent): Promise<Reply | undefined> {
    const { channel, verb, payload } = intent;
    const text = 'raw' in payload ? String(payload.raw) : JSON.stringify(payload);
    const attempt: Attempt = { sentMs: this.#link.world.timeline.nowMs };
    intent.attempts.push(attempt);
    const answered = this.#bus.request(`inv.cmd.${channel}.${verb}`, text, hearMs).then(
      (bytes) => {
        attempt.answeredMs = this.#link.world.timeline.nowMs;
        attempt.reply = parse(bytes) as Reply;
        this.#link.world.timeline.mark(`${this.name} hears ${JSON.stringify(attempt.reply)}`);
        return attempt.reply;
      },
      (error) => {
        attempt.failure = error instanceof PortError ? error.code : String(error);
        return undefined;
      },
    );
    const patienceMs = this.#random.chance(0.1)
      ? this.#random.between(1, 30)
      : this.#random.between(300, 4_000);
    return Promise.race([answered, this.#wait(patienceMs).then(() => undefined)]);
  }

  async #frame(wish: Extract<Wish, { kind: 'frame' }>): Promise<void> {
    const { world } = this.#link;
    const partition = partitionOf(skuKeyOf(wish.sku), world.options.partitions);
    const intents = wish.wishes.map((one) => this.#intent(one));
    const sentMs = world.timeline.nowMs;
    const attempts = intents.map((intent) => {
      const attempt: Attempt = { sentMs };
      intent.attempts.push(attempt);
      return attempt;
    });
    const elements = wish.wishes.map(({ verb, payload }) => ({ verb, ...payload }));
    const subject = `inv.p.${partition}.${wish.channel}`;
    const answered = this.#bus.request(subject, JSON.stringify(elements), hearMs).then(
      (bytes) => {
        const replies = parse(bytes);
        world.timeline.mark(`${this.name} hears ${JSON.stringify(replies)}`);
        attempts.forEach((attempt, index) => {
          attempt.answeredMs = world.timeline.nowMs;
          attempt.reply = (Array.isArray(replies) ? replies[index] : replies) as Reply;
          if (!mayRepeat(attempt.reply)) {
            this.#wisher.heard(intents[index] as Intent, attempt.reply);
          }
        });
      },
      (error) => {
        for (const attempt of attempts) attempt.failure = String(error);
      },
    );
    await Promise.race([answered, this.#wait(3_000)]);
  }

  async #publish(wish: Extract<Wish, { kind: 'fact' }>): Promise<void> {
    const { world } = this.#link;
    const { source, verb, sku, payload } = wish;
    const fact: FactIntent = { source, verb, sku, payload, sentMs: world.timeline.nowMs };
    this.facts.push(fact);
    const skuKey = skuKeyOf(sku);
    const messageId = `${source}.${skuKey}.${payload.id}`;
    const text = JSON.stringify(payload);
    for (let tried = 0; tried < 10 && fact.seq === undefined; tried++) {
      try {
        fact.seq = await this.#link.publish('facts', `fact ${messageId}`, () =>
          world.facts.publish({ source, verb, skuKey, messageId, payload: text }),
        );
      } catch {
        await this.#wait(this.#random.between(20, 400));
      }
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#process.clock.after(ms, resolve));
  }
}

function parse(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** Whether the same id may be asked again and get somewhere. */
export function mayRepeat(reply: Reply): boolean {
  return (reply.error as { retry?: boolean } | undefined)?.retry === true;
}
