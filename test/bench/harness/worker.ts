// A process of its own for each role of a benchmark: `worker.js <role> <params as JSON>`. Roles are the modules below
// `roles`; a role says `ready`, is told things, and says its result. So no load shares a process with what it loads.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a role gets: what it was started with, and the line to who started it. */
export interface Line<Params> {
  readonly params: Params;
  /** Tells the parent that the set-up is done, and waits until it says `go`. */
  ready(): Promise<void>;
  /** Waits until the parent says this. */
  told(what: string): Promise<void>;
}

export interface Worker {
  readonly pid: number;
  /** Resolves when the role is ready. */
  readonly ready: Promise<void>;
  tell(what: string): void;
  /** What the role returned; rejects when it failed or its process ended. */
  readonly result: Promise<unknown>;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;
  alive(): boolean;
  kill(signal?: NodeJS.Signals): void;
}

const mainFile = fileURLToPath(new URL('./worker-main.js', import.meta.url));

/**
 * What the README tells operators to run busy nodes and clients with; loads on peers get the same. With a young
 * generation as small as Node's own, thousands of callers survive every collection.
 */
const recommended = '--max-semi-space-size=64';

/** Starts a role. `execArgv` are more options of Node, as `--cpu-prof`. */
export function startWorker(role: string, params: unknown, execArgv: string[] = []): Worker {
  const child = fork(mainFile, [role, JSON.stringify(params)], {
    execArgv: [recommended, ...execArgv],
    stdio: 'inherit',
  });
  let isReady = () => {};
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const result = resultOf(child, role, () => isReady());
  // Whoever waits for `ready` must hear of a failure before it.
  result.catch(() => {});
  return {
    pid: child.pid ?? 0,
    ready: Promise.race([ready, result.then(() => {})]),
    tell: (what) => child.send({ tell: what }),
    result,
    exited,
    alive: () => child.connected,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
  };
}

function resultOf(child: ChildProcess, role: string, isReady: () => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: { ready?: true; result?: unknown; error?: string }) => {
      if (message.ready) isReady();
      if (message.error !== undefined) reject(new Error(`${role}: ${message.error}`));
      if ('result' in message) resolve(message.result);
    });
    child.once('exit', (code) => reject(new Error(`${role} ended with ${code}`)));
  });
}
