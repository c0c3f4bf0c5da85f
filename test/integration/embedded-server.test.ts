// The embedded nats-server against the real binary: what is found, what is refused and with which words,
// what survives, and that nothing is left behind whoever is killed.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmbeddedServerError } from '../../src/nats/embedded-error.ts';
import {
  type EmbeddedServer,
  type EmbeddedServerOptions,
  startEmbeddedServer,
} from '../../src/nats/embedded-server.ts';
import { processesWithArguments, processStart } from '../../src/nats/process-table.ts';
import { findServerBinary } from '../../src/nats/server-binary.ts';
import { serverFiles } from '../../src/nats/server-config.ts';
import { serverArguments } from '../../src/nats/server-process.ts';
import { compileInto } from '../support/compiled.ts';

let folder: string;
let dataDir: string;
let started: EmbeddedServer[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lastunit-embedded-'));
  dataDir = join(folder, 'data');
  started = [];
});

afterEach(async () => {
  await Promise.all(started.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: Partial<EmbeddedServerOptions> = {}): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer({ dataDir, ...options });
  started.push(server);
  return server;
}

async function refusal(options: Partial<EmbeddedServerOptions> = {}): Promise<EmbeddedServerError> {
  const error = await start(options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(EmbeddedServerError);
  return error as EmbeddedServerError;
}

/** A stand-in for nats-server: a shell script. */
function fakeBinary(script: string): string {
  const path = join(folder, 'nats-server');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

function running(): number[] {
  return processesWithArguments(serverArguments(serverFiles(dataDir)));
}

async function gone(pid: number): Promise<void> {
  while (processStart(pid) !== undefined) await sleep(20);
}

describe('starting', () => {
  test('a server answers on any free port, with JetStream and our limits', async () => {
    const server = await start({ serverName: 'shelf', domain: 'store-1' });
    expect(server.port).toBeGreaterThan(0);
    expect(server.url).toBe(`nats://127.0.0.1:${server.port}`);
    expect(server.unclean).toBe(false);
    expect(server.orphanPids).toEqual([]);

    const connection = await connect({ servers: server.url });
    expect(connection.info).toMatchObject({
      server_name: 'shelf',
      version: server.version,
      max_payload: 8_388_608,
      jetstream: true,
      domain: 'store-1',
    });
    await connection.close();
  });

  test('acknowledged messages are synced to disk unless a test says otherwise', async () => {
    await start();
    const config = readFileSync(serverFiles(dataDir).config, 'utf8');
    expect(config).toContain('sync_interval: always');
  });

  test('what was stored is there after a stop and a start, and the stop was clean', async () => {
    const first = await start();
    await publishOne(first.url);
    await first.stop();
    await first.exited;

    const second = await start({ port: first.port });
    expect(second.port).toBe(first.port);
    expect(second.unclean).toBe(false);
    expect(await storedCount(second.url)).toBe(1);
  });

  test('more configuration is passed on to the server', async () => {
    const server = await start({
      extraConfig: 'accounts { SHOP { users: [{user: a, password: b}] } }',
    });
    await expect(connect({ servers: server.url, user: 'a', pass: 'wrong' })).rejects.toThrow();
    const connection = await connect({ servers: server.url, user: 'a', pass: 'b' });
    await connection.close();
  });

  test('the server has a process group of its own, so that Ctrl-C does not reach it', async () => {
    const server = await start();
    const stat = readFileSync(`/proc/${server.pid}/stat`, 'utf8');
    const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
    expect(group).toBe(server.pid);
  });
});

describe('refusing to start', () => {
  test('a port in use is named', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const error = await refusal({ port });
    other.close();
    expect(error.code).toBe('port_in_use');
    expect(error.message).toContain(`Port ${port}`);
    expect(running()).toEqual([]);

    // Nothing was locked, and nothing pretends that data may be damaged.
    expect((await start()).unclean).toBe(false);
  });

  test('a data directory that another lastunit holds is left alone', async () => {
    const first = await start();
    const error = await refusal();
    expect(error.code).toBe('data_dir_in_use');
    expect(error.message).toContain(String(process.pid));
    expect(running()).toEqual([first.pid]);
  });

  test('the same data directory by another name is held as well', async () => {
    const first = await start();
    const alias = join(folder, 'alias');
    symlinkSync(dataDir, alias);
    expect((await refusal({ dataDir: alias })).code).toBe('data_dir_in_use');
    expect(running()).toEqual([first.pid]);
  });

  test('a data directory that cannot be written is named', async () => {
    writeFileSync(join(folder, 'file'), '');
    const error = await refusal({ dataDir: join(folder, 'file', 'data') });
    expect(error.code).toBe('data_dir_unwritable');
    expect(error.message).toContain(join(folder, 'file', 'data'));
  });

  test('a binary that is not there is named', async () => {
    const error = await refusal({ binary: join(folder, 'no-such-server') });
    expect(error.code).toBe('server_missing');
    expect(error.message).toContain('no-such-server');
  });

  test('without any binary it says how to get one, and why npm may have left it out', async () => {
    const search = { binary: '', usePackage: false, searchPath: folder };
    const error = await findServerBinary(search).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'server_missing' });
    expect((error as Error).message).toMatch(/Node 20.*install nats-server.*LASTUNIT_NATS_SERVER/s);
  });

  test('a server on the PATH is found when the package is not there', async () => {
    const path = fakeBinary('echo "nats-server: v2.12.3"');
    const search = { binary: '', usePackage: false, searchPath: `/nowhere:${folder}` };
    expect(await findServerBinary(search)).toEqual({ path, version: '2.12.3' });
  });

  test('a server that is too old is refused in one sentence', async () => {
    const error = await refusal({ binary: fakeBinary('echo "nats-server: v2.11.9"') });
    expect(error.code).toBe('server_too_old');
    expect(error.message).toContain('2.11.9');
    expect(error.message).toContain('2.12');
    expect(existsSync(dataDir)).toBe(false);
  });

  test('something else under that name is refused', async () => {
    const error = await refusal({ binary: fakeBinary('echo "hello"') });
    expect(error.code).toBe('server_failed');
    expect(error.message).toContain('hello');
  });

  test('a server that ends at once is reported with its last words', async () => {
    const error = await refusal({ extraConfig: 'no_such_setting {' });
    expect(error.code).toBe('server_failed');
    expect(error.message).toMatch(/status 1.*line \d+/s);
    expect((await start()).unclean).toBe(false);
  });

  test('a server that never answers is ended', async () => {
    const binary = fakeBinary(
      '[ "$1" = --version ] && echo "nats-server: v2.14.0" && exit\nexec sleep 60',
    );
    const error = await refusal({ binary, readyTimeoutMs: 300 });
    expect(error.code).toBe('server_failed');
    expect(error.message).toContain('did not answer in time');
    const args = ['60'];
    expect(processesWithArguments(args).filter((pid) => isChildOfOurs(pid))).toEqual([]);
  });
});

describe('ending', () => {
  test('stop ends the server, frees the directory, and may be repeated', async () => {
    const server = await start();
    await Promise.all([server.stop(), server.stop()]);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(processStart(server.pid)).toBeUndefined();
    expect(existsSync(join(dataDir, 'lock'))).toBe(false);
  });

  test('a server that does not end in time is killed, and the next start knows', async () => {
    const server = await start({ stopTimeoutMs: 200 });
    process.kill(server.pid, 'SIGSTOP');
    await server.stop();
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect((await start()).unclean).toBe(true);
  });

  test('a crash of the server is told, and the next start knows; the one after does not', async () => {
    const server = await start();
    await publishOne(server.url);
    process.kill(server.pid, 'SIGKILL');
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await server.stop();

    const second = await start();
    expect(second.unclean).toBe(true);
    expect(await storedCount(second.url)).toBe(1);
    await second.stop();
    expect((await start()).unclean).toBe(false);
  });
});

test('whoever has nothing else to do stays until the server has ended', async () => {
  const child = await runWithServer(
    'const server = await start(); process.kill(server.pid, "SIGKILL"); await server.stop(); console.log("stopped");',
  );
  const [line] = await once(child.stdout!, 'data');
  expect(String(line)).toBe('stopped\n');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

describe('after kill -9 of lastunit', () => {
  test('the watchdog ends the server', async () => {
    const holder = await startInProcess();
    holder.child.kill('SIGKILL');
    await gone(holder.serverPid);
    const server = await start();
    expect(server.unclean).toBe(true);
    expect(server.orphanPids).toEqual([]);
  });

  test('a server left behind is found, stopped, and its data served again', async () => {
    const holder = await startInProcess();
    const [watchdog] = processesWithArguments([
      '-c',
      'read -r _; kill -TERM "$1"',
      'lastunit-watchdog',
      String(holder.serverPid),
    ]);
    process.kill(watchdog!, 'SIGKILL');
    await gone(watchdog!);
    await publishOne(holder.url);
    holder.child.kill('SIGKILL');
    await once(holder.child, 'exit');
    expect(processStart(holder.serverPid)).toBeDefined();

    const server = await start();
    expect(server.orphanPids).toEqual([holder.serverPid]);
    expect(server.unclean).toBe(true);
    expect(processStart(holder.serverPid)).toBeUndefined();
    expect(await storedCount(server.url)).toBe(1);
  });

  test('a lock of a process id that somebody else has now is taken over', async () => {
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'lock'), JSON.stringify({ pid: process.pid, start: 'long ago' }));
    await start();
  });

  test('an unreadable lock is taken over', async () => {
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'lock'), '');
    await start();
  });

  test('of two that find a stale lock, only one gets the directory', async () => {
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'lock'), JSON.stringify({ pid: process.pid, start: 'long ago' }));
    const outcomes = await Promise.allSettled([start(), start(), start()]);
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(lost.map((outcome) => outcome.reason.code)).toEqual([
      'data_dir_in_use',
      'data_dir_in_use',
    ]);
    expect(running()).toHaveLength(1);
  });
});

interface Holder {
  readonly child: ChildProcess;
  readonly serverPid: number;
  readonly url: string;
}

/** Starts an embedded server from a process of its own, which a test can kill. */
async function startInProcess(): Promise<Holder> {
  const child = await runWithServer(
    `const { pid, url } = await start();
     console.log(JSON.stringify({ pid, url }));
     setInterval(() => {}, 1000);`,
  );
  const [line] = await once(child.stdout!, 'data');
  const { pid, url } = JSON.parse(String(line)) as { pid: number; url: string };
  return { child, serverPid: pid, url };
}

/** Runs a program in which `start()` starts a server on the test's data directory. */
async function runWithServer(program: string): Promise<ChildProcess> {
  const module = compileInto(folder, 'src/nats/embedded-server.ts');
  const binary = await findServerBinary();
  const script = join(folder, 'program.mjs');
  writeFileSync(
    script,
    `import { startEmbeddedServer } from ${JSON.stringify(module)};
     const start = () => startEmbeddedServer(${JSON.stringify({ dataDir, binary: binary.path })});
     ${program}`,
  );
  return spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function publishOne(url: string): Promise<void> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'KEPT', subjects: ['kept'] });
  await jetstream(connection).publish('kept', 'one');
  await connection.close();
}

async function storedCount(url: string): Promise<number> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info('KEPT');
  await connection.close();
  return state.messages;
}

function isChildOfOurs(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === process.pid;
}
