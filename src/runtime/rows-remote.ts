/**
 * Tells whoever checks the read models what their rows should be: `<prefix>.n.<node>.rows.<partition>`
 * with `{"skus": [...]}` is answered by the rows of each SKU by sink, none for one that does not exist,
 * or by `{"error": …}` where the partition is not served here.
 */

import type { Names } from '../contract/subjects.ts';
import { type Bus, type Inbound, type Members, type OwnerRows, PortError } from '../ports.ts';
import type { Partition } from './partition/partition.ts';

/** Rendering rows takes the partition's time: no more than this many SKUs at once. */
export const skusPerRequestMax = 100;

const requestTimeoutMs = 5_000;
const utf8 = new TextDecoder();

interface Answer {
  readonly rows?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly error?: string;
}

export function answerRows(message: Inbound, partition: Partition | undefined): void {
  const respond = (answer: Answer) => message.respond?.(JSON.stringify(answer));
  const skus = skusIn(message.payload);
  if (skus === undefined) return respond({ error: 'not a list of SKUs' });
  if (partition === undefined) return respond({ error: 'the partition is not served here' });
  partition.rows(skus).then(
    (rows) => respond(rows === undefined ? { error: 'the partition is moving' } : { rows }),
    (error: unknown) => respond({ error: String(error) }),
  );
}

function skusIn(payload: Uint8Array): string[] | undefined {
  try {
    const { skus } = JSON.parse(utf8.decode(payload)) as { skus?: unknown };
    if (!Array.isArray(skus) || skus.length === 0 || skus.length > skusPerRequestMax)
      return undefined;
    return skus.every((sku) => typeof sku === 'string') ? skus : undefined;
  } catch {
    return undefined;
  }
}

/** Asks whichever node says that it serves the partition. */
export function ownerRows(bus: Bus, members: Members, names: Names): OwnerRows {
  return {
    async rowsOf(partition, skus) {
      const { nodes } = await members.read();
      const owner = nodes.find(({ partitions, leaving }) => {
        return leaving !== true && partitions.includes(partition);
      });
      if (owner === undefined) throw new PortError('unavailable', `nobody serves ${partition}`);
      const subject = names.subjects.node(owner.name, 'rows', partition);
      const rows = new Map<string, Readonly<Record<string, string>> | undefined>();
      for (let at = 0; at < skus.length; at += skusPerRequestMax) {
        const piece = skus.slice(at, at + skusPerRequestMax);
        const reply = await bus.request(subject, JSON.stringify({ skus: piece }), requestTimeoutMs);
        const answer = JSON.parse(utf8.decode(reply)) as Answer;
        if (answer.rows === undefined) throw new PortError('unavailable', String(answer.error));
        for (const sku of piece) {
          const row = answer.rows[sku];
          rows.set(sku, row === undefined || Object.keys(row).length === 0 ? undefined : row);
        }
      }
      return rows;
    },
  };
}
