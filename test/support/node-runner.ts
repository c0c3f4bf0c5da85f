// A node as a process of its own, for tests that kill, freeze and stop it. Started by `node-process.ts` with its
// options as JSON in the first argument; ends with the process that started it.

import type { Logger } from '../../src/runtime/log.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { startNode, type TestNode, testConfig } from './node.ts';

export interface RunnerOptions {
  readonly url: string;
  readonly name: string;
  readonly config: Record<string, unknown>;
  /** Milliseconds by which this process's clock is wrong. */
  readonly clockOffMs?: number;
}

/** What the runner tells its parent. */
export type RunnerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string }
  | { readonly kind: 'status'; readonly id: number; readonly status: unknown }
  | { readonly kind: 'log'; readonly level: string; readonly text: string };

const tell = (message: RunnerMessage) => {
  if (process.connected) process.send?.(message);
};

const line = (level: string) => (fields: object, message: string) =>
  tell({ kind: 'log', level, text: `${message} ${JSON.stringify(fields, plainError)}` });

function plainError(_key: string, value: unknown): unknown {
  return value instanceof Error ? `${value.name}: ${value.message}` : value;
}

const log: Logger = {
  debug: () => {},
  info: line('info'),
  warn: line('warn'),
  error: line('error'),
};

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] as string) as RunnerOptions;
  let node: TestNode | undefined;
  let stopping = false;
  process.on('disconnect', () => process.exit(9));
  process.on('SIGTERM', () => {
    stopping = true;
    void node?.stop().then(() => process.exit(0));
  });
  process.on('message', (message: { id: number }) => {
    tell({ kind: 'status', id: message.id, status: node?.node.status() });
  });
  try {
    node = await startNode({
      url: options.url,
      name: options.name,
      config: testConfig(options.config),
      log,
      clock: { ...systemClock, now: () => Date.now() + (options.clockOffMs ?? 0) },
    });
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    tell({ kind: 'failed', code, message });
    process.exit(1);
  }
  tell({ kind: 'ready' });
  if (stopping) await node.stop().then(() => process.exit(0));
}

void main();
