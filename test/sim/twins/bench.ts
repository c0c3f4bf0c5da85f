/**
 * A world whose time passes by itself, without faults unless told: what the contract suites run the
 * twins on.
 */

import { type CallFault, Faults } from '../engine/faults.ts';
import { SimProcess } from '../engine/process.ts';
import { Random } from '../engine/random.ts';
import { Timeline } from '../engine/timeline.ts';
import { Link } from './link.ts';
import { defaultWorldOptions, World, type WorldOptions } from './world.ts';

export const epochMs = 1_900_000_000_000;

export class Bench {
  readonly world: World;
  readonly random: Random;
  readonly timeline = new Timeline(epochMs);
  #closed = false;

  constructor(
    options: Partial<WorldOptions> = {},
    seed = 1,
    rates: Partial<Record<CallFault, number>> = {},
  ) {
    this.random = new Random(seed);
    const faults = new Faults(this.random, rates);
    this.world = new World(this.timeline, this.random, faults, {
      ...defaultWorldOptions,
      ...options,
    });
    void this.#run();
  }

  link(name: string): Link {
    return new Link(this.world, new SimProcess(name, this.timeline, this.random));
  }

  elapse(ms: number): Promise<void> {
    return new Promise((resolve) => this.timeline.after(ms, '', resolve));
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const stepped = await this.timeline.step();
      if (!stepped) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
