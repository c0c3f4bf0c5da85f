// One nats-server process: started, watched, and known to answer.
//
// 1. The server has a process group of its own: the terminal's Ctrl-C reaches lastunit alone, which drains
//    first and stops the server last.
// 2. It does not outlive us by much: a shell waits for the end of a pipe that only we hold open, and then
//    sends the server SIGTERM. That works also after kill -9. When the shell is killed as well, the next
//    start finds the server (see embedded-server.ts).

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalProcess } from './process-table.ts';
import type { ServerFiles } from './server-config.ts';

const pollIntervalMs = 20;
const infoTimeoutMs = 2_000;

/** How a server ended: one of the two is set. */
export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server that has been started, not necessarily one that answers yet. */
export interface ServerProcess {
  readonly pid: number;
  /** Settles when the process has ended, however it did. Never rejects. */
  readonly exited: Promise<ServerExit>;
  /** How it ended, or undefined while it runs. */
  exit(): ServerExit | undefined;
  /** `exited`, and keeps our own process alive until then, which a running server does not. */
  waitForExit(): Promise<ServerExit>;
}

/** The arguments of every embedded server: what a server left behind is recognised by. */
export function serverArguments(files: ServerFiles): readonly string[] {
  return ['--config', files.config, '--log', files.log];
}

/** Starts the server and its watchdog. Rejects when the binary cannot be executed. */
export async function spawnServer(binary: string, files: ServerFiles): Promise<ServerProcess> {
  const output = openSync(files.output, 'w');
  let child: ChildProcess;
  try {
    child = spawn(binary, serverArguments(files), {
      detached: true,
      stdio: ['ignore', output, output],
    });
  } finally {
    closeSync(output);
  }
  let exit: ServerExit | undefined;
  const exited = new Promise<ServerExit>((resolve) => {
    child.once('exit', (code, signal) => {
      exit = { code, signal };
      resolve(exit);
    });
  });
  await once(child, 'spawn');
  child.unref();
  const pid = child.pid!;
  const watchdog = startWatchdog(pid);
  void exited.then(() => signalProcess(watchdog, 'SIGKILL'));
  return {
    pid,
    exited,
    exit: () => exit,
    waitForExit() {
      if (exit === undefined) child.ref();
      return exited;
    },
  };
}

/** A shell that ends the server once our end of its standard input is gone. Returns its process id. */
function startWatchdog(serverPid: number): number {
  const script = 'read -r _; kill -TERM "$1"';
  const shell = spawn('/bin/sh', ['-c', script, 'lastunit-watchdog', String(serverPid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a shell there is no watchdog, and an orphan waits for the next start.
  shell.once('error', () => {});
  shell.stdin?.on('error', () => {});
  shell.unref();
  (shell.stdin as unknown as { unref(): void } | null)?.unref();
  return shell.pid ?? 0;
}

/**
 * Waits until the server listens and greets as a NATS server with JetStream.
 *
 * @returns its URL, or undefined when it has ended or the time is over.
 */
export async function serverAnswers(
  server: ServerProcess,
  files: ServerFiles,
  timeoutMs: number,
): Promise<string | undefined> {
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += pollIntervalMs) {
    if (server.exit() !== undefined) return undefined;
    const url = listeningUrl(files, server.pid);
    if (url !== undefined && (await greets(url))) return url;
    await sleep(pollIntervalMs);
  }
  return undefined;
}

/** The server writes `<its name>_<pid>.ports` once it listens. */
function listeningUrl(files: ServerFiles, pid: number): string | undefined {
  const name = portsFiles(files).find((file) => file.endsWith(`_${pid}.ports`));
  if (name === undefined) return undefined;
  try {
    const ports = JSON.parse(readFileSync(join(files.folder, name), 'utf8')) as { nats?: string[] };
    return ports.nats?.[0];
  } catch {
    return undefined; // half written: look again
  }
}

/** The names of ports files in the server's folder, of this server and of earlier ones that crashed. */
export function portsFiles(files: ServerFiles): string[] {
  return readdirSync(files.folder).filter((name) => name.endsWith('.ports'));
}

/** A NATS server speaks first: `INFO {…}`. With JetStream in it, the streams have been recovered. */
async function greets(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: infoTimeoutMs });
    let text = '';
    const done = (greeted: boolean) => {
      socket.destroy();
      resolve(greeted);
    };
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
    socket.once('close', () => done(false));
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      if (text.includes('\r\n')) done(/^INFO \{.*"jetstream":\s*true/.test(text));
    });
  });
}
