// Nodes as processes of their own, to be killed, frozen and stopped.

import type { NodeStatus } from '../../src/runtime/node.ts';
import type { RunnerMessage, RunnerOptions } from './node-runner.ts';
import { createRunner, exitOf, type Runner } from './runner.ts';

export interface NodeProcess {
  readonly name: string;
  readonly pid: number;
  /** Lines that it has logged, `<level> <message> <fields>`. */
  readonly log: readonly string[];
  /** Resolves when it serves; rejects with what it says when it cannot start. */
  readonly ready: Promise<void>;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  signal(signal: NodeJS.Signals): void;
  status(): Promise<NodeStatus>;
  /** Stops it cleanly; resolves when it is gone. */
  stop(): Promise<void>;
}

export interface NodeProcesses {
  start(options: Omit<RunnerOptions, 'config'> & { config?: Record<string, unknown> }): NodeProcess;
  /** Kills what still runs and removes the compiled files. */
  close(): Promise<void>;
}

/** Makes the program ready; see `runner.ts`. */
export function compileNodes(): NodeProcesses {
  const runner = createRunner('support/node-runner.ts');
  const all = new Set<NodeProcess>();
  return {
    start(options) {
      const { config = {}, ...more } = options;
      const started = startProcess(runner, { config, ...more });
      all.add(started);
      void started.exited.then(() => all.delete(started));
      return started;
    },
    async close() {
      for (const started of all) started.signal('SIGKILL');
      await Promise.all([...all].map((started) => started.exited));
      runner.close();
    },
  };
}

function startProcess(runner: Runner, options: RunnerOptions): NodeProcess {
  const child = runner.start(options);
  const log: string[] = [];
  const asked = new Map<number, (status: NodeStatus) => void>();
  let counter = 0;
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (message: RunnerMessage) => {
      if (message.kind === 'ready') resolve();
      else if (message.kind === 'failed') reject(failure(message));
      else if (message.kind === 'log') {
        log.push(`${message.level} ${message.text}`);
        if (process.env.LASTUNIT_TEST_LOG !== undefined)
          console.error(new Date().toISOString(), options.name, message.level, message.text);
      } else asked.get(message.id)?.(message.status as NodeStatus);
    });
    child.on('exit', (code, signal) =>
      reject(new Error(`${options.name} ended before it served: ${code ?? signal}`)),
    );
  });
  // Who kills a node before it serves need not wait for it.
  ready.catch(() => {});
  return {
    name: options.name,
    pid: child.pid as number,
    log,
    ready,
    exited: exitOf(child),
    signal: (signal) => void child.kill(signal),
    status() {
      counter += 1;
      const id = counter;
      return new Promise((resolve) => {
        asked.set(id, resolve);
        child.send({ id });
      });
    },
    async stop() {
      child.kill('SIGTERM');
      await exitOf(child);
    },
  };
}

function failure({ code, message }: { code: string | undefined; message: string }): Error {
  return Object.assign(new Error(message), { code });
}
