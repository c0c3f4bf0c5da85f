/** Reaches any SKU's actor for a cart's home: here, or through the node that owns its partition. */

import type { LastunitConfig } from '../config/config.ts';
import type { Names } from '../contract/subjects.ts';
import type { SkuCommand } from '../domain/commands.ts';
import { partitionOf, skuKeyOf } from '../domain/names.ts';
import type { Answer } from '../domain/outcome.ts';
import type { Bus, Inbound } from '../ports.ts';
import type { CartRemote } from './carts/cart-lines.ts';
import type { Partition } from './partition/partition.ts';
import { unavailable } from './partition/refusals.ts';

const utf8 = new TextDecoder();

export interface RemoteOptions {
  readonly config: LastunitConfig;
  readonly names: Names;
  readonly bus: Bus;
  readonly node: string;
  readonly local: (partition: number) => Partition | undefined;
  readonly ownerOf: (partition: number) => string | undefined;
}

function refused(why: string): Answer {
  return { kind: 'refused', refusal: unavailable(why) };
}

export function cartRemote(options: RemoteOptions): CartRemote {
  const { config, names, bus, node, local, ownerOf } = options;
  return {
    async perform(command) {
      const number = partitionOf(skuKeyOf(command.sku), config.partitions);
      const partition = local(number);
      if (partition) return partition.perform(command);
      const owner = ownerOf(number);
      if (owner === undefined || owner === node) return refused(`partition ${number} is moving`);
      try {
        const reply = await bus.request(
          names.subjects.node(owner, 'inner', number),
          JSON.stringify(command),
          config.limits.forwardTimeoutMs,
        );
        return JSON.parse(utf8.decode(reply)) as Answer;
      } catch (error) {
        return refused(`${owner} is silent (${String(error)})`);
      }
    },
  };
}

/** Answers another node's cart step. */
export function answerInner(message: Inbound, partition: Partition | undefined): void {
  const respond = message.respond;
  if (!respond) return;
  const answer = partition
    ? partition.perform(JSON.parse(utf8.decode(message.payload)) as SkuCommand)
    : Promise.resolve(refused('the partition is not served here'));
  void answer.then((given) => respond(JSON.stringify(given)));
}
