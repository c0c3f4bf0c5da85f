/** One question to the model, with all that belongs to it. */

import type { Part, Stock } from './stock.ts';

export interface ChannelTerms {
  readonly name: string;
  readonly verbs: readonly string[];
  readonly sourcing: readonly string[];
  readonly split: boolean;
  readonly defaultTtlMs: number;
  readonly longestTtlMs: number;
  readonly endsHoldsOf: readonly string[];
}

/** What a deployment configures, as far as the rules ask for it. */
export interface Terms {
  readonly channels: ReadonlyMap<string, ChannelTerms>;
  readonly holdsPerSkuMax: number;
  readonly idempotencyWindowMs: number;
}

export interface Request {
  readonly verb: string;
  readonly channel: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export type Reply = Readonly<Record<string, unknown>>;

/** When the round that answered can have been, by the clocks involved. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Either allowed, or why not. */
export type Judgement = undefined | string;

export const mainLocation = 'main';

export function meaningOf(request: Request): string {
  const entries = Object.entries(request.payload).filter(([name]) => name !== 'issuedAtMs');
  return `${request.verb} ${JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

/** One question with all that belongs to it. */
export class Asked {
  readonly stock: Stock;
  readonly verb: string;
  readonly p: Readonly<Record<string, unknown>>;
  readonly reply: Reply;
  readonly window: Window;
  readonly channel: ChannelTerms;
  readonly terms: Terms;
  readonly meaning: string;

  constructor(
    stock: Stock,
    request: Request,
    reply: Reply,
    window: Window,
    channel: ChannelTerms,
    terms: Terms,
  ) {
    this.stock = stock;
    this.verb = request.verb;
    this.p = request.payload;
    this.reply = reply;
    this.window = window;
    this.channel = channel;
    this.terms = terms;
    this.meaning = meaningOf(request);
  }

  get key(): string {
    return `${this.channel.name}/${this.p.id}`;
  }

  get accepted(): boolean {
    return this.reply.ok === true;
  }

  get code(): string {
    return (this.reply.error as { code?: string } | undefined)?.code ?? '';
  }

  number(name: string): number {
    return this.p[name] as number;
  }

  mustRefuse(code: string): Judgement {
    if (this.accepted) return `accepted where ${code} was due`;
    return this.code === code ? undefined : `${this.code} where ${code} was due`;
  }

  mustAccept(): Judgement {
    return this.accepted ? undefined : `${this.code} where nothing stood against it`;
  }

  available(channel = this.channel): number {
    return this.stock.availableTo(channel.name, channel.sourcing);
  }

  /** What every acceptance says of the state after it. */
  after(): Judgement {
    // Judging an event and not a reply: events do not say what one channel may sell.
    if (!('available' in this.reply) || this.reply.available === undefined) return undefined;
    if (this.reply.available === this.available()) return undefined;
    return `says ${this.reply.available} available, there are ${this.available()}`;
  }

  remember(more: {
    qty?: number;
    delta?: number;
    parts?: readonly Part[];
    retaken?: boolean;
  }): void {
    this.stock.ids.set(this.key, { meaning: this.meaning, atMs: this.window.toMs, ...more });
  }

  /** Whether the reply's `expiresAtMs` is now + ttl for a now within the window. */
  expiryFits(ttlMs: number): boolean {
    const at = (this.reply.expiresAtMs as number) - ttlMs;
    return at >= this.window.fromMs && at <= this.window.toMs;
  }
}
