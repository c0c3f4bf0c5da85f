/**
 * One process's connection to the servers, and every call over it.
 *
 * 1. Messages of one connection arrive in the order they were sent, both ways; what a server does
 *    with a request may take longer than with the next one.
 * 2. A call is applied at most once, at one moment, and its caller hears of it at most once.
 * 3. After a disconnect nothing arrives any more of what was on its way.
 */

import { PortError } from '../../../src/ports.ts';
import type { SimProcess } from '../engine/process.ts';
import type { Asset, World } from './world.ts';

type Status = 'connected' | 'disconnected';

/**
 * A message into a stream: nobody listens to it while the stream has no leader, and its sender is told
 * so at once. A question to the leader: then nobody answers it.
 */
export type Call = 'publish' | 'ask';

/** Who waits for a call's outcome, and the way back to it. */
interface Caller<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
  readonly answer: (outcome: () => void) => void;
}

/** How long a publish that nobody listens to is repeated. */
const patienceMs = 254;

function isNobody(error: unknown): boolean {
  return error instanceof PortError && error.code === 'no_responders';
}

export class Link {
  readonly world: World;
  readonly process: SimProcess;
  #connected = true;
  /** What the process has heard of it. */
  #believed = true;
  #closed = false;
  /** Rises with every disconnect. */
  #generation = 0;
  #lastAtServerMs = 0;
  #lastHereMs = 0;
  readonly #statusWatchers = new Set<(status: Status) => void>();

  constructor(world: World, process: SimProcess) {
    this.world = world;
    this.process = process;
    world.links.add(this);
  }

  get connected(): boolean {
    return this.#connected && !this.#closed;
  }

  /** Whether the process thinks so; a frozen one hears of a disconnect last of all. */
  get believedConnected(): boolean {
    return this.#believed && !this.#closed;
  }

  onStatus(changed: (status: Status) => void): () => void {
    this.#statusWatchers.add(changed);
    return () => this.#statusWatchers.delete(changed);
  }

  /** The process is gone for good, and the servers know. */
  close(): void {
    this.#closed = true;
    this.#generation += 1;
    this.world.links.delete(this);
    this.world.bus.dropLink(this);
  }

  /** Breaks the connection; it comes back by itself after `forMs`, once the process runs. */
  disconnect(forMs: number): void {
    if (this.#closed) return;
    this.#generation += 1;
    this.world.bus.dropLink(this);
    const generation = this.#generation;
    if (this.#connected) {
      this.#connected = false;
      this.#tell('disconnected');
    }
    const { timeline } = this.world;
    timeline.after(forMs, '', () =>
      this.process.enter('message', 'reconnect', () => {
        if (this.#closed || this.#generation !== generation) return;
        this.#connected = true;
        this.world.bus.restoreLink(this);
        this.#tell('connected');
      }),
    );
  }

  /** Hands a message to the servers, in order. */
  toServer(label: string, arrive: () => void): void {
    if (!this.connected) return;
    const generation = this.#generation;
    this.process.send(this.#inOrder('up'), label, () => {
      if (this.#generation === generation) arrive();
    });
  }

  /** Hands a message of the servers to the process, in order. */
  toProcess(label: string, arrive: () => void): void {
    if (!this.connected) return;
    const generation = this.#generation;
    this.world.timeline.after(this.#inOrder('down'), `${this.process.name} < ${label}`, () => {
      if (this.#generation !== generation) return;
      this.process.enter('message', label, arrive);
    });
  }

  /**
   * Asks the asset's leader. `apply` runs there at one moment; what it throws travels back.
   * @throws {PortError} timeout, disconnected, unavailable
   */
  ask<T>(asset: Asset, label: string, apply: () => T): Promise<T> {
    return this.#call('ask', asset, label, apply);
  }

  /**
   * Publishes into the asset's stream, as `ask` otherwise.
   * @throws {PortError} timeout, disconnected, no_responders
   */
  publish<T>(asset: Asset, label: string, apply: () => T): Promise<T> {
    return this.#call('publish', asset, label, apply);
  }

  /**
   * Publishes, and once more a little later where nobody has listened (`src/nats/patience.ts`).
   * @throws {PortError} timeout, disconnected, unavailable
   */
  async publishPatiently<T>(asset: Asset, label: string, apply: () => T): Promise<T> {
    try {
      return await this.publish(asset, label, apply);
    } catch (error) {
      if (!isNobody(error)) throw error;
    }
    await new Promise<void>((resolve) => this.process.clock.after(patienceMs, resolve));
    return this.publish(asset, label, apply).catch((error: unknown) => {
      throw isNobody(error) ? new PortError('unavailable', `${label}: no responders`) : error;
    });
  }

  #call<T>(call: Call, asset: Asset, label: string, apply: () => T): Promise<T> {
    const { faults, random, timeline } = this.world;
    const waitMs = this.world.options.callTimeoutMs;
    const named = `${this.process.name} ${label}`;
    return new Promise((resolve, reject) => {
      let open = true;
      const settle = (outcome: () => void) => {
        if (!open) return;
        open = false;
        timer.cancel();
        outcome();
      };
      const timer = this.process.clock.after(waitMs, () => {
        timeline.mark(`${named} timed out`);
        settle(() => reject(new PortError('timeout', `${label}: no answer`)));
      });
      if (!this.connected) {
        if (random.chance(0.5)) return;
        timeline.after(0.1, '', () =>
          this.process.enter('message', label, () =>
            settle(() => reject(new PortError('disconnected', `${label}: not connected`))),
          ),
        );
        return;
      }
      if (faults.strikes('request-lost')) return;
      if (faults.strikes('request-late')) {
        const lateMs = waitMs + random.between(1, 3 * waitMs);
        timeline.after(lateMs, `${named} arrives late`, () =>
          this.#serve(call, asset, apply, undefined),
        );
        return;
      }
      const caller: Caller<T> = {
        resolve,
        reject,
        answer: (outcome) => {
          if (faults.strikes('reply-lost')) return;
          this.toProcess(label, () => settle(outcome));
        },
      };
      this.toServer(named, () => this.#serveSoon(call, asset, apply, caller));
    });
  }

  /** A slow server is slow before it applies or after: both orders with other calls must be right. */
  #serveSoon<T>(call: Call, asset: Asset, apply: () => T, caller: Caller<T>): void {
    const { faults, random, timeline } = this.world;
    if (!faults.strikes('slow')) {
      this.#serve(call, asset, apply, caller);
      return;
    }
    const slowMs = random.between(20, 1_500);
    if (random.chance(0.5)) {
      timeline.after(slowMs, 'slow request', () => this.#serve(call, asset, apply, caller));
      return;
    }
    const answer: Caller<T>['answer'] = (outcome) => {
      timeline.after(slowMs, 'slow reply', () => caller.answer(outcome));
    };
    this.#serve(call, asset, apply, { ...caller, answer });
  }

  #serve<T>(call: Call, asset: Asset, apply: () => T, caller: Caller<T> | undefined): void {
    const { random } = this.world;
    const health = this.world.health(asset);
    if (health === 'away') return;
    if (health === 'limbo' && random.chance(0.5)) return;
    if (health === 'electing' || health === 'refusing') {
      if (call === 'ask' && health === 'electing') return;
      const trouble =
        call === 'publish'
          ? new PortError('no_responders', 'no responders')
          : new PortError('unavailable', 'system temporarily unavailable (10008)');
      caller?.answer(() => caller.reject(trouble));
      return;
    }
    let outcome: () => void;
    try {
      const value = apply();
      outcome = () => caller?.resolve(value);
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      outcome = () => caller?.reject(error);
    }
    if (health !== 'limbo') caller?.answer(outcome);
  }

  #tell(status: Status): void {
    this.process.enter('message', status, () => {
      this.#believed = status === 'connected';
      for (const watcher of [...this.#statusWatchers]) watcher(status);
    });
  }

  /** Milliseconds until the next message of this direction arrives, not before the one ahead. */
  #inOrder(direction: 'up' | 'down'): number {
    const now = this.world.timeline.nowMs;
    const earliest = direction === 'up' ? this.#lastAtServerMs : this.#lastHereMs;
    const atMs = Math.max(earliest, now + this.world.latency());
    if (direction === 'up') this.#lastAtServerMs = atMs;
    else this.#lastHereMs = atMs;
    return atMs - now;
  }
}
