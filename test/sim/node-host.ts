/**
 * One machine that runs a node: starts it, and starts it again when it has died, as a supervisor
 * does. The node itself is the production code; only what is handed to it is simulated.
 */

import type { LastunitConfig } from '../../src/config/config.ts';
import type { Ports } from '../../src/ports.ts';
import type { Logger } from '../../src/runtime/log.ts';
import type { createNode, LastunitNode } from '../../src/runtime/node.ts';
import { SimProcess } from './engine/process.ts';
import type { Random } from './engine/random.ts';
import { Link } from './twins/link.ts';
import { portsTwin } from './twins/ports.ts';
import type { World } from './twins/world.ts';

export type MakeNode = typeof createNode;

export interface Companion {
  stop(): Promise<void>;
  /** The process is gone. */
  close(): void;
}

export interface NodeHostOptions {
  readonly world: World;
  readonly random: Random;
  readonly config: LastunitConfig;
  readonly name: string;
  readonly skewMs: number;
  /** Breaks what the node is given, for mutations; the identity otherwise. */
  readonly wrapPorts: (ports: Ports, host: NodeHost) => Ports;
  readonly makeNode: MakeNode;
  /** Begins what runs in the same process, with connections of its own. */
  readonly companion?: (process: SimProcess, incarnation: string) => Companion;
  readonly onError: (message: string) => void;
}

export class NodeHost {
  readonly name: string;
  readonly #options: NodeHostOptions;
  #process: SimProcess | undefined;
  #link: Link | undefined;
  #node: LastunitNode | undefined;
  #companion: Companion | undefined;
  #runs = 0;
  #skewMs: number;
  #stopping = false;

  constructor(options: NodeHostOptions) {
    this.name = options.name;
    this.#options = options;
    this.#skewMs = options.skewMs;
  }

  get process(): SimProcess | undefined {
    return this.#process;
  }

  get node(): LastunitNode | undefined {
    return this.#node;
  }

  get state(): 'down' | 'running' | 'paused' {
    if (!this.#process || this.#process.state === 'dead') return 'down';
    return this.#process.state;
  }

  start(): void {
    if (this.state !== 'down') return;
    const { world, random, config, wrapPorts, makeNode } = this.#options;
    this.#runs += 1;
    this.#stopping = false;
    const process = new SimProcess(this.name, world.timeline, random.fork());
    process.skewMs = this.#skewMs;
    const link = new Link(world, process);
    const ports = wrapPorts(portsTwin(link), this);
    const incarnation = `${this.name}.${this.#runs}`;
    this.#process = process;
    this.#link = link;
    world.timeline.mark(`${incarnation} starts`);
    const node = makeNode(config, ports, {
      name: this.name,
      incarnation,
      log: this.#log(incarnation),
      onTaken: () => this.#die(process, 'its name was taken'),
    });
    this.#node = node;
    this.#companion = this.#options.companion?.(process, incarnation);
    node.start().catch((error: unknown) => this.#die(process, String(error)));
  }

  /** kill −9, and the supervisor after a while. */
  crash(downMs: number): void {
    if (this.state === 'down') return;
    this.#down();
    this.#options.world.timeline.after(downMs, '', () => this.start());
  }

  /** SIGSTOP, and SIGCONT after a while. */
  pause(forMs: number): void {
    const { process } = this;
    if (!process || this.state !== 'running') return;
    process.pause();
    const { world, random } = this.#options;
    const link = this.#link as Link;
    world.timeline.after(world.options.frozenClientMs, '', () => {
      if (process.pausedForMs >= world.options.frozenClientMs) {
        link.disconnect(random.between(250, 1_000));
      }
    });
    world.timeline.after(forMs, '', () => process.resume());
  }

  /** SIGTERM, and a new start after a while. */
  stop(downMs: number): void {
    const { process } = this;
    if (!process || this.state !== 'running' || this.#stopping) return;
    this.#stopping = true;
    const { world } = this.#options;
    world.timeline.mark(`${this.name} is asked to stop`);
    const over = () => {
      if (process.state === 'dead') return;
      world.timeline.mark(`${this.name} has stopped`);
      this.#down();
      world.timeline.after(downMs, '', () => this.start());
    };
    const stopped = Promise.all([this.#node?.stop(), this.#companion?.stop()]);
    void stopped.then(over, (error: unknown) => {
      this.#options.onError(`${this.name}: stop failed: ${String(error)}`);
      over();
    });
    // The supervisor's own patience.
    world.timeline.after(20_000, '', () => {
      if (process.state !== 'dead' && process === this.#process && this.#stopping) over();
    });
  }

  disconnect(forMs: number): void {
    if (this.state === 'running') this.#link?.disconnect(forMs);
  }

  /** Small steps happen to a running process; a clock that is far off is met at the next start. */
  jumpClock(byMs: number): void {
    this.#skewMs += byMs;
    if (this.#process && Math.abs(byMs) <= 100) this.#process.skewMs += byMs;
  }

  /** Whatever was done to it is over. */
  heal(): void {
    this.#skewMs = 0;
    this.#process?.resume();
    this.start();
    // Not in the same moment: a step back would hide how long it has been standing still.
    this.#options.world.timeline.after(3_000, '', () => {
      if (this.#process) this.#process.skewMs = 0;
    });
  }

  #down(): void {
    this.#process?.crash();
    this.#link?.close();
    this.#companion?.close();
    this.#node = undefined;
  }

  /** The process has ended by itself. */
  #die(process: SimProcess, why: string): void {
    if (process.state === 'dead' || process !== this.#process) return;
    const { world, random } = this.#options;
    world.timeline.mark(`${this.name} ends: ${why}`);
    this.#down();
    world.timeline.after(random.between(300, 1_500), '', () => this.start());
  }

  #log(incarnation: string): Logger {
    const { timeline } = this.#options.world;
    const line = (level: string) => (fields: object, message: string) => {
      timeline.mark(`${incarnation} ${level}: ${message} ${textOf(fields)}`);
    };
    return {
      debug: () => {},
      info: line('info'),
      warn: line('warn'),
      error: (fields, message) => {
        line('error')(fields, message);
        // Clocks are made wrong on purpose; that their nodes complain is as it should be.
        if (message.startsWith('THIS CLOCK IS WRONG')) return;
        this.#options.onError(`${incarnation}: ${message} ${textOf(fields)}`);
      },
    };
  }
}

function textOf(fields: object): string {
  return JSON.stringify(fields, (_name, value: unknown) =>
    value instanceof Error ? `${value.message}${value.cause ? ` (${value.cause})` : ''}` : value,
  );
}
