/**
 * A cart's lines as their home asks them, wherever they live. Every question is repeated until its
 * line says yes or no, or until home has moved.
 *
 * Lines are held partition by partition, in one order for all carts: whoever has to be refused is
 * refused by somebody who holds a line further on, so that of several carts that want the same last
 * units one always gets them. Asked all at once, each could hold what another lacks.
 */

import type { LastunitConfig } from '../../config/config.ts';
import type { CartIntent, CartRecordLine, CartSettling } from '../../domain/carts.ts';
import type { SkuCommand } from '../../domain/commands.ts';
import { partitionOf, skuKeyOf } from '../../domain/names.ts';
import type { Acceptance, Answer } from '../../domain/outcome.ts';
import type { Clock } from '../../ports.ts';

/** Reaches any SKU's actor, wherever its partition lives. Never rejects. */
export interface CartRemote {
  perform(command: SkuCommand): Promise<Answer>;
}

/** Refusals that say nothing about the line: ask again. */
const passing: ReadonlySet<string> = new Set(['unavailable', 'overloaded']);

export interface CartLinesOptions {
  readonly channel: string;
  readonly id: string;
  readonly lines: readonly CartRecordLine[];
  readonly remote: CartRemote;
  readonly clock: Clock;
  readonly config: LastunitConfig;
  /** Home has moved: nobody needs the answers any more. */
  readonly over: () => boolean;
}

/** A step's pause doubles this many times. */
const backoffMax = 4;

export class CartLines {
  readonly #options: CartLinesOptions;

  constructor(options: CartLinesOptions) {
    this.#options = options;
  }

  /** Holds every line; from the first refusal on the others are only asked. Answers as the lines are. */
  hold(intent: CartIntent, ref: string | undefined): Promise<Answer[]> {
    const { channel, id } = this.#options;
    const { fingerprint, expiresAtMs = 0 } = intent;
    return this.#inOrder((line, refused) => ({
      verb: 'cart.hold',
      ...line,
      channel,
      id,
      fingerprint,
      expiresAtMs,
      ...(ref === undefined ? {} : { ref }),
      ...(refused ? { probe: true as const } : {}),
    }));
  }

  /** `retaking`: the lines have to take their units again, in competition with others. */
  prepare(intent: CartIntent, retaking: boolean): Promise<Answer[]> {
    const { channel, id } = this.#options;
    const { command, fingerprint, step } = intent;
    const ask = ({ sku }: CartRecordLine): SkuCommand => ({
      verb: 'cart.prepare',
      sku,
      channel,
      id: command,
      fingerprint,
      reservation: id,
      step,
    });
    return retaking ? this.#inOrder(ask) : this.#atOnce(ask);
  }

  settle(
    settling: CartSettling,
    cart: { readonly steps: number; readonly order?: string; readonly expiresAtMs: number },
  ): Promise<Answer[]> {
    const { channel, id } = this.#options;
    const { command, fingerprint, outcome } = settling;
    return this.#atOnce(({ sku }) => ({
      verb: 'cart.settle',
      sku,
      channel,
      id: command,
      fingerprint,
      reservation: id,
      outcome,
      step: cart.steps,
      ...(outcome === 'confirmed' ? { order: cart.order as string } : {}),
      ...(outcome === 'held' ? { expiresAtMs: cart.expiresAtMs } : {}),
    }));
  }

  /** The same acceptances with what is available now, where the channel may read it. */
  async refreshed(lines: readonly Acceptance[]): Promise<readonly Acceptance[]> {
    const { channel, remote } = this.#options;
    return Promise.all(
      lines.map(async (line) => {
        const answer = await remote.perform({ verb: 'get', sku: line.sku, channel });
        return answer.kind === 'read' ? { ...line, available: answer.read.available } : line;
      }),
    );
  }

  #atOnce(command: (line: CartRecordLine) => SkuCommand): Promise<Answer[]> {
    return Promise.all(this.#options.lines.map((line) => this.#until(command(line))));
  }

  async #inOrder(
    command: (line: CartRecordLine, refused: boolean) => SkuCommand,
  ): Promise<Answer[]> {
    const answers = new Map<string, Answer>();
    let refused = false;
    for (const lines of this.#byPartition()) {
      const given = await Promise.all(lines.map((line) => this.#until(command(line, refused))));
      given.forEach((answer, at) => {
        answers.set((lines[at] as CartRecordLine).sku, answer);
        refused ||= answer.kind === 'refused';
      });
    }
    return this.#options.lines.map(({ sku }) => answers.get(sku) as Answer);
  }

  #byPartition(): CartRecordLine[][] {
    const { lines, config } = this.#options;
    const byPartition = new Map<number, CartRecordLine[]>();
    for (const line of lines) {
      const partition = partitionOf(skuKeyOf(line.sku), config.partitions);
      byPartition.set(partition, [...(byPartition.get(partition) ?? []), line]);
    }
    return [...byPartition].sort(([a], [b]) => a - b).map(([, group]) => group);
  }

  async #until(command: SkuCommand): Promise<Answer> {
    const { remote, clock, config, over } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const answer = await remote.perform(command);
      if (over()) throw new Error('the cart has another home now');
      if (answer.kind !== 'refused' || !passing.has(answer.refusal.code)) return answer;
      // Many carts that ask again at once would keep a slow partition slow.
      const ms = config.limits.cartStepRetryMs * 2 ** Math.min(attempt, backoffMax);
      await new Promise<void>((resolve) => clock.after(ms, resolve));
    }
  }
}
