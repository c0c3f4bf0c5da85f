/** What every membership bucket does: keys that end unless renewed, `meta`, hints. */

import { describe, expect, test } from 'vitest';
import type { JournalMeta, Members, NodeRecord } from '../../src/ports.ts';

export interface MembersHarness {
  readonly members: Members;
  /** The same bucket as another process sees it. */
  readonly rival: Members;
  readonly ttlMs: number;
  /** Lets time pass, virtual or not. */
  elapse(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** A key may outlive its TTL by this. */
const latenessMaxMs = 750;

/** `make` gives an empty bucket. */
export function membersContract(name: string, make: () => Promise<MembersHarness>): void {
  const withMembers = (run: (harness: MembersHarness) => Promise<void>) => async () => {
    const harness = await make();
    try {
      await run(harness);
    } finally {
      await harness.close();
    }
  };
  const record = (node: string, incarnation: string, partitions: number[] = []): NodeRecord => ({
    name: node,
    incarnation,
    partitions,
    startedAtMs: 1,
    renewedAtMs: 2,
  });
  const names = async (members: Members) =>
    (await members.read()).nodes.map((node) => node.name).sort();
  const wanted: JournalMeta = { partitions: 8, schema: 1, epoch: 'e1', genesis: [] };

  describe(`members contract: ${name}`, () => {
    test(
      'a renewed node is seen by all, with what it says of itself',
      withMembers(async ({ members, rival }) => {
        expect((await members.read()).nodes).toEqual([]);
        const done = await members.renew(record('n1', 'i1', [1, 2]));
        expect(done.kind).toBe('renewed');
        if (done.kind === 'renewed') expect(done.serverNowMs).toBeGreaterThan(1_000_000_000_000);
        expect((await rival.read()).nodes).toEqual([record('n1', 'i1', [1, 2])]);
      }),
    );

    test(
      'the revision rises with every change, an end included',
      withMembers(async ({ members, rival, ttlMs, elapse }) => {
        const revisions = [(await members.read()).revision];
        await members.renew(record('n1', 'i1'));
        revisions.push((await rival.read()).revision);
        await members.renew(record('n1', 'i1'));
        revisions.push((await rival.read()).revision);
        await elapse(ttlMs + latenessMaxMs);
        revisions.push((await members.read()).revision);
        expect(new Set(revisions).size).toBe(4);
        expect([...revisions].sort((a, b) => a - b)).toEqual(revisions);
      }),
    );

    test(
      'a name belongs to the incarnation that renews it, until it has expired',
      withMembers(async ({ members, rival, ttlMs, elapse }) => {
        await members.renew(record('n1', 'i1'));
        expect(await rival.renew(record('n1', 'i2'))).toEqual({ kind: 'taken' });
        expect((await members.renew(record('n1', 'i1'))).kind).toBe('renewed');
        await elapse(ttlMs + latenessMaxMs);
        expect((await rival.renew(record('n1', 'i2'))).kind).toBe('renewed');
        expect(await members.renew(record('n1', 'i1'))).toEqual({ kind: 'taken' });
      }),
    );

    test(
      'a node that stops renewing is gone after the TTL; one that renews stays',
      withMembers(async ({ members, rival, ttlMs, elapse }) => {
        await members.renew(record('n1', 'i1'));
        await rival.renew(record('n2', 'j1'));
        expect(await names(members)).toEqual(['n1', 'n2']);
        const rounds = Math.ceil((ttlMs + latenessMaxMs) / (ttlMs / 3));
        for (let round = 0; round < rounds; round++) {
          await elapse(ttlMs / 3);
          await rival.renew(record('n2', 'j1'));
        }
        expect(await names(members)).toEqual(['n2']);
      }),
    );

    test(
      'a node that leaves is gone at once, and somebody else’s key stays',
      withMembers(async ({ members, rival }) => {
        await members.renew(record('n1', 'i1'));
        await rival.leave(record('n1', 'i2'));
        expect(await names(members)).toEqual(['n1']);
        await members.leave(record('n1', 'i1'));
        expect(await names(rival)).toEqual([]);
        expect((await rival.renew(record('n1', 'i2'))).kind).toBe('renewed');
      }),
    );

    test(
      'meta is made once and kept, and genesis claims are recorded in it',
      withMembers(async ({ members, rival }) => {
        expect(await members.meta(wanted)).toEqual(wanted);
        expect(await rival.meta({ ...wanted, partitions: 16, epoch: 'e2' })).toEqual(wanted);
        await Promise.all([
          members.recordGenesis(3),
          rival.recordGenesis(1),
          members.recordGenesis(3),
        ]);
        const meta = await rival.meta(wanted);
        expect({ ...meta, genesis: [...meta.genesis].sort() }).toEqual({
          ...wanted,
          genesis: [1, 3],
        });
        expect((await members.read()).nodes).toEqual([]);
      }),
    );

    test(
      'a change rings whoever wants to know, until it does not',
      withMembers(async ({ members, rival, elapse }) => {
        let rings = 0;
        const subscription = rival.onChange(() => {
          rings += 1;
        });
        await elapse(200);
        await members.renew(record('n1', 'i1'));
        await elapse(300);
        expect(rings).toBeGreaterThan(0);
        subscription.unsubscribe();
        await elapse(100);
        const before = rings;
        await members.leave(record('n1', 'i1'));
        await elapse(200);
        expect(rings).toBe(before);
      }),
    );
  });
}
