/**
 * Which node owns which partition: rendezvous hashing over the living nodes, the same on every
 * node (design, *Ownership*). Pure.
 */

import { fnv1a32 } from '../domain/names.ts';
import type { Membership } from '../ports.ts';

/** Mixes the bits, so that similar names do not get similar weights (murmur3's finaliser). */
function weight(node: string, partition: number): number {
  let hash = fnv1a32(`${node}/${partition}`);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The owner of each partition among the names; empty when there are none. */
export function rendezvousOwners(names: readonly string[], partitions: number): string[] {
  const owners: string[] = [];
  const sorted = [...names].sort();
  for (let partition = 0; partition < partitions && sorted.length > 0; partition++) {
    let owner = sorted[0] as string;
    let best = -1;
    for (const name of sorted) {
      const own = weight(name, partition);
      if (own > best) {
        best = own;
        owner = name;
      }
    }
    owners.push(owner);
  }
  return owners;
}

/**
 * The nodes that may own partitions. While `quiet` (NATS itself was away, so that keys of healthy
 * nodes may have expired), a node that was there before still counts as there.
 */
export function eligibleNodes(
  membership: Membership,
  before: ReadonlySet<string>,
  quiet: boolean,
): string[] {
  const leaving = new Set(membership.nodes.filter((node) => node.leaving).map(({ name }) => name));
  const names = new Set(membership.nodes.map(({ name }) => name));
  if (quiet) for (const name of before) names.add(name);
  return [...names].filter((name) => !leaving.has(name));
}
