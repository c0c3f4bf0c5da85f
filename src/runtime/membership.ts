/**
 * This node's membership: its own key, renewed in time, and what it knows of the others. Answers
 * who owns a partition and tells when that changes.
 *
 * - Read from the leader at every renewal and after every hint, never from a watch alone.
 * - When NATS itself was away, an expiry counts only after our own renewal has succeeded and one
 *   TTL has passed: healthy nodes' keys expire then, too.
 * - Every renewal gives an estimate of our clock's offset.
 */

import type { LastunitConfig } from '../config/config.ts';
import type { Membership, NodeRecord, Ports, Subscription, Timer } from '../ports.ts';
import type { Logger } from './log.ts';
import type { NodeTime } from './node-time.ts';
import { eligibleNodes, rendezvousOwners } from './ownership.ts';

/** The name belongs to a living node: choose another. */
export class NameTakenError extends Error {
  readonly code = 'name_taken';
}

/** A key outlives its TTL by up to this. */
const takenGraceMs = 1_500;

export interface MembershipOptions {
  readonly config: LastunitConfig;
  readonly ports: Ports;
  readonly log: Logger;
  readonly time: NodeTime;
  readonly name: string;
  readonly incarnation: string;
  readonly httpUrl: () => string | undefined;
  /** Partitions that this node serves now, for its record. */
  readonly serving: () => readonly number[];
  /** Owners may have changed. */
  readonly onChange: () => void;
  /** Another process has our name: stop. */
  readonly onTaken: () => void;
  /** Our name may be ours from now on, and was not until now. */
  readonly onAttempt: () => void;
  /** There is a new estimate of our clock's offset. */
  readonly onTime: () => void;
}

interface Heard {
  readonly sign: string;
  readonly sinceMs: number;
}

/** A node that has missed so many renewals is not waited for; it still owns what it owns. */
const renewalsMissed = 2.5;

export class MembershipKeeper {
  readonly #options: MembershipOptions;
  readonly #startedAtMs: number;
  #membership: Membership = { revision: 0, nodes: [] };
  /** Each node's last sign of life. */
  #heard: ReadonlyMap<string, Heard> = new Map();
  #readMs = 0;
  #owners: readonly string[] = [];
  #timer: Timer | undefined;
  #hints: Subscription | undefined;
  #leaving = false;
  #stopped = false;
  #joined = false;
  #takenSinceMs: number | undefined;
  #quietUntilMs = 0;
  #failing = false;
  #working: Promise<void> | undefined;
  #again: 'renew' | 'read' | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#startedAtMs = options.time.now();
  }

  get membership(): Membership {
    return this.#membership;
  }

  get revision(): number {
    return this.#membership.revision;
  }

  /** The owner by rendezvous; undefined: nobody is known to live. */
  ownerOf(partition: number): string | undefined {
    return this.#owners[partition];
  }

  /** Who says that it serves the partition, other than `except`. */
  servedBy(partition: number, except: string): NodeRecord | undefined {
    return this.#membership.nodes.find(
      (node) => node.name !== except && node.partitions.includes(partition),
    );
  }

  /** Whether the node has not renewed for so long, while we could read, that nobody should wait for it. */
  isSilent(name: string): boolean {
    const heard = this.#heard.get(name);
    if (heard === undefined) return false;
    return this.#readMs - heard.sinceMs > renewalsMissed * this.#options.config.limits.renewEveryMs;
  }

  /** Joins. A name that is taken is waited for one TTL: it may be our own previous run. */
  async join(): Promise<void> {
    const { config, ports, name } = this.#options;
    const giveUpMs = ports.clock.now() + config.limits.memberTtlMs + takenGraceMs;
    for (;;) {
      this.#options.onAttempt();
      if (await this.#renew()) break;
      if (ports.clock.now() > giveUpMs) {
        throw new NameTakenError(`a living node is named ${name} already: choose another --name`);
      }
      await new Promise<void>((resolve) => ports.clock.after(config.limits.renewEveryMs, resolve));
      if (this.#leaving) throw new Error('stopped before it had joined');
    }
    this.#joined = true;
    await this.#read();
    this.#hints = ports.members.onChange(() => this.#request('read'));
    this.#renewLater();
  }

  /** We have changed: renews our record and reads the others'. */
  refresh(): void {
    this.#request('renew');
  }

  /** A hint only reads: a renewal is a change itself, and would be hinted at without end. */
  #request(what: 'renew' | 'read'): void {
    // While joining, our name may still be our previous run's: that is waited for in `join` only.
    if (!this.#joined) return;
    if (this.#working) {
      if (this.#again !== 'renew') this.#again = what;
      return;
    }
    this.#working = this.#work(what).finally(() => {
      this.#working = undefined;
      const again = this.#again;
      this.#again = undefined;
      if (again && !this.#stopped) this.#request(again);
    });
  }

  /** Resolves after a reading of the membership that began now or later. */
  async refreshed(): Promise<void> {
    await this.#working;
    this.refresh();
    await this.#working;
  }

  /** NATS was away: what expired meanwhile says nothing. */
  disturbed(): void {
    this.#failing = true;
    this.#quietUntilMs = Number.POSITIVE_INFINITY;
  }

  /** Tells the others that this node hands over. */
  async announceLeaving(): Promise<void> {
    this.#leaving = true;
    if (this.#joined) await this.refreshed();
  }

  /** Removes our key. */
  async leave(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#hints?.unsubscribe();
    await this.#working;
    await this.#options.ports.members.leave(this.#record());
  }

  /** Stops without a word, as a crash would. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#hints?.unsubscribe();
  }

  #renewLater(): void {
    if (this.#stopped) return;
    const { config, ports } = this.#options;
    this.#timer = ports.clock.after(config.limits.renewEveryMs, () => {
      this.refresh();
      this.#renewLater();
    });
  }

  /**
   * A key of another incarnation may be the last word of a process that is dead: a renewal that came
   * late. Only a living one keeps the name for longer than a TTL.
   */
  #nameIsOurs(ours: boolean): void {
    const { ports, config, log, name } = this.#options;
    const nowMs = ports.clock.now();
    if (ours) this.#takenSinceMs = undefined;
    else if (this.#takenSinceMs === undefined) {
      this.#takenSinceMs = nowMs;
      log.warn({ name }, 'another process has our name; waiting whether it lives');
    } else if (nowMs - this.#takenSinceMs > config.limits.memberTtlMs + takenGraceMs) {
      this.#options.onTaken();
    }
  }

  async #work(what: 'renew' | 'read'): Promise<void> {
    try {
      if (what === 'renew') this.#nameIsOurs(await this.#renew());
      await this.#read();
    } catch (error) {
      if (!this.#failing)
        this.#options.log.warn({ error }, 'membership cannot be renewed just now');
      this.disturbed();
    }
  }

  async #renew(): Promise<boolean> {
    const { ports, time, config } = this.#options;
    for (let told: boolean | undefined; told !== time.off; ) {
      told = time.off;
      const askedMs = ports.clock.now();
      const renewed = await ports.members.renew(this.#record());
      if (renewed.kind === 'taken') return false;
      time.observe(renewed.serverNowMs, askedMs, ports.clock.now());
    }
    this.#options.onTime();
    if (this.#failing) {
      this.#failing = false;
      this.#quietUntilMs = ports.clock.now() + config.limits.memberTtlMs + 250;
    }
    return true;
  }

  async #read(): Promise<void> {
    const { ports, config } = this.#options;
    const before = new Set(this.#membership.nodes.map(({ name }) => name));
    const read = await ports.members.read();
    if (read.revision < this.#membership.revision) return;
    const quiet = ports.clock.now() < this.#quietUntilMs;
    const names = eligibleNodes(read, before, quiet);
    // While it is quiet, who was there stays known, so that the next read still counts them.
    const missing = quiet
      ? this.#membership.nodes.filter(
          ({ name, leaving }) => !leaving && !read.nodes.some((node) => node.name === name),
        )
      : [];
    this.#membership = { revision: read.revision, nodes: [...read.nodes, ...missing] };
    this.#listen();
    this.#owners = rendezvousOwners(names, config.partitions);
    this.#options.onChange();
  }

  /** Notes when each node's record last changed, by our own clock: theirs may be wrong. */
  #listen(): void {
    this.#readMs = this.#options.ports.clock.now();
    const heard = new Map<string, Heard>();
    for (const { name, incarnation, renewedAtMs } of this.#membership.nodes) {
      const sign = `${incarnation} ${renewedAtMs}`;
      const before = this.#heard.get(name);
      heard.set(name, before?.sign === sign ? before : { sign, sinceMs: this.#readMs });
    }
    this.#heard = heard;
  }

  #record(): NodeRecord {
    const { name, incarnation, serving, time } = this.#options;
    const httpUrl = this.#options.httpUrl();
    return {
      name,
      incarnation,
      partitions: serving(),
      startedAtMs: this.#startedAtMs,
      renewedAtMs: time.now(),
      // With a clock that is too far off nothing can be committed here: others take over meanwhile.
      ...(this.#leaving || time.off ? { leaving: true } : {}),
      ...(httpUrl === undefined ? {} : { httpUrl }),
    };
  }
}
