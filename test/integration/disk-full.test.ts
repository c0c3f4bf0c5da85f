// The server's disk is full: nobody hears that anything has happened, nothing acknowledged is lost, and with room again
// and the server started anew work goes on. nats-server 2.14 answers no publish any more, also not when there is room.
//
// It needs a small file system of its own, which only root may mount: skipped where that is not allowed.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openCaller } from '../support/calls.ts';
import { openPorts, until } from '../support/deployment.ts';
import { brokenLinks, eventsIn, readJournal } from '../support/journal-log.ts';
import { startNats } from '../support/nats.ts';
import { startNode, testConfig } from '../support/node.ts';

const partitions = 2;
const config = testConfig({ partitions, limits: { appendTimeoutMs: 500 } });
const folder = mkdtempSync(join(tmpdir(), 'lastunit-disk-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]).status === 0;
if (!mounted) console.log('skipped: no small file system may be mounted here');

afterAll(() => {
  if (mounted) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
});

/** Every byte that is left. */
function fillDisk(file: string): void {
  const chunk = Buffer.alloc(65_536);
  for (;;) {
    try {
      writeFileSync(file, chunk, { flag: 'a' });
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
      return;
    }
  }
}

test.skipIf(!mounted)(
  'commands are unavailable while the disk is full, and nothing acknowledged is lost',
  async () => {
    const server = await startNats({ dataDir: join(folder, 'data') });
    const node = await startNode({ url: server.url, config });
    const caller = await openCaller(server.url);
    const acknowledged: string[] = [];
    let count = 0;
    const receive = async () => {
      count += 1;
      const id = `in-${count}`;
      const wish = { id, sku: `D-${count % 7}`, qty: 1, ref: 'r'.repeat(200) };
      const { reply } = await caller.call('inv.cmd.wms.receive', wish);
      if (reply?.ok === true) acknowledged.push(id);
      return reply;
    };
    for (let times = 0; times < 20; times++) await receive();
    expect(acknowledged).toHaveLength(20);

    const ballast = join(folder, 'ballast');
    fillDisk(ballast);
    await until(
      async () => (await receive())?.error?.code === 'unavailable',
      'the disk is full',
      200,
    );
    expect(await receive()).toMatchObject({ error: { code: 'unavailable', retry: true } });

    rmSync(ballast);
    await server.restart();
    await until(async () => (await receive())?.ok === true, 'it works again');
    const nats = await openPorts(server.url, 'inv', { partitions });
    const messages = await readJournal(nats);
    expect(brokenLinks(messages)).toEqual([]);
    const stored = eventsIn(messages).map(({ event }) => event.command);
    expect(new Set(stored).size).toBe(stored.length);
    expect(acknowledged.filter((id) => !stored.includes(id))).toEqual([]);
    await nats.close();
    await caller.close();
    await node.stop();
    await server.stop();
  },
);
