/**
 * Where a command goes: into the lane of its partition, or alone. Owns the lanes, the bounds that
 * they share, and the timer that settles what has reached its deadline.
 */

import { createNames } from '../contract/subjects.ts';
import { partitionOf, skuKeyOf } from '../domain/names.ts';
import type { Timer } from '../ports.ts';
import { frameElement, plainPayload } from './encode.ts';
import { ClientClosedError } from './errors.ts';
import { FrameSlots } from './frame-slots.ts';
import { Lane } from './lane.ts';
import type { SendSettings } from './options.ts';
import { type Load, Pending } from './pending.ts';
import { type Surroundings, sendPlain } from './plain.ts';
import { type Reply, tooManyPending } from './replies.ts';

/** How often deadlines are looked at: the precision of `deadlineMs` for coalesced commands. */
const sweepIntervalMs = 50;

/** One command as the methods of the client hand it over. */
export interface Outgoing {
  readonly verb: string;
  readonly id: string | undefined;
  readonly request: object;
  /** Absent for what concerns a cart: only its home knows where it lives. */
  readonly sku: string | undefined;
  readonly deadlineMs: number | undefined;
}

export interface DispatcherWorld extends Omit<Surroundings, 'closed'> {
  /** The deployment's number of partitions, as soon as it is known. */
  readonly partitions: () => number | undefined;
}

export class Dispatcher {
  readonly #settings: SendSettings;
  readonly #partitions: () => number | undefined;
  readonly #world: Surroundings;
  readonly #subjects: ReturnType<typeof createNames>['subjects'];
  readonly #slots: FrameSlots;
  readonly #lanes = new Map<number, Lane>();
  readonly #load: Load = { pending: 0 };
  #sweeper: Timer | undefined;
  #closed = false;

  constructor(settings: SendSettings, world: DispatcherWorld) {
    this.#settings = settings;
    this.#partitions = world.partitions;
    this.#world = {
      bus: world.bus,
      clock: world.clock,
      random: world.random,
      closed: () => this.#closed,
    };
    this.#subjects = createNames(settings.prefix).subjects;
    this.#slots = new FrameSlots(settings.framesInFlightMax);
  }

  /** Commands without result. */
  get pending(): number {
    return this.#load.pending;
  }

  /** Resolves with an acceptance or a refusal; rejects as the client's methods do. */
  send(command: Outgoing): Promise<Reply> {
    if (this.#closed) return Promise.reject(new ClientClosedError());
    const { commandsPendingMax } = this.#settings;
    if (this.#load.pending >= commandsPendingMax) {
      return Promise.resolve(tooManyPending(command.id, commandsPendingMax));
    }
    const partitions = this.#settings.coalesce ? this.#partitions() : undefined;
    if (partitions === undefined || command.sku === undefined) return this.#sendAlone(command);
    return this.#sendTogether(command, partitionOf(skuKeyOf(command.sku), partitions));
  }

  /** Fails what has no result yet with `ClientClosedError`. */
  close(): void {
    this.#closed = true;
    this.#sweeper?.cancel();
    for (const lane of this.#lanes.values()) lane.close();
  }

  #sendTogether(command: Outgoing, partition: number): Promise<Reply> {
    const { verb, id, request } = command;
    return new Promise((resolve, reject) => {
      const json = frameElement(verb, id, request);
      const deadlineAtMs = this.#deadlineOf(command);
      const pending = new Pending({ id, json }, deadlineAtMs, this.#load, resolve, reject);
      this.#laneOf(partition).submit(pending);
      this.#sweepLater();
    });
  }

  async #sendAlone(command: Outgoing): Promise<Reply> {
    const { verb, id, request } = command;
    const { channel, attemptTimeoutMs } = this.#settings;
    const payload = plainPayload(id, request);
    this.#load.pending += 1;
    try {
      const subject = this.#subjects.command(channel, verb);
      const deadlineAtMs = this.#deadlineOf(command);
      return await sendPlain({ subject, payload, id, deadlineAtMs, attemptTimeoutMs }, this.#world);
    } finally {
      this.#load.pending -= 1;
    }
  }

  #deadlineOf(command: Outgoing): number {
    return this.#world.clock.now() + (command.deadlineMs ?? this.#settings.deadlineMs);
  }

  #laneOf(partition: number): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) {
      const subject = this.#subjects.frame(partition, this.#settings.channel);
      lane = new Lane(subject, this.#settings, this.#slots, this.#world);
      this.#lanes.set(partition, lane);
    }
    return lane;
  }

  #sweepLater(): void {
    this.#sweeper ??= this.#world.clock.after(sweepIntervalMs, () => {
      this.#sweeper = undefined;
      const nowMs = this.#world.clock.now();
      for (const lane of this.#lanes.values()) lane.expire(nowMs);
      if (this.#load.pending > 0) this.#sweepLater();
    });
  }
}
