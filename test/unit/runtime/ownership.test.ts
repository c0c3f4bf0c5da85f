// Who owns what: the same on every node, even, and stable when nodes come and go.

import { expect, test } from 'vitest';
import type { NodeRecord } from '../../../src/ports.ts';
import { eligibleNodes, rendezvousOwners } from '../../../src/runtime/ownership.ts';

const record = (name: string, leaving = false): NodeRecord => ({
  name,
  incarnation: `${name}-1`,
  partitions: [],
  startedAtMs: 0,
  renewedAtMs: 0,
  ...(leaving ? { leaving } : {}),
});

test('every node computes the same owners, in whatever order it hears of the others', () => {
  expect(rendezvousOwners(['a', 'b', 'c'], 64)).toEqual(rendezvousOwners(['c', 'a', 'b'], 64));
});

test('partitions are spread evenly enough', () => {
  const owners = rendezvousOwners(['n1', 'n2', 'n3', 'n4'], 1_024);
  for (const name of ['n1', 'n2', 'n3', 'n4']) {
    const share = owners.filter((owner) => owner === name).length;
    expect(share).toBeGreaterThan(180);
    expect(share).toBeLessThan(340);
  }
});

test('a node that joins takes partitions only for itself', () => {
  const before = rendezvousOwners(['n1', 'n2'], 256);
  const after = rendezvousOwners(['n1', 'n2', 'n3'], 256);
  after.forEach((owner, partition) => {
    if (owner !== before[partition]) expect(owner).toBe('n3');
  });
});

test('nobody owns anything when nobody lives', () => {
  expect(rendezvousOwners([], 8)).toEqual([]);
});

test('a leaving node owns nothing', () => {
  const membership = { revision: 1, nodes: [record('a'), record('b', true)] };
  expect(eligibleNodes(membership, new Set(), false)).toEqual(['a']);
});

test('while NATS was away, who was there before still counts', () => {
  const membership = { revision: 1, nodes: [record('a')] };
  expect(eligibleNodes(membership, new Set(['a', 'b']), true)).toEqual(['a', 'b']);
  expect(eligibleNodes(membership, new Set(['a', 'b']), false)).toEqual(['a']);
});
