/** Membership on a real server: keys that expire by themselves, and whoever looks at them. */

import { Kvm } from '@nats-io/kv';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import type { Members, NodeRecord } from '../../src/ports.ts';
import { freshPrefix, openPorts, until, untilItWorks } from '../support/deployment.ts';
import { startNats, type TestNats } from '../support/nats.ts';

const record = (name: string, incarnation: string): NodeRecord => ({
  name,
  incarnation,
  partitions: [0, 1],
  startedAtMs: 1,
  renewedAtMs: 1,
});

describe('members on one server', () => {
  let nats: TestNats;
  let node: NatsPorts;
  let members: Members;

  beforeEach(async () => {
    nats = await startNats();
    node = await openPorts(nats.url, freshPrefix());
    members = node.ports.members;
  });
  afterEach(async () => {
    await node.close();
    await nats.stop();
  });

  const namesNow = async () => (await members.read()).nodes.map((entry) => entry.name);

  test('an expiry rings, and is a newer revision', async () => {
    let rings = 0;
    members.onChange(() => {
      rings += 1;
    });
    await node.connection.flush();
    await members.renew(record('n1', 'i1'));
    const before = await members.read();
    expect(before.nodes).toEqual([record('n1', 'i1')]);
    await until(() => rings === 1);
    // Nobody touches the bucket: the server itself tells.
    await until(() => rings === 2);
    const after = await members.read();
    expect(after.nodes).toEqual([]);
    expect(after.revision).toBeGreaterThan(before.revision);
  });

  test('the server’s time is that of the renewal', async () => {
    const before = Date.now();
    const renewed = await members.renew(record('n1', 'i1'));
    const after = Date.now();
    // One machine, one clock; the server rounds down to whole milliseconds.
    const serverNowMs = renewed.kind === 'renewed' ? renewed.serverNowMs : 0;
    expect(serverNowMs).toBeGreaterThanOrEqual(before - 1);
    expect(serverNowMs).toBeLessThanOrEqual(after);
  });

  test('a renewal whose outcome was lost is ours, not somebody else’s', async () => {
    await members.renew(record('n1', 'i1'));
    const lost = expect(
      Promise.all([nats.kill(), members.renew(record('n1', 'i1'))]),
    ).rejects.toMatchObject({ code: expect.stringMatching(/timeout|disconnected/) });
    await lost;
    await nats.restart();
    await until(() => node.api.mux.status === 'connected');
    const again = await untilItWorks(() => members.renew(record('n1', 'i1')));
    expect(again.kind).toBe('renewed');
    expect(await namesNow()).toEqual(['n1']);
  });

  test('a node that left leaves nothing behind but a newer revision', async () => {
    const { revision } = await members.read();
    await members.renew(record('n1', 'i1'));
    await members.leave(record('n1', 'i1'));
    await members.leave(record('n1', 'i1'));
    expect(await namesNow()).toEqual([]);
    expect((await members.read()).revision).toBeGreaterThan(revision);
    const stream = `KV_${node.names.buckets.nodes}`;
    await until(async () => (await node.api.info(stream))?.state.messages === 0);
    expect((await members.renew(record('n1', 'i2'))).kind).toBe('renewed');
  });

  test('renewals of many nodes at a time do not disturb each other or a reader', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
    for (let round = 0; round < 5; round++) {
      const renewals = names.map((name) => members.renew(record(name, 'i1')));
      const seen = members.read();
      for (const renewal of await Promise.all(renewals)) expect(renewal.kind).toBe('renewed');
      if (round > 0) expect((await seen).nodes).toHaveLength(names.length);
    }
    expect(await namesNow()).toEqual([...names].sort());
  });

  test('a KV client reads nodes and meta', async () => {
    const wanted = { partitions: 8, schema: 1, epoch: 'e1', genesis: [] };
    await members.meta(wanted);
    await members.renew(record('n1', 'i1'));
    const kv = await new Kvm(node.connection).open(node.names.buckets.nodes);
    expect((await kv.get('meta'))?.json()).toEqual(wanted);
    expect((await kv.get('node.n1'))?.json()).toEqual(record('n1', 'i1'));
    expect((await kv.status()).markerTTL).toBeGreaterThan(0);
  });

  test('a name that is no key is refused before anything is sent', async () => {
    for (const name of ['', 'a.b', 'a b', '>', '*']) {
      await expect(members.renew(record(name, 'i1'))).rejects.toBeInstanceOf(RangeError);
    }
  });
});
