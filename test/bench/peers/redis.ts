// Redis in a temporary directory, with an append-only file that is synced at every write.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { ended, findProgram, freePort, type RunningPeer, versionOf } from './find.ts';

/** Undefined where Redis is not installed. */
export async function startRedis(): Promise<RunningPeer | undefined> {
  const program = findProgram('redis-server');
  if (program === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'lastunit-bench-redis-'));
  const port = await freePort();
  const server = spawn(
    program,
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '']
      .concat(['--appendonly', 'yes', '--appendfsync', 'always'])
      .concat(['--auto-aof-rewrite-percentage', '0']),
    { stdio: 'ignore' },
  );
  const url = `redis://127.0.0.1:${port}`;
  const probe = new Redis(url, { retryStrategy: () => 100 });
  probe.on('error', () => {});
  await probe.ping();
  probe.disconnect();
  return {
    name: `Redis ${versionOf(program)}`,
    url,
    async stop() {
      server.kill('SIGKILL');
      await ended(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
