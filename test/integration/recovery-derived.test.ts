// Views and history through crashes (invariant 10): never backwards, never behind for ever, no version missing.

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import { createReadModels, type ReadModels } from '../../src/nats/read-models.ts';
import type { Ports, Sink } from '../../src/ports.ts';
import { type Caller, openCaller } from '../support/calls.ts';
import { openPorts, until } from '../support/deployment.ts';
import { alone } from '../support/distort.ts';
import { eventsIn, readJournal } from '../support/journal-log.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { startNode, type TestNode, testConfig } from '../support/node.ts';

const config = testConfig({ partitions: 1, limits: { snapshotEveryMs: 3_600_000 } });
const skus = Array.from({ length: 30 }, (_, index) => `V-${index}`);

let server: TestNats;
let caller: Caller;
let tools: NatsPorts;
let read: ReadModels;
let running: TestNode[];

beforeEach(async () => {
  server = await startNats();
  caller = await openCaller(server.url);
  tools = await openPorts(server.url, 'inv', { partitions: 1 });
  read = createReadModels(tools.api, tools.names);
  running = [];
});

afterEach(async () => {
  await caller.close();
  await Promise.allSettled(running.map((node) => node.crash()));
  await tools.close();
  await server.stop();
});

async function start(name: string, wrap?: (ports: Ports) => Ports): Promise<TestNode> {
  const node = await startNode({ url: server.url, name, config, ...(wrap ? { wrap } : {}) });
  running.push(node);
  return node;
}

async function crash(node: TestNode): Promise<void> {
  running.splice(running.indexOf(node), 1);
  await node.crash();
}

/** Sinks that write nothing while they are held. */
function heldSinks(): { hold(): void; release(): void; wrap: (ports: Ports) => Ports } {
  let free = Promise.resolve();
  let release = () => {};
  const wrapSink = (sink: Sink): Sink => ({
    ...sink,
    async write(partition, entries, upTo) {
      if (entries.length > 0) await free;
      return sink.write(partition, entries, upTo);
    },
  });
  return {
    hold() {
      free = new Promise((resolve) => {
        release = resolve;
      });
    },
    release: () => release(),
    wrap: (ports) => ({ ...ports, sinks: ports.sinks.map(wrapSink) }),
  };
}

/** Every row of every view is what the journal says, and the history has every version once. */
async function expectAllTold(): Promise<void> {
  const events = eventsIn(await readJournal(tools));
  const last = new Map(events.map(({ sku, event }) => [sku, event]));
  for (const [sku, event] of last) {
    const { onHand, reserved, available, version } = event;
    await until(async () => (await read.stock(sku))?.version === version, `the row of ${sku}`);
    expect(await read.stock(sku)).toMatchObject({ onHand, reserved, available });
    await until(
      async () => (await read.view('web', sku))?.available === available,
      `${sku} in the view`,
    );
    const versions: number[] = [];
    await until(async () => {
      versions.length = 0;
      await read.history(sku, (told) => versions.push(told.version));
      return versions.at(-1) === version;
    }, `the history of ${sku}`);
    expect(versions).toEqual(Array.from({ length: version }, (_, index) => index + 1));
  }
}

async function fill(): Promise<void> {
  await Promise.all(
    skus.map((sku) => caller.insist('inv.cmd.wms.receive', { id: `in-${sku}`, sku, qty: 10 })),
  );
}

function reserveAll(id: string): Promise<unknown> {
  return Promise.all(
    skus.map((sku) =>
      caller.insist('inv.cmd.web.reserve', { id: `${id}-${sku}`, sku, qty: 1, ttlMs: 3_600_000 }),
    ),
  );
}

test('what a crash left behind is told at the take-over, without anybody asking', async () => {
  const held = heldSinks();
  const a = await start('a', held.wrap);
  await fill();
  await expectAllTold();
  held.hold();
  await reserveAll('r');
  await crash(a);
  expect(await read.stock('V-1')).toMatchObject({ reserved: 0 });
  await start('b');
  await expectAllTold();
  expect(await read.stock('V-1')).toMatchObject({ reserved: 1, available: 9 });
});

test('also when the next owner crashes before it has told everything', async () => {
  // What is stopped in order leaves snapshots, which have to be loaded.
  const before = await start('before');
  await fill();
  await before.stop();
  const first = heldSinks();
  const a = await start('a', first.wrap);
  await expectAllTold();
  first.hold();
  await reserveAll('r');
  await crash(a);
  // The second owner takes everything over, tells how far it is and dies while it still loads the SKUs.
  let stuck: string | undefined;
  const b = await start('b', (ports) => ({
    ...ports,
    snapshots: {
      ...ports.snapshots,
      async read(key) {
        if (key.includes('.page.')) stuck ??= key;
        return key === stuck ? new Promise(() => {}) : ports.snapshots.read(key);
      },
    },
  }));
  await until(() => stuck !== undefined, 'it loads what is behind');
  const news = Array.from({ length: 4 }, (_, index) => `NEW-${index}`);
  await Promise.any(
    news.map((sku) => caller.insist('inv.cmd.wms.receive', { id: `new-${sku}`, sku, qty: 1 })),
  );
  await until(async () => {
    const rows = await Promise.all(news.map((sku) => read.stock(sku)));
    return rows.some((row) => row !== undefined);
  }, 'a row of its own');
  await crash(b);
  await start('c');
  await expectAllTold();
});

test('a displaced owner cannot put an older value over a newer one', async () => {
  const held = heldSinks();
  await start('a', (ports) => alone('a')(held.wrap(ports)));
  await fill();
  await expectAllTold();
  held.hold();
  await reserveAll('r');
  await start('b', alone('b'));
  await Promise.all(
    skus.map((sku) =>
      caller.insist('inv.n.b.1.cmd.web.release', { id: `x-${sku}`, sku, reservation: `r-${sku}` }),
    ),
  );
  await expectAllTold();
  const before = await Promise.all(skus.map((sku) => read.stock(sku)));
  // Now the first one gets to write what it has had in its hands all the time.
  held.release();
  await caller.call('inv.n.a.1.cmd.web.get', { sku: 'V-1' });
  await until(async () => {
    const { reply } = await caller.call('inv.n.a.1.cmd.web.get', { sku: 'V-1' });
    return reply?.ok === true;
  }, 'it has noticed, and serves again');
  const after = await Promise.all(skus.map((sku) => read.stock(sku)));
  expect(after.map((row) => [row?.version, row?.reserved])).toEqual(
    before.map((row) => [row?.version, row?.reserved]),
  );
  await expectAllTold();
});

test('crashes under load leave no version out of the history and no row behind', async () => {
  let node = await start('n0');
  await fill();
  for (let run = 1; run <= 4; run++) {
    const calls = skus.flatMap((sku) =>
      Array.from({ length: 5 }, (_, index) =>
        caller.insist('inv.cmd.web.reserve', {
          id: `r-${run}-${index}`,
          sku,
          qty: 1,
          ttlMs: 3_600_000,
        }),
      ),
    );
    // Somewhere in the middle.
    await Promise.race(calls);
    await crash(node);
    node = await start(`n${run}`);
    await Promise.all(calls);
  }
  await expectAllTold();
});
