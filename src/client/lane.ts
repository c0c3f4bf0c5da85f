/**
 * The commands of one partition on their way: collected into frames, repeated where they must be.
 *
 * 1. Nothing waits while nothing is in flight: a command leaves at the end of the turn of the event
 *    loop that made it, together with what else that turn made.
 * 2. Bounded: commands and bytes of a frame, frames in flight of the lane and of the client.
 * 3. Only the elements of a frame that were not answered are sent again, after a wait of their own;
 *    nothing is sent at or after its deadline, and at its deadline every command is settled.
 */

import type { Timer } from '../ports.ts';
import { ClientClosedError, ProtocolError } from './errors.ts';
import type { FrameSlots } from './frame-slots.ts';
import type { SendSettings } from './options.ts';
import type { Pending } from './pending.ts';
import type { Surroundings } from './plain.ts';
import { isReply, type Refused, type Reply, readFrame } from './replies.ts';
import { passes, passesByItself, waitMs } from './retry.ts';

export type LaneSettings = Pick<
  SendSettings,
  'attemptTimeoutMs' | 'frameCommandsMax' | 'frameBytesMax' | 'framesPerPartitionMax'
>;

/** Commands that wait before they are sent again. */
interface Rest {
  readonly commands: readonly Pending[];
  readonly timer: Timer;
}

export class Lane {
  readonly #subject: string;
  readonly #settings: LaneSettings;
  readonly #slots: FrameSlots;
  readonly #world: Surroundings;
  #waiting: Pending[] = [];
  readonly #frames = new Set<readonly Pending[]>();
  readonly #rests = new Set<Rest>();
  #scheduled = false;
  /** Lower than configured once a node has said that it takes less. */
  #commandsMax: number;
  /**
   * Frames in flight that the partition's mailbox has room for: half as many after a frame that was
   * `overloaded`, one more after as many that were not. What waits here costs nobody anything; what is
   * refused there is sent, parsed and answered again and again.
   */
  #window: number;

  /** `subject` is that of the partition's frames. */
  constructor(subject: string, settings: LaneSettings, slots: FrameSlots, world: Surroundings) {
    this.#subject = subject;
    this.#settings = settings;
    this.#slots = slots;
    this.#world = world;
    this.#commandsMax = settings.frameCommandsMax;
    this.#window = settings.framesPerPartitionMax;
  }

  submit(command: Pending): void {
    this.#waiting.push(command);
    this.#schedule();
  }

  /** Sends what waits, as far as the bounds allow. */
  flush(): void {
    this.#scheduled = false;
    while (this.#maySend()) {
      if (!this.#slots.take(this)) return;
      const frame = this.#nextFrame();
      if (frame.length === 0) this.#slots.give();
      else void this.#send(frame);
    }
  }

  /**
   * A second frame is there when the node has finished the first one's commit. More than two only
   * carry more where callers are many, so those go when they are full.
   */
  #maySend(): boolean {
    const least = this.#frames.size < 2 ? 1 : this.#commandsMax;
    if (this.#waiting.length < least) return false;
    return this.#frames.size < Math.floor(this.#window);
  }

  /** Settles everything whose deadline has come. */
  expire(nowMs: number): void {
    if (this.#waiting.some((command) => command.deadlineAtMs <= nowMs)) {
      for (const command of this.#waiting) command.expire(nowMs);
      this.#waiting = this.#waiting.filter((command) => !command.settled);
    }
    for (const frame of this.#frames) for (const command of frame) command.expire(nowMs);
    for (const { commands } of this.#rests) for (const command of commands) command.expire(nowMs);
  }

  close(): void {
    const error = new ClientClosedError();
    for (const command of this.#waiting.splice(0)) command.fail(error);
    for (const frame of this.#frames) for (const command of frame) command.fail(error);
    for (const { commands, timer } of this.#rests) {
      timer.cancel();
      for (const command of commands) command.fail(error);
    }
    this.#rests.clear();
  }

  /** After all promises of this turn, so that whoever goes on because of a reply is in the frame. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => this.flush());
  }

  /** Takes the first waiting commands that fit; empty only if none of them is alive. */
  #nextFrame(): Pending[] {
    const nowMs = this.#world.clock.now();
    const frame: Pending[] = [];
    let bytes = 2;
    let taken = 0;
    for (const command of this.#waiting) {
      if (frame.length === this.#commandsMax) break;
      command.expire(nowMs);
      if (!command.settled) {
        bytes += Buffer.byteLength(command.json) + 1;
        if (bytes > this.#settings.frameBytesMax && frame.length > 0) break;
        frame.push(command);
      }
      taken += 1;
    }
    this.#waiting = taken === this.#waiting.length ? [] : this.#waiting.slice(taken);
    return frame;
  }

  async #send(frame: readonly Pending[]): Promise<void> {
    this.#frames.add(frame);
    try {
      const { bus } = this.#world;
      const payload = await bus.request(this.#subject, textOf(frame), this.#attemptMs(frame));
      const replies = readFrame(payload, frame.length);
      if ('ok' in replies) this.#frameRefused(frame, replies);
      else this.#answered(frame, replies);
    } catch (error) {
      this.#frameFailed(frame, error);
    } finally {
      this.#frames.delete(frame);
      this.#slots.give();
      this.#schedule();
    }
  }

  /** No longer than until the last of the frame gives up. */
  #attemptMs(frame: readonly Pending[]): number {
    let latest = 0;
    for (const command of frame) {
      command.attempts += 1;
      if (command.deadlineAtMs > latest) latest = command.deadlineAtMs;
    }
    return Math.min(this.#settings.attemptTimeoutMs, latest - this.#world.clock.now());
  }

  #answered(frame: readonly Pending[], replies: readonly Reply[]): void {
    let again: Pending[] | undefined;
    let retryAfterMs = 0;
    let isOverloaded = false;
    for (let index = 0; index < frame.length; index++) {
      const command = frame[index]!;
      const reply = replies[index];
      if (!isReply(reply)) throw new ProtocolError(`element ${index} of the reply is no reply`);
      if (!passes(reply)) {
        command.answer(reply);
        continue;
      }
      command.cause = reply;
      again ??= [];
      again.push(command);
      retryAfterMs = Math.max(retryAfterMs, reply.error.retryAfterMs ?? 0);
      isOverloaded ||= reply.error.code === 'overloaded';
    }
    this.#adapt(isOverloaded);
    if (again !== undefined) this.#rest(again, retryAfterMs);
  }

  #adapt(isOverloaded: boolean): void {
    const { framesPerPartitionMax } = this.#settings;
    if (isOverloaded) this.#window = Math.max(1, this.#window / 2);
    else this.#window = Math.min(framesPerPartitionMax, this.#window + 1 / this.#window);
  }

  /** The frame as a whole was refused: for what each of its commands is refused, or for its size. */
  #frameRefused(frame: readonly Pending[], refused: Refused): void {
    const { code, limit } = refused.error;
    const isTooLarge = limit === 'frameCommandsMax' || limit === 'requestBytesMax';
    if (code === 'limit_exceeded' && isTooLarge && frame.length > 1) {
      this.#commandsMax = Math.ceil(frame.length / 2);
      this.#waiting = [...frame, ...this.#waiting];
    } else if (passes(refused)) {
      this.#again(frame, refused, refused.error.retryAfterMs ?? 0);
    } else {
      const { error } = refused;
      for (const command of frame) command.answer({ ok: false, id: command.id ?? null, error });
    }
  }

  #frameFailed(frame: readonly Pending[], error: unknown): void {
    if (passesByItself(error)) this.#again(frame, error, 0);
    else for (const command of frame) command.fail(error);
  }

  #again(frame: readonly Pending[], cause: unknown, retryAfterMs: number): void {
    for (const command of frame) command.cause = cause;
    this.#rest(frame, retryAfterMs);
  }

  /** Sends the commands again after a wait; those whose deadline comes first are settled now. */
  #rest(commands: readonly Pending[], retryAfterMs: number): void {
    const { clock, random, closed } = this.#world;
    const attempts = commands.reduce((most, command) => Math.max(most, command.attempts), 1);
    const pauseMs = waitMs(attempts, random(), retryAfterMs);
    const resumeAtMs = clock.now() + pauseMs;
    for (const command of commands) {
      if (closed()) command.fail(new ClientClosedError());
      else command.expire(resumeAtMs);
    }
    const alive = commands.filter((command) => !command.settled);
    if (alive.length === 0) return;
    const rest: Rest = {
      commands: alive,
      timer: clock.after(pauseMs, () => {
        this.#rests.delete(rest);
        this.#waiting = [...alive.filter((command) => !command.settled), ...this.#waiting];
        this.flush();
      }),
    };
    this.#rests.add(rest);
  }
}

function textOf(frame: readonly Pending[]): string {
  return `[${frame.map(({ json }) => json).join(',')}]`;
}
