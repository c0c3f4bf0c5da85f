/**
 * The partitions of this node: starts those that it owns, hands over those that it does not own any
 * more. A joining node asks for hand-over first and claims without it only after a time-out.
 */

import type { CartCommand } from '../contract/cart.ts';
import type { CartRemote } from './carts/cart-lines.ts';
import type { MembershipKeeper } from './membership.ts';
import { Partition, type PartitionPhase, type PartitionStatus } from './partition/partition.ts';
import type { NodeShared } from './partition/session.ts';
import type { CommandWork, ReplySlot } from './partition/work.ts';

export interface PartitionsOptions {
  readonly shared: NodeShared;
  readonly membership: () => MembershipKeeper;
  readonly remote: CartRemote;
  readonly onCart: (work: CommandWork) => void;
  readonly redirect: (work: CommandWork) => void;
  readonly redirectCart: (command: CartCommand, slot: ReplySlot) => void;
  /** Asks the node that serves the partition to hand it over. */
  readonly askHandOver: (
    node: string,
    partition: number,
  ) => Promise<'released' | 'mine' | 'silent'>;
  /** What is served here has changed. */
  readonly onChange: () => void;
}

export class Partitions {
  readonly #options: PartitionsOptions;
  readonly #all = new Map<number, Partition>();
  readonly #leaving = new Map<number, Promise<void>>();
  #stopping = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: PartitionsOptions) {
    this.#options = options;
  }

  get(partition: number): Partition | undefined {
    return this.#all.get(partition);
  }

  values(): IterableIterator<Partition> {
    return this.#all.values();
  }

  /** Numbers of the partitions that this node has claimed and not let go. */
  held(): number[] {
    const held = [...this.#all.values()].filter(({ phase }) => phase !== 'asking');
    return held.map(({ number }) => number).sort((a, b) => a - b);
  }

  statuses(): PartitionStatus[] {
    return [...this.#all.values()].map((partition) => partition.status);
  }

  /**
   * Takes what is ours. What is not ours any more is let go when its new owner asks: a node that
   * let go unasked would leave a gap without any owner.
   */
  align(): void {
    if (this.#stopping) return;
    const { shared, membership } = this.#options;
    for (let partition = 0; partition < shared.config.partitions; partition++) {
      if (membership().ownerOf(partition) === shared.node) this.#take(partition);
    }
  }

  /** Whether this node may claim the partition now, without asking anybody. */
  mayClaim(partition: number): boolean {
    const { shared, membership } = this.#options;
    return (
      !this.#stopping &&
      membership().ownerOf(partition) === shared.node &&
      membership().servedBy(partition, shared.node) === undefined
    );
  }

  /** Lets go of a partition; resolves when it has been let go. */
  handOver(number: number): Promise<void> {
    const leaving = this.#leaving.get(number);
    if (leaving) return leaving;
    const partition = this.#all.get(number);
    if (!partition) return Promise.resolve();
    const promise = partition.handOver().finally(() => this.#leaving.delete(number));
    this.#leaving.set(number, promise);
    return promise;
  }

  /** Takes nothing more. */
  stopTaking(): void {
    this.#stopping = true;
  }

  /**
   * Lets go of everything. With others alive they ask, partition by partition, as soon as they
   * know; what nobody has asked for in time is let go anyway.
   */
  async leaveAll(othersLive: boolean): Promise<void> {
    const { clock } = this.#options.shared.ports;
    const { handoverTimeoutMs } = this.#options.shared.config.limits;
    if (othersLive && this.#all.size > 0) {
      await new Promise<void>((resolve) => {
        const patience = clock.after(handoverTimeoutMs, resolve);
        this.#whenEmpty = () => {
          patience.cancel();
          resolve();
        };
      });
    }
    await Promise.all([...this.#all.keys()].map((partition) => this.handOver(partition)));
  }

  #take(number: number): void {
    if (this.#all.has(number)) return;
    const { shared, remote, onCart, redirect, redirectCart, onChange } = this.#options;
    const partition = new Partition({
      shared,
      partition: number,
      remote,
      ask: () => this.#ask(number),
      onCart,
      redirect,
      redirectCart,
      onPhase: (phase: PartitionPhase) => {
        if (phase === 'released') this.#released(number);
        if (phase === 'serving' || phase === 'refused' || phase === 'released') onChange();
      },
    });
    this.#all.set(number, partition);
    partition.start();
  }

  async #ask(number: number): Promise<void> {
    const { shared, membership, askHandOver } = this.#options;
    const holder = membership().servedBy(number, shared.node);
    if (!holder) return;
    const outcome = await askHandOver(holder.name, number);
    // 'mine': one of us sees an older membership; the next reading will tell.
    if (outcome === 'mine') throw new Error(`${holder.name} owns partition ${number}`);
  }

  #released(number: number): void {
    this.#all.delete(number);
    if (this.#all.size === 0) this.#whenEmpty?.();
  }
}
