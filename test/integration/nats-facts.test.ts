/** Facts on a real server (invariant 9): the server's partitions are ours, batches have no gaps. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { partitionOf, skuKeyOf } from '../../src/domain/names.ts';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import { freshPrefix, openPorts, testPartitions, until } from '../support/deployment.ts';
import { startNats, type TestNats } from '../support/nats.ts';

describe('facts on one server', () => {
  let nats: TestNats;
  let node: NatsPorts;

  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());

  const withNode =
    (run: () => Promise<void>, partitions = testPartitions) =>
    async () => {
      node = await openPorts(nats.url, freshPrefix(), { partitions });
      try {
        await run();
      } finally {
        await node.close();
      }
    };
  const publish = async (skuKey: string, payload = '{}') => {
    const reply = await node.api.mux.request(
      node.names.subjects.fact('pos-1', 'sell', skuKey),
      payload,
    );
    return JSON.parse(reply.text()).seq as number;
  };

  for (const partitions of [1, 7, 16, 64]) {
    test(
      `the server puts every SKU into the partition that we compute, of ${partitions}`,
      withNode(async () => {
        const skus = fc.sample(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), 200);
        for (const sku of [...skus, '85123A', 'BANK CHARGES', 'AB.123/XL', 'Größe >*']) {
          const skuKey = skuKeyOf(sku);
          const seq = await publish(skuKey);
          const stored = await node.api.message(node.names.streams.facts, { seq });
          const address = node.names.subjects.parseFact(stored?.subject ?? '');
          expect(address).toMatchObject({ skuKey, partition: partitionOf(skuKey, partitions) });
        }
      }, partitions),
    );
  }

  test(
    'thousands of facts are read in batches without a gap, each in its partition only',
    withNode(async () => {
      const expected = new Map<number, string[]>();
      const sent: Promise<number>[] = [];
      for (let index = 0; index < 4_000; index++) {
        const skuKey = `SKU-${index % 300}`;
        const partition = partitionOf(skuKey, testPartitions);
        expected.set(partition, [...(expected.get(partition) ?? []), `${index}`]);
        sent.push(publish(skuKey, `${index}`));
        if (sent.length % 500 === 0) await Promise.all(sent);
      }
      await Promise.all(sent);
      for (const [partition, payloads] of expected) {
        const read: string[] = [];
        for (let after = 0; ; ) {
          const batch = await node.ports.facts.read(partition, after, 5_000);
          if (batch.length === 0) break;
          read.push(...batch.map((fact) => new TextDecoder().decode(fact.payload)));
          after = batch.at(-1)?.seq ?? 0;
        }
        expect(read).toEqual(payloads);
      }
    }),
  );

  test(
    'an arrival is told when the fact can be read, not before',
    withNode(async () => {
      const found: number[] = [];
      const reading: Promise<void>[] = [];
      node.ports.facts.onArrival(() => {
        const read = node.ports.facts.read(partitionOf('A', testPartitions), found.length, 10);
        reading.push(read.then((facts) => void found.push(...facts.map((fact) => fact.seq))));
      });
      await node.connection.flush();
      for (let index = 1; index <= 20; index++) {
        await publish('A');
        await until(() => found.length === index);
        await Promise.all(reading);
      }
      expect(found).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    }),
  );

  test(
    'a poison fact is buried with a reason in one line and where it came from',
    withNode(async () => {
      const payload = Uint8Array.from([0, 255, 10, 13]);
      const seq = JSON.parse(
        (
          await node.api.mux.request(node.names.subjects.fact('pos-1', 'explode', 'A'), payload)
        ).text(),
      ).seq as number;
      const [fact] = await node.ports.facts.read(partitionOf('A', testPartitions), 0, 1);
      if (fact === undefined) throw new Error('the fact is not there');
      await node.ports.facts.bury(fact, { code: 'invalid_request', message: 'two\r\nlines €' });
      const dead = await node.api.message(node.names.streams.dead, {
        last_by_subj: node.names.subjects.dead('pos-1'),
      });
      expect(dead?.header('Lastunit-Error')).toBe('two lines €');
      expect(dead?.header('Lastunit-Error-Code')).toBe('invalid_request');
      expect(dead?.header('Lastunit-Subject')).toBe(
        node.names.subjects.fact('pos-1', 'explode', 'A'),
      );
      expect(dead?.header('Lastunit-Sequence')).toBe(`${seq}`);
      expect([...(dead?.payload ?? [])]).toEqual([...payload]);
    }),
  );
});
