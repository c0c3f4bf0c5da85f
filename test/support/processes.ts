// The built command line as real processes, for e2e tests: started in a directory of its own, on free ports, read
// line by line, and never left behind.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repoRoot } from './source-text.ts';

/** What `npm run build` makes; a benchmark, itself made by it, has it beside itself. */
export const mainPath = import.meta.url.endsWith('.ts')
  ? join(repoRoot, 'dist/src/cli/main.js')
  : fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Serving {
  readonly child: ChildProcess;
  readonly natsUrl: string;
  readonly httpUrl: string;
  readonly ended: Promise<Ended>;
  /** Everything on standard output so far. */
  out(): string;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>;
}

type Variables = Record<string, string>;

/** Nothing of the machine's own settings, free ports, quiet. */
export function variables(extra: Variables = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('LASTUNIT_'));
  return {
    ...Object.fromEntries(own),
    LASTUNIT_NATS_PORT: '0',
    LASTUNIT_HTTP_PORT: '0',
    ...extra,
  };
}

/** Runs a command to its end. */
export async function run(args: readonly string[], extra: Variables = {}): Promise<Ended> {
  return launch(args, extra).ended;
}

/** Starts a serving command (`up`, `node`) and waits for its `ready` line; rejects if it ends before. */
export async function serve(args: readonly string[], extra: Variables = {}): Promise<Serving> {
  const { child, ended, out } = launch(args, extra);
  const ready = await new Promise<{ natsUrl: string; httpUrl: string }>((resolve, reject) => {
    const look = () => {
      const line = out()
        .split('\n')
        .find((text) => text.includes('"msg":"ready"'));
      if (line !== undefined) resolve(JSON.parse(line));
    };
    child.stdout?.on('data', look);
    void ended.then(({ err, out: said }) => reject(new Error(`ended before ready: ${err}${said}`)));
  });
  return {
    child,
    natsUrl: ready.natsUrl,
    httpUrl: ready.httpUrl,
    ended,
    out,
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

/** Starts a command; `ended` never rejects. */
export function launch(args: readonly string[], extra: Variables = {}) {
  const child = spawn(process.execPath, [mainPath, ...args], {
    env: variables(extra),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (status, signal) => resolve({ status, signal, out, err }));
  });
  return { child, ended, out: () => out };
}

/** Ids of processes with a text in their arguments. */
export function processesNaming(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false; // gone since the folder was read
      }
    });
}
