/**
 * One partition on this node: its life-cycle actor, its mailbox, and the session of its present
 * claim. Commands come in here, whatever state it is in, and every one of them gets an answer.
 */

import { type Actor, createActor, fromPromise } from 'xstate';
import { partitionMachine } from '../../../actors/partition.ts';
import type { CartCommand } from '../../contract/cart.ts';
import { encodeError } from '../../contract/replies.ts';
import type { SkuCommand } from '../../domain/commands.ts';
import type { Answer, Refusal } from '../../domain/outcome.ts';
import type { Timer } from '../../ports.ts';
import { CartBook } from '../carts/cart-book.ts';
import type { CartRemote } from '../carts/cart-lines.ts';
import { Mailbox } from './mailbox.ts';
import { SnapshotLostError } from './pages.ts';
import { overloaded, unavailable } from './refusals.ts';
import { type NodeShared, Session } from './session.ts';
import type { CommandWork, ReplySlot } from './work.ts';

const pauseMs = 200;

export type PartitionPhase =
  | 'asking'
  | 'claiming'
  | 'recovering'
  | 'serving'
  | 'draining'
  | 'fenced'
  | 'refused'
  | 'released';

export interface PartitionOptions {
  readonly shared: NodeShared;
  readonly partition: number;
  /** Reaches the SKUs of carts, wherever they are. */
  readonly remote: CartRemote;
  /** Asks whoever serves the partition to hand it over; rejects when they will not. */
  readonly ask: () => Promise<void>;
  /** The command is about a cart's line: to the cart's home. */
  readonly onCart: (work: CommandWork) => void;
  /** Cart commands that arrive while the partition leaves: to its next owner. */
  readonly redirectCart: (command: CartCommand, slot: ReplySlot) => void;
  /** Commands that arrive while the partition leaves: to its next owner. */
  readonly redirect: (work: CommandWork) => void;
  readonly onPhase: (phase: PartitionPhase) => void;
}

export interface PartitionStatus {
  readonly partition: number;
  readonly phase: PartitionPhase;
  readonly headSeq: number;
  readonly behindCheckpoint: number;
  readonly mailbox: number;
  readonly residents: number;
  readonly trouble?: string;
}

export class Partition {
  readonly number: number;
  readonly #options: PartitionOptions;
  readonly #mailbox: Mailbox;
  readonly #actor: Actor<typeof partitionMachine>;
  readonly #released: Promise<void>;
  #session: Session | undefined;
  /** Cart commands that came before the partition serves; bounded by their callers' patience. */
  readonly #cartsWaiting: { readonly command: CartCommand; readonly slot: ReplySlot }[] = [];
  #ignoreSnapshots = false;
  #sweep: Timer | undefined;

  constructor(options: PartitionOptions) {
    this.number = options.partition;
    this.#options = options;
    this.#mailbox = new Mailbox(options.shared.config.limits);
    let resolveReleased = () => {};
    this.#released = new Promise((resolve) => {
      resolveReleased = resolve;
    });
    const step = (run: () => Promise<void>) => fromPromise<void>(run);
    this.#actor = createActor(
      partitionMachine.provide({
        actors: {
          ask: step(options.ask),
          claim: step(() => this.#newSession().claim()),
          recover: step(() => this.#recover()),
          drain: step(() => this.#drain()),
          pause: step(() => this.#wait(pauseMs)),
        },
        guards: {
          mayClaim: () => options.shared.mayClaim(options.partition),
        },
        actions: {
          // Serving begins with the machine in its new state, and may make actors of its own.
          serve: () => queueMicrotask(() => this.#serve()),
          forget: () => this.#forget(false),
          handOn: () => this.#forget(true),
          released: () => {
            this.#sweep?.cancel();
            resolveReleased();
          },
          report: ({ context }) =>
            options.shared.log.warn(
              { partition: this.number, trouble: context.trouble?.message },
              'partition left',
            ),
          refuse: ({ context }) =>
            options.shared.log.error(
              { partition: this.number, trouble: context.trouble?.message },
              'partition refused: it will not be served until this is repaired',
            ),
        },
      }),
    );
    this.#actor.subscribe((snapshot) => options.onPhase(snapshot.value as PartitionPhase));
  }

  get phase(): PartitionPhase {
    return this.#actor.getSnapshot().value as PartitionPhase;
  }

  get status(): PartitionStatus {
    const trouble = this.#actor.getSnapshot().context.trouble?.message;
    return {
      partition: this.number,
      phase: this.phase,
      headSeq: this.#session?.headSeq ?? 0,
      behindCheckpoint: this.#session?.behindCheckpoint ?? 0,
      mailbox: this.#mailbox.length,
      residents: this.#session?.residents?.size ?? 0,
      ...(trouble !== undefined && this.phase !== 'serving' ? { trouble } : {}),
    };
  }

  start(): void {
    this.#actor.start();
    this.#sweepLater();
  }

  /** Finishes what was accepted, makes a checkpoint and lets go. */
  handOver(): Promise<void> {
    this.#actor.send({ type: 'handover' });
    return this.#released;
  }

  /** Takes a command; its slot is answered exactly once. */
  accept(command: SkuCommand, slot: ReplySlot, receivedAtMs: number): void {
    const work: CommandWork = { kind: 'command', command, slot, receivedAtMs };
    const phase = this.phase;
    if (phase === 'draining' || phase === 'released') return this.#options.redirect(work);
    if (phase === 'fenced' || phase === 'refused') {
      return this.#refuse(work, unavailable(`partition ${this.number} is ${phase} here`));
    }
    if (!this.#mailbox.offer(work)) {
      const { overloadedRetryMs } = this.#options.shared.config.limits;
      return this.#refuse(
        work,
        overloaded(`the mailbox of partition ${this.number} is full`, overloadedRetryMs),
      );
    }
    if (phase === 'serving') this.#session?.rounds?.kick();
  }

  /** A command of a cart whose home is here. */
  acceptCart(command: CartCommand, slot: ReplySlot): void {
    const { phase } = this;
    if (phase === 'serving') return this.#session?.carts.handle(command, slot);
    if (phase === 'draining' || phase === 'released') {
      return this.#options.redirectCart(command, slot);
    }
    if (phase === 'fenced' || phase === 'refused') {
      const refusal = unavailable(`partition ${this.number} is ${phase} here`);
      return slot.reply(encodeError(command.id, refusal), refusal);
    }
    this.#cartsWaiting.push({ command, slot });
  }

  /** A step of a cart on one of our SKUs: the answer comes when it is durable. */
  perform(command: SkuCommand): Promise<Answer> {
    const rounds = this.#session?.rounds;
    if ((this.phase !== 'serving' && this.phase !== 'draining') || !rounds) {
      return Promise.resolve({
        kind: 'refused',
        refusal: unavailable(`partition ${this.number} is ${this.phase} here`),
      });
    }
    const receivedAtMs = this.#options.shared.now();
    return new Promise((answered) =>
      rounds.submit({ kind: 'inner', command, answered, receivedAtMs }),
    );
  }

  /**
   * The rows that SKUs of this partition should have in the read models, by sink; undefined when it
   * is not served here. A strong read behind them proves that they were ours to tell (invariant 2).
   */
  async rows(
    skus: readonly string[],
  ): Promise<Record<string, Readonly<Record<string, string>>> | undefined> {
    const session = this.#session;
    if (this.phase !== 'serving' || !session || skus.length === 0) return undefined;
    const rows = await session.rows(skus);
    const proof = await this.perform({ verb: 'get', sku: skus[0] as string, channel: '' });
    const isOurs = proof.kind !== 'refused' || proof.refusal.code !== 'unavailable';
    return isOurs && this.#session === session ? rows : undefined;
  }

  /** What home knows of a cart whose lines ask. */
  get carts(): CartBook | undefined {
    return this.phase === 'serving' ? this.#session?.carts : undefined;
  }

  wakeFacts(): void {
    if (this.phase === 'serving') this.#session?.wakeFacts();
  }

  /** The connection was away: what we wrote last may be lost with the server. */
  reconnected(): void {
    if (this.phase === 'serving') this.#session?.verifyOutputs();
  }

  /** The process stood still: nothing that came before is executed or answered otherwise. */
  stalled(): void {
    const refusal = unavailable('this node stood still');
    for (const work of this.#mailbox.clear()) this.#refuse(work, refusal);
    this.#refuseCarts(refusal);
    this.#session?.rounds?.refuseHeld(refusal);
    this.#session?.carts.refuseHeld(refusal);
  }

  #newSession(): Session {
    this.#session?.dispose(unavailable('the partition is moving'));
    const { shared, remote } = this.#options;
    const session: Session = new Session({
      shared,
      partition: this.number,
      mailbox: this.#mailbox,
      ignoreSnapshots: this.#ignoreSnapshots,
      onCart: this.#options.onCart,
      makeCarts: (made) =>
        new CartBook({
          partition: this.number,
          clock: shared.ports.clock,
          now: shared.now,
          config: shared.config,
          log: shared.log,
          remote,
          ids: shared.idIndex,
          wanted: () => made.rounds?.kick(),
        }),
      onEnd: (error) => {
        if (this.#session !== session) return;
        if (error instanceof SnapshotLostError) this.#ignoreSnapshots = true;
        this.#actor.send({ type: 'fenced', message: messageOf(error) });
      },
    });
    this.#session = session;
    return session;
  }

  #serve(): void {
    if (this.phase !== 'serving') return;
    this.#session?.serve();
    for (const { command, slot } of this.#cartsWaiting.splice(0)) {
      this.#session?.carts.handle(command, slot);
    }
  }

  async #recover(): Promise<void> {
    await this.#session?.recover();
  }

  async #drain(): Promise<void> {
    const { drainTimeoutMs } = this.#options.shared.config.limits;
    const session = this.#session;
    if (!session) return;
    await Promise.race([session.drain(), this.#wait(drainTimeoutMs)]);
  }

  #forget(handOn: boolean): void {
    const refusal = unavailable('the partition is moving');
    const waiting = this.#mailbox.clear();
    this.#session?.dispose(refusal);
    this.#session = undefined;
    for (const work of waiting) {
      if (handOn) this.#options.redirect(work);
      else this.#refuse(work, refusal);
    }
    for (const { command, slot } of handOn ? this.#cartsWaiting.splice(0) : []) {
      this.#options.redirectCart(command, slot);
    }
    this.#refuseCarts(refusal);
  }

  /** Nobody waits for ever in the mailbox of a partition that does not come to serve. */
  #sweepLater(): void {
    const { clock } = this.#options.shared.ports;
    const { appendTimeoutMs } = this.#options.shared.config.limits;
    this.#sweep = clock.after(appendTimeoutMs / 4, () => {
      const cutoffMs = this.#options.shared.now() - appendTimeoutMs;
      for (const work of this.#mailbox.takeOlderThan(cutoffMs)) {
        this.#refuse(work, unavailable(`partition ${this.number} has not got to it in time`));
        this.#mailbox.settled(work);
      }
      if (this.phase !== 'released') this.#sweepLater();
    });
  }

  #refuseCarts(refusal: Refusal): void {
    for (const { command, slot } of this.#cartsWaiting.splice(0)) {
      slot.reply(encodeError(command.id, refusal), refusal);
    }
  }

  #refuse(work: CommandWork, refusal: Refusal): void {
    const id = 'id' in work.command ? work.command.id : null;
    work.slot.reply(encodeError(id, refusal), refusal);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.shared.ports.clock.after(ms, resolve));
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
