/** A node that stands still while it is joining: what came before is from the past for it, too. */

import { expect, test } from 'vitest';
import { createNode } from '../../src/runtime/node.ts';
import { configure } from './configure.ts';
import { Random } from './engine/random.ts';
import { drawPlan } from './plan.ts';
import { Bench } from './twins/bench.ts';
import { busTwin } from './twins/bus.ts';
import { portsTwin } from './twins/ports.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

test('a command that waited for a node to join is not executed after the node stood still', async () => {
  const drawn = drawPlan(new Random(1), false);
  const limits = { memberTtlMs: 2_000, renewEveryMs: 500, stallMaxMs: 500 };
  const { config } = configure({ ...drawn, partitions: 1, limits });
  const bench = new Bench({ partitions: 1, memberTtlMs: limits.memberTtlMs });
  const link = bench.link('a');
  // Its previous run has died just now: the name is waited for.
  bench.world.members.renew(
    { name: 'a', incarnation: 'a.1', partitions: [0], startedAtMs: 0, renewedAtMs: 0 },
    0,
  );
  const node = createNode(config, portsTwin(link), {
    ...{ name: 'a', incarnation: 'a.2', log: quiet },
  });
  const started = node.start();
  await bench.elapse(200);
  const payload = JSON.stringify({ id: 'r-1', sku: 'A', qty: 5 });
  const asked = busTwin(bench.link('b')).request('inv.n.a.1.cmd.wms.receive', payload, 30_000);
  await bench.elapse(100);
  link.process.pause();
  await bench.elapse(3_000);
  link.process.resume();
  await started;
  const reply = JSON.parse(new TextDecoder().decode(await asked));
  expect(reply).toMatchObject({ ok: false, id: 'r-1', error: { code: 'unavailable' } });
  const written = bench.world.journal.entries(0).map((entry) => entry.payload);
  expect(written.filter((text) => text.includes('r-1'))).toEqual([]);
  await bench.close();
});
