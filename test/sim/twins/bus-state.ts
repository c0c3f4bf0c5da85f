/**
 * The server's side of core messaging: who listens to what, and who gets a message.
 *
 * 1. Of a queue group one subscriber gets each message; a frozen one gets its share until the
 *    server has noticed that it is frozen.
 * 2. A message to a subject that nobody listens to is gone; a request for it is told so.
 */

import type { Inbound } from '../../../src/ports.ts';
import type { Link } from './link.ts';
import type { World } from './world.ts';

export interface Listener {
  readonly link: Link;
  readonly subject: string;
  readonly tokens: readonly string[];
  readonly queue: string | undefined;
  readonly handle: (message: Inbound) => void;
  /** The server knows of it. */
  active: boolean;
  /** Cancelled by its owner: a reconnect does not bring it back. */
  ended: boolean;
}

/** A message that lay in a frozen process, and what the process answered when it had woken up. */
export interface Thawed {
  readonly process: string;
  readonly subject: string;
  readonly heldMs: number;
  readonly reply: string;
}

export class BusState {
  /** For checkers: commands from the past are not executed. */
  readonly thawed: Thawed[] = [];
  readonly #world: World;
  #listeners: Listener[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  add(listener: Listener): void {
    this.#listeners.push(listener);
  }

  remove(listener: Listener): void {
    this.#listeners = this.#listeners.filter((other) => other !== listener);
  }

  /** The connection broke: nobody listens over it any more. */
  dropLink(link: Link): void {
    for (const listener of this.#of(link)) listener.active = false;
  }

  /** The client subscribes again to everything by itself. */
  restoreLink(link: Link): void {
    for (const listener of this.#of(link)) listener.active = true;
  }

  #of(link: Link): readonly Listener[] {
    return this.#listeners.filter((listener) => listener.link === link);
  }

  /** Everybody who gets a message on this subject now. */
  receivers(subject: string): readonly Listener[] {
    const tokens = subject.split('.');
    const fitting = this.#listeners.filter(
      (listener) => listener.active && !listener.ended && matches(listener.tokens, tokens),
    );
    const queues = new Map<string, Listener[]>();
    const receivers: Listener[] = [];
    for (const listener of fitting) {
      if (listener.queue === undefined) receivers.push(listener);
      else queues.set(listener.queue, [...(queues.get(listener.queue) ?? []), listener]);
    }
    for (const group of queues.values()) receivers.push(this.#world.random.pick(group));
    return receivers;
  }
}

/** `*` stands for one token, a final `>` for one or more. */
export function matches(pattern: readonly string[], subject: readonly string[]): boolean {
  for (let index = 0; index < pattern.length; index++) {
    if (pattern[index] === '>') return subject.length > index;
    if (index >= subject.length) return false;
    if (pattern[index] !== '*' && pattern[index] !== subject[index]) return false;
  }
  return pattern.length === subject.length;
}
