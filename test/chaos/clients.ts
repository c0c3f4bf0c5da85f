// The client processes of a run, and everything that they tell.

import type { ChildProcess } from 'node:child_process';
import { createRunner, exitOf } from '../support/runner.ts';
import type { ClientMessage, ClientOptions } from './client-runner.ts';
import type { Attempt } from './history.ts';

export interface Clients {
  readonly attempts: readonly Attempt[];
  /** Wants nothing new; resolves when everything that was wanted has a definite answer or never will. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export async function startClients(all: readonly ClientOptions[]): Promise<Clients> {
  const runner = createRunner('chaos/client-runner.ts');
  const attempts: Attempt[] = [];
  const children: ChildProcess[] = [];
  const ready: Promise<void>[] = [];
  const done: Promise<void>[] = [];
  for (const options of all) {
    const child = runner.start(options);
    children.push(child);
    const hear = (kind: ClientMessage['kind']) =>
      new Promise<void>((resolve, reject) => {
        child.on('message', (message: ClientMessage) => {
          if (message.kind === kind) resolve();
        });
        child.on('exit', (code) => reject(new Error(`${options.name} ended: ${code}`)));
      });
    child.on('message', (message: ClientMessage) => {
      if (message.kind === 'told') for (const attempt of message.attempts) attempts.push(attempt);
    });
    ready.push(hear('ready'));
    const finished = hear('done');
    finished.catch(() => {});
    done.push(finished);
  }
  await Promise.all(ready);
  return {
    attempts,
    async finish() {
      for (const child of children) child.send('finish');
      await Promise.all(done);
    },
    async close() {
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(children.map(exitOf));
      runner.close();
    },
  };
}
