/**
 * The way of a command from the bus to the partition that decides it, on this node or another.
 *
 * - Every message gets one reply: malformed input a refusal, never a time-out.
 * - A dead owner never costs the caller its whole time-out: when nobody listens, the owner's sign of
 *   life is old, or it does not answer in `forwardTimeoutMs`, the caller hears `unavailable`.
 * - Commands are forwarded at most `forwardHopsMax` times; what is in flight is bounded.
 * - What came in while this process stood still is not executed.
 */

import type { LastunitConfig } from '../config/config.ts';
import type { CartCommand } from '../contract/cart.ts';
import { codes, invalidRequest } from '../contract/codes.ts';
import { type Parsed, parseCommand } from '../contract/parse-command.ts';
import { parseFrame } from '../contract/parse-frame.ts';
import { encodeError, encodeFrameReply } from '../contract/replies.ts';
import type { Names } from '../contract/subjects.ts';
import type { SkuCommand } from '../domain/commands.ts';
import { fnv1a32, partitionOf, skuKeyOf } from '../domain/names.ts';
import type { Refusal } from '../domain/outcome.ts';
import type { Bus, BusSubscription, Inbound } from '../ports.ts';
import type { Metrics } from './metrics.ts';
import type { Partition } from './partition/partition.ts';
import { overloaded, unavailable } from './partition/refusals.ts';
import type { CommandWork, ReplySlot } from './partition/work.ts';

const queue = 'lastunit';
const utf8 = new TextDecoder();

export interface RouterOptions {
  readonly config: LastunitConfig;
  readonly names: Names;
  readonly bus: Bus;
  readonly node: string;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly local: (partition: number) => Partition | undefined;
  readonly ownerOf: (partition: number) => string | undefined;
  /** Whether the node has given no sign of life for too long. */
  readonly isSilent: (node: string) => boolean;
  /** Whether a message handled now may be from before a freeze. */
  readonly stale: () => boolean;
}

/** Where a cart is decided: the partition of its channel and id. */
export function homeOf(channel: string, id: string, partitions: number): number {
  return fnv1a32(`${channel} ${id}`) % partitions;
}

export class Router {
  readonly #options: RouterOptions;
  #subscriptions: BusSubscription[] = [];
  #forwards = 0;
  #whenSettled: (() => void)[] = [];

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Commands that wait for another node's answer. */
  get forwards(): number {
    return this.#forwards;
  }

  /** Takes commands from channels. */
  start(): void {
    const { bus, names } = this.#options;
    // Everything below the two subjects, so that a malformed subject is answered as well.
    this.#subscriptions = [
      bus.serve(`${names.prefix}.cmd.>`, { queue }, (m) => this.#onCommand(m, m.subject, 0)),
      bus.serve(`${names.prefix}.p.>`, { queue }, (m) => this.#onFrame(m, m.subject, 0)),
    ];
  }

  /** Takes nothing more from channels; what was on its way is still handled. */
  async drain(): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.drain()));
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  /** A message that another node has forwarded: `<hop>.<subject without prefix>` behind our name. */
  onForwarded(message: Inbound, hop: number, rest: string): void {
    const subject = `${this.#options.names.prefix}.${rest}`;
    if (rest.startsWith('p.')) this.#onFrame(message, subject, hop);
    else this.#onCommand(message, subject, hop);
  }

  /** A command that its partition cannot keep: to whoever owns it now. */
  redirect(work: CommandWork): void {
    const { command, slot } = work;
    const {
      channel,
      verb,
      fingerprint: _,
      ...payload
    } = command as SkuCommand & {
      fingerprint?: number;
    };
    const partition = this.#partitionOf(command.sku);
    this.#forward(
      partition,
      1,
      `cmd.${channel}.${verb}`,
      JSON.stringify(payload),
      slot,
      idOf(command),
    );
  }

  /** A cart command that its home cannot keep: to whoever owns home now. */
  redirectCart(command: CartCommand, slot: ReplySlot): void {
    const { channel, verb, fingerprint: _, ...payload } = command;
    const rest = `cmd.${channel}.${verb}`;
    this.#forward(this.#homeOf(command), 1, rest, JSON.stringify(payload), slot, command.id);
  }

  /** Resolves when no command waits for another node, or after the forwards' time-out. */
  settled(): Promise<void> {
    if (this.#forwards === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenSettled.push(resolve));
  }

  /** A single-SKU command that is about a cart's line: its home decides. */
  toHome(work: CommandWork): void {
    const { command, slot } = work;
    const { channel, verb } = command;
    const request = cartRequestOf(command);
    if (!request) {
      const refusal = invalidRequest('qty', 'is of a cart, which has no partial confirm');
      return slot.reply(encodeError(idOf(command), refusal), refusal);
    }
    // Parsed as any other cart command, so that it has one fingerprint wherever home lives.
    const payload = JSON.stringify(request);
    const parsed = parseCommand(verb, channel, payload, this.#options.config);
    if (!parsed.ok) return slot.reply(encodeError(parsed.id, parsed.refusal), parsed.refusal);
    if (parsed.kind !== 'cart') throw new Error(`${verb} of a cart's line is no cart command`);
    this.#cart(parsed.command, slot, 1, `cmd.${channel}.${verb}`, payload);
  }

  #onCommand(message: Inbound, subject: string, hop: number): void {
    const { config, names } = this.#options;
    const address = names.subjects.parseCommand(subject);
    const slot = this.#slotOf(message, address?.verb ?? 'unknown');
    const stale = this.#options.stale();
    if (!address) {
      const refusal = invalidRequest('verb', 'the subject is not <prefix>.cmd.<channel>.<verb>');
      return slot.reply(encodeError(null, refusal), refusal);
    }
    const parsed: Parsed = parseCommand(address.verb, address.channel, message.payload, config);
    const id = parsed.ok ? idOf(parsed.command) : parsed.id;
    // Nothing else is said about what is from the past, not even that it is wrong.
    if (stale) return this.#refuse(slot, id, unavailable('this node stood still'));
    if (!parsed.ok) return this.#refuse(slot, id, parsed.refusal);
    const rest = subject.slice(names.prefix.length + 1);
    const receivedAtMs = this.#options.now();
    if (parsed.kind === 'cart') {
      return this.#cart(parsed.command, slot, hop, rest, message.payload);
    }
    const partition = this.#partitionOf(parsed.command.sku);
    const local = this.#options.local(partition);
    if (local) local.accept(parsed.command, slot, receivedAtMs);
    else this.#forward(partition, hop, rest, message.payload, slot, id);
  }

  #onFrame(message: Inbound, subject: string, hop: number): void {
    const { config, names } = this.#options;
    const address = names.subjects.parseFrame(subject);
    const whole = this.#slotOf(message, 'frame');
    if (!address || address.partition >= config.partitions) {
      const refusal = invalidRequest(
        'partition',
        'the subject is not <prefix>.p.<partition>.<channel>',
      );
      return whole.reply(encodeError(null, refusal), refusal);
    }
    if (this.#options.stale())
      return this.#refuse(whole, null, unavailable('this node stood still'));
    const local = this.#options.local(address.partition);
    if (!local) {
      const rest = subject.slice(names.prefix.length + 1);
      return this.#forward(address.partition, hop, rest, message.payload, whole, null);
    }
    const frame = parseFrame(address.partition, address.channel, message.payload, config);
    if (!frame.ok) return this.#refuse(whole, null, frame.refusal);
    this.#decideFrame(frame.items, local, whole);
  }

  #decideFrame(
    items: Extract<ReturnType<typeof parseFrame>, { ok: true }>['items'],
    partition: Partition,
    whole: ReplySlot,
  ): void {
    const { metrics } = this.#options;
    const replies = new Array<string>(items.length);
    let missing = items.length;
    if (missing === 0) return whole.reply('[]');
    const receivedAtMs = this.#options.now();
    items.forEach((item, index) => {
      let answered = false;
      const verb = item.ok ? item.command.verb : 'unknown';
      const slot: ReplySlot = {
        reply(text, refusal) {
          if (answered) return;
          answered = true;
          metrics.command(verb, refusal?.code ?? 'accepted');
          replies[index] = text;
          missing -= 1;
          if (missing === 0) whole.reply(encodeFrameReply(replies));
        },
      };
      if (item.ok) partition.accept(item.command, slot, receivedAtMs);
      else slot.reply(encodeError(item.id, item.refusal), item.refusal);
    });
  }

  #cart(
    command: CartCommand,
    slot: ReplySlot,
    hop: number,
    rest: string,
    payload: Uint8Array | string,
  ): void {
    const home = this.#homeOf(command);
    const partition = this.#options.local(home);
    if (partition) partition.acceptCart(command, slot);
    else this.#forward(home, hop, rest, payload, slot, command.id);
  }

  #forward(
    partition: number,
    hop: number,
    rest: string,
    payload: Uint8Array | string,
    slot: ReplySlot,
    id: string | null,
  ): void {
    const { config, bus, names, node, ownerOf, isSilent, stale } = this.#options;
    const owner = ownerOf(partition);
    if (owner === undefined || owner === node || hop >= config.limits.forwardHopsMax) {
      return this.#refuse(slot, id, unavailable(`partition ${partition} is moving`));
    }
    if (isSilent(owner)) {
      const why = `${owner}, who owns partition ${partition}, gives no sign of life`;
      return this.#refuse(slot, id, unavailable(why));
    }
    if (this.#forwards >= config.limits.forwardsInFlightMax) {
      const { overloadedRetryMs } = config.limits;
      return this.#refuse(slot, id, overloaded('too many forwarded commands', overloadedRetryMs));
    }
    this.#forwards += 1;
    const subject = names.subjects.node(owner, hop + 1, rest);
    bus
      .request(subject, payload, config.limits.forwardTimeoutMs)
      .then(
        (reply) =>
          // It may have waited for a frozen process: then it is from the past.
          stale()
            ? this.#refuse(slot, id, unavailable('this node stood still'))
            : slot.reply(utf8.decode(reply), refusalIn(reply)),
        () =>
          this.#refuse(
            slot,
            id,
            unavailable(`${owner}, who owns partition ${partition}, is silent`),
          ),
      )
      .finally(() => {
        this.#forwards -= 1;
        if (this.#forwards === 0) for (const resolve of this.#whenSettled.splice(0)) resolve();
      });
  }

  #refuse(slot: ReplySlot, id: string | null, refusal: Refusal): void {
    slot.reply(encodeError(id, refusal), refusal);
  }

  #slotOf(message: Inbound, verb: string): ReplySlot {
    const { metrics } = this.#options;
    let answered = false;
    return {
      reply(text, refusal) {
        if (answered) return;
        answered = true;
        metrics.command(verb, refusal?.code ?? 'accepted');
        message.respond?.(
          text,
          refusal && { code: refusal.code, number: codes[refusal.code].number },
        );
      },
    };
  }

  #homeOf(command: CartCommand): number {
    const channel = 'heldBy' in command ? (command.heldBy ?? command.channel) : command.channel;
    const id = command.verb === 'reserve' ? command.id : command.reservation;
    return homeOf(channel, id, this.#options.config.partitions);
  }

  #partitionOf(sku: string): number {
    return partitionOf(skuKeyOf(sku), this.#options.config.partitions);
  }
}

function idOf(
  command: { readonly verb: string; readonly id?: string } | SkuCommand,
): string | null {
  return 'id' in command && command.id !== undefined ? command.id : null;
}

/** Error replies are forwarded with their headers; only they are parsed. */
function refusalIn(reply: Uint8Array): Refusal | undefined {
  const text = utf8.decode(reply.subarray(0, 12));
  if (!text.startsWith('{"ok":false')) return undefined;
  return (JSON.parse(utf8.decode(reply)) as { error: Refusal }).error;
}

/** The same wish as a request about the whole cart; undefined where carts have no such wish. */
function cartRequestOf(command: SkuCommand): object | undefined {
  if (command.verb !== 'confirm' && command.verb !== 'renew' && command.verb !== 'release') {
    return undefined;
  }
  if (command.verb === 'confirm' && command.qty !== undefined) return undefined;
  const { verb: _verb, channel: _channel, fingerprint: _, sku, ...fields } = command;
  return { ...fields, skus: [sku] };
}
