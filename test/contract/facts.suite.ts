/** What every fact log does (invariant 9 rests on it). */

import { describe, expect, test } from 'vitest';
import type { FactLog } from '../../src/ports.ts';

export interface FactsHarness {
  readonly facts: FactLog;
  readonly rival: FactLog;
  /** Publishes as a producer would, with the contract's message id; answers the sequence. */
  publish(fact: {
    source: string;
    verb: string;
    skuKey: string;
    id: string;
    payload: string;
  }): Promise<number>;
  /** The partition of a skuKey. */
  partitionOf(skuKey: string): number;
  /** What lies in the dead-letter stream, in order. */
  dead(): Promise<readonly { source: string; payload: string; code: string; message: string }[]>;
  elapse(ms: number): Promise<void>;
  close(): Promise<void>;
}

const text = (payload: Uint8Array) => new TextDecoder().decode(payload);

/** `make` gives an empty log. */
export function factsContract(name: string, make: () => Promise<FactsHarness>): void {
  const withFacts = (run: (harness: FactsHarness) => Promise<void>) => async () => {
    const harness = await make();
    try {
      await run(harness);
    } finally {
      await harness.close();
    }
  };
  let counter = 0;
  const sell = (skuKey: string) => ({
    source: 'pos',
    verb: 'sell',
    skuKey,
    id: `f-${counter++}`,
    payload: JSON.stringify({ sku: skuKey, qty: 1, n: counter }),
  });

  describe(`facts contract: ${name}`, () => {
    test(
      'an empty log has nothing to read',
      withFacts(async ({ facts }) => {
        expect(await facts.read(0, 0, 10)).toEqual([]);
      }),
    );

    test(
      'a partition reads its facts in order, after a position and up to a limit',
      withFacts(async ({ facts, publish, partitionOf }) => {
        const published: { seq: number; skuKey: string; payload: string }[] = [];
        for (const skuKey of ['A', 'B', 'A=20X', 'C-1', 'A', 'B', 'A', 'D_2', 'A']) {
          const fact = sell(skuKey);
          published.push({ seq: await publish(fact), skuKey, payload: fact.payload });
        }
        const partition = partitionOf('A');
        const mine = published.filter((fact) => partitionOf(fact.skuKey) === partition);
        const read = await facts.read(partition, 0, 100);
        expect(read.map((fact) => [fact.seq, fact.skuKey, text(fact.payload)])).toEqual(
          mine.map((fact) => [fact.seq, fact.skuKey, fact.payload]),
        );
        for (const fact of read) {
          expect(fact).toMatchObject({ source: 'pos', verb: 'sell' });
          expect(fact.storedAtMs).toBeGreaterThan(1_000_000_000_000);
        }
        const second = mine[1]?.seq ?? 0;
        const rest = await facts.read(partition, second, 2);
        expect(rest.map((fact) => fact.seq)).toEqual(mine.slice(2, 4).map((fact) => fact.seq));
        expect(await facts.read(partition, mine.at(-1)?.seq ?? 0, 5)).toEqual([]);
      }),
    );

    test(
      'what has been acknowledged is found at once, also by a read that a lagging replica answers (stale direct reads)',
      withFacts(async ({ rival, publish, partitionOf }) => {
        let after = 0;
        for (let time = 0; time < 60; time++) {
          const seq = await publish(sell('A'));
          const read = await rival.read(partitionOf('A'), after, 10);
          expect(read.map((fact) => fact.seq)).toEqual([seq]);
          after = seq;
        }
      }),
    );

    test(
      'a fact that is published twice is stored once',
      withFacts(async ({ facts, publish, partitionOf }) => {
        const fact = sell('A');
        const first = await publish(fact);
        expect(await publish(fact)).toBe(first);
        expect(await facts.read(partitionOf('A'), 0, 10)).toHaveLength(1);
      }),
    );

    test(
      'an arrival rings whoever wants to know',
      withFacts(async ({ facts, publish, elapse }) => {
        let rings = 0;
        const subscription = facts.onArrival(() => {
          rings += 1;
        });
        await elapse(200);
        await publish(sell('A'));
        await elapse(500);
        expect(rings).toBeGreaterThan(0);
        subscription.unsubscribe();
      }),
    );

    test(
      "what is dropped is a partition's own, up to the position and no further",
      withFacts(async ({ facts, publish, partitionOf }) => {
        const others = ['B', 'C-1', 'D_2', 'E', 'F', 'G', 'H'];
        const other = others.find((key) => partitionOf(key) !== partitionOf('A')) as string;
        const seqs: number[] = [];
        for (const key of ['A', other, 'A', other, 'A']) seqs.push(await publish(sell(key)));
        await facts.forget(partitionOf('A'), seqs[2] as number);
        const left = async (key: string) =>
          (await facts.read(partitionOf(key), 0, 10)).map(({ seq }) => seq);
        expect(await left('A')).toEqual([seqs[4]]);
        expect(await left(other)).toEqual([seqs[1], seqs[3]]);
      }),
    );

    test(
      'a fact is buried once, with its payload and the reason',
      withFacts(async ({ facts, rival, publish, partitionOf, dead }) => {
        const bad = { ...sell('A'), payload: 'not JSON Ü' };
        await publish(bad);
        const [fact] = await facts.read(partitionOf('A'), 0, 10);
        if (!fact) throw new Error('the fact is not there');
        const reason = { code: 'invalid_request', message: 'not JSON' };
        await facts.bury(fact, reason);
        await rival.bury(fact, reason);
        expect(await dead()).toEqual([{ source: 'pos', payload: 'not JSON Ü', ...reason }]);
      }),
    );
  });
}
