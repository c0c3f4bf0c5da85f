/**
 * `/api/changes`: every change of a row, as server-sent events, to any number of browsers up to a limit.
 *
 * 1. One subscription for all, and only while somebody listens.
 * 2. Conflated per listener: the newest row of a key, every `flushMs`. A listener that does not keep up holds back
 *    its own rows only, and beyond `keysMax` it is told to `reload` instead.
 */

import type { ServerResponse } from 'node:http';
import type { LastunitConfig } from '../config/config.ts';
import type { ReadModels, RowChange } from '../nats/read-models.ts';
import type { Subscription } from '../ports.ts';
import { viewChannels } from './backend.ts';

const flushMs = 100;
const keepAliveMs = 15_000;
const keysMax = 5_000;
const listenersMax = 200;

interface Listener {
  readonly response: ServerResponse;
  readonly sku: string | undefined;
  readonly pending: Map<string, RowChange>;
  overflown: boolean;
  blocked: boolean;
}

export class ChangeFeed {
  readonly #channels: readonly string[];
  readonly #listeners = new Set<Listener>();
  #read: ReadModels | undefined;
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #saidAt = 0;

  constructor(config: LastunitConfig) {
    this.#channels = viewChannels(config);
  }

  attach(read: ReadModels): void {
    this.#read = read;
  }

  /** Takes over a response and streams into it until it is closed. `sku` limits it to one. */
  stream(response: ServerResponse, sku: string | undefined): void {
    if (this.#listeners.size >= listenersMax) {
      response.writeHead(503, { 'retry-after': '10' }).end();
      return;
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.write('retry: 1000\n\nevent: hello\ndata: {}\n\n');
    const listener: Listener = {
      response,
      sku,
      pending: new Map(),
      overflown: false,
      blocked: false,
    };
    response.on('drain', () => {
      listener.blocked = false;
    });
    response.on('close', () => this.#leave(listener));
    response.on('error', () => this.#leave(listener));
    this.#listeners.add(listener);
    this.#start();
  }

  close(): void {
    for (const listener of this.#listeners) listener.response.end();
    this.#listeners.clear();
    this.#stop();
  }

  #start(): void {
    if (this.#subscription !== undefined || this.#read === undefined) return;
    this.#subscription = this.#read.onChange({ channels: this.#channels }, (change) =>
      this.#changed(change),
    );
    this.#timer = setInterval(() => this.#flush(), flushMs);
    this.#timer.unref();
  }

  #stop(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    clearInterval(this.#timer);
  }

  #leave(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#stop();
  }

  #changed(change: RowChange): void {
    const key = `${change.channel ?? ''} ${change.sku}`;
    for (const listener of this.#listeners) {
      if (listener.sku !== undefined && listener.sku !== change.sku) continue;
      if (listener.pending.size >= keysMax && !listener.pending.has(key)) listener.overflown = true;
      else listener.pending.set(key, change);
    }
  }

  #flush(): void {
    const now = performance.now();
    const sayAnyway = now - this.#saidAt > keepAliveMs;
    if (sayAnyway) this.#saidAt = now;
    for (const listener of this.#listeners) {
      if (listener.blocked) continue;
      const text = eventsOf(listener);
      if (text === '' && !sayAnyway) continue;
      listener.blocked = !listener.response.write(text === '' ? ': still here\n\n' : text);
    }
  }
}

function eventsOf(listener: Listener): string {
  let text = '';
  if (listener.overflown) text = 'event: reload\ndata: {}\n\n';
  else for (const change of listener.pending.values()) text += eventOf(change);
  listener.overflown = false;
  listener.pending.clear();
  return text;
}

function eventOf({ sku, channel, row }: RowChange): string {
  const data = row === undefined ? { sku, deleted: true } : row;
  return channel === undefined
    ? `event: stock\ndata: ${JSON.stringify(data)}\n\n`
    : `event: view\ndata: ${JSON.stringify({ channel, ...data })}\n\n`;
}
