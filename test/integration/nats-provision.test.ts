/** Streams and buckets are made once, whoever comes first, and follow what may change. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { journalDurability } from '../../src/nats/durability.ts';
import { freshPrefix, openPorts, sinkOf } from '../support/deployment.ts';
import { startNats, type TestNats } from '../support/nats.ts';

describe('provisioning one server', () => {
  let nats: TestNats;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());

  test('makes everything once and then changes nothing', async () => {
    const prefix = freshPrefix();
    const first = await openPorts(nats.url, prefix);
    const { streams, buckets } = first.names;
    expect([...first.provisioned.created].sort()).toEqual(
      [
        ...Object.values(streams),
        ...[buckets.stock, buckets.nodes, buckets.reconcile, buckets.snapshots].map(
          (bucket) => `KV_${bucket}`,
        ),
        `KV_${buckets.view('web')}`,
      ].sort(),
    );
    const second = await openPorts(nats.url, prefix);
    expect(second.provisioned).toMatchObject({ created: [], updated: [], replicas: 1 });
    const journal = (await first.api.info(streams.journal))?.config;
    expect(journal).toMatchObject({ storage: 'file', discard: 'new', max_age: 0 });
    expect(journal?.persist_mode).not.toBe('async');
    for (const name of [buckets.stock, buckets.view('web')]) {
      expect((await first.api.info(`KV_${name}`))?.config.persist_mode).toBe('async');
    }
    await second.close();
    await first.close();
  });

  test('may be done by many nodes at a time', async () => {
    const prefix = freshPrefix();
    const nodes = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        openPorts(nats.url, prefix, { eventsRetentionMs: 600_000 + index }),
      ),
    );
    expect(nodes.map((node) => node.provisioned.partitions)).toEqual(Array(6).fill(8));
    for (const node of nodes) await node.close();
  });

  test('keeps the partition count that the journal was made with', async () => {
    const prefix = freshPrefix();
    const first = await openPorts(nats.url, prefix, { partitions: 8 });
    await first.ports.members.meta({ partitions: 8, schema: 1, epoch: 'e', genesis: [] });
    const second = await openPorts(nats.url, prefix, { partitions: 16 });
    expect(second.provisioned).toMatchObject({ partitions: 8, updated: [] });
    const facts = (await first.api.info(first.names.streams.facts))?.config;
    expect(JSON.stringify(facts?.subject_transform)).toContain('partition(8,3)');
    await second.close();
    await first.close();
  });

  test('follows a new retention and a new channel, and keeps what is stored', async () => {
    const prefix = freshPrefix();
    const first = await openPorts(nats.url, prefix);
    await sinkOf(first, 'events').takeOver(0, 1);
    await sinkOf(first, 'events').write(0, [{ key: 'A', payload: '{}' }], 2);
    const second = await openPorts(nats.url, prefix, {
      eventsRetentionMs: 3_600_000,
      viewChannels: ['web', 'pos'],
    });
    const { streams, buckets } = first.names;
    expect(second.provisioned.updated).toEqual([streams.events]);
    expect(second.provisioned.created).toEqual([`KV_${buckets.view('pos')}`]);
    const events = await second.api.info(streams.events);
    expect(events?.config.max_age).toBe(3_600_000_000_000);
    expect(events?.state.messages).toBe(2);
    await second.close();
    await first.close();
  });

  test('fails with a reason where three replicas are asked of one server', async () => {
    await expect(openPorts(nats.url, freshPrefix(), { replicas: 3 })).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('replicas'),
    });
  });
});

describe('what an acknowledgement is worth', () => {
  test('is unknown where no server tells', async () => {
    const nats = await startNats();
    const node = await openPorts(nats.url, freshPrefix());
    expect(['unknown', 'always']).toContain(node.durability);
    const deaf = { monitoringUrls: ['http://127.0.0.1:9'] };
    expect(await journalDurability(node.connection, deaf)).toBe('unknown');
    await node.close();
    await nats.stop();
  });

  test.each([
    [true, 'always'],
    [false, 'interval'],
  ] as const)(
    'is told by the monitoring port, sync always %s: %s',
    async (syncAlways, expected) => {
      const nats = await startNats({ syncAlways, extraConfig: 'http: "127.0.0.1:-1"' });
      const url = monitoringUrl(nats);
      const node = await openPorts(nats.url, freshPrefix(), { monitoringUrls: [url] });
      expect(node.durability).toBe(expected);
      await node.close();
      await nats.stop();
    },
  );
});

/** The server writes the ports that it chose into a file beside its configuration. */
function monitoringUrl(nats: TestNats): string {
  const folder = join(nats.dataDir, 'nats');
  const file = readdirSync(folder).find((name) => name.endsWith('.ports')) ?? '';
  return JSON.parse(readFileSync(join(folder, file), 'utf8')).monitoring[0];
}
