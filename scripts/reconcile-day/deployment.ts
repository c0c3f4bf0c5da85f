/**
 * lastunit as anybody would run it: the command `up` with an ERP in its configuration, in a directory of
 * its own that is removed afterwards, and the command line beside it.
 */

import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Deployment {
  readonly natsUrl: string;
  /** The directory that the ERP drops its exports into. */
  readonly dropPath: string;
  /** Runs one command to its end. */
  lastunit(...words: string[]): Promise<CommandEnd>;
  stop(): Promise<void>;
}

export interface CommandEnd {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

const commandLine = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** `lane`: what the configuration says of every posting path. */
export async function startDeployment(lane: object): Promise<Deployment> {
  const folder = mkdtempSync(join(tmpdir(), 'lastunit-day-'));
  const dropPath = join(folder, 'drop');
  const config = join(folder, 'lastunit.json');
  mkdirSync(dropPath);
  writeFileSync(config, JSON.stringify({ erp: { sources: { sap: sourceOf(dropPath, lane) } } }));
  const env = {
    ...process.env,
    LASTUNIT_CONFIG: config,
    LASTUNIT_DATA_DIR: join(folder, 'data'),
    LASTUNIT_NATS_PORT: '0',
    LASTUNIT_HTTP_PORT: '0',
    LASTUNIT_LOG_LEVEL: 'error',
  };
  const child = spawn(process.execPath, [commandLine, 'up'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const natsUrl = await new Promise<string>((resolve, reject) => {
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      const ready = out.split('\n').find((line) => line.includes('"msg":"ready"'));
      if (ready !== undefined) resolve((JSON.parse(ready) as { natsUrl: string }).natsUrl);
    });
    void ended.then(() => reject(new Error(`lastunit up has ended: ${out}`)));
  });
  return {
    natsUrl,
    dropPath,
    stop,
    lastunit(...words) {
      const options = {
        env: { ...env, LASTUNIT_NATS_URL: natsUrl },
        maxBuffer: 64 * 1024 * 1024,
      };
      return new Promise((resolve) => {
        execFile(process.execPath, [commandLine, ...words], options, (error, out, err) => {
          const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
          resolve({ status, out, err });
        });
      });
    },
  };
}

function sourceOf(path: string, lane: object) {
  return {
    ...{ kind: 'directory', path, mode: 'apply', settleMs: 0, everyMs: 24 * 60 * 60_000 },
    columns: {
      ...{ sku: 'Material', location: 'Werk', qty: 'Bestand' },
      ...{ unit: 'ME', packSize: 'Kartoninhalt' },
    },
    locations: { '1000': 'main' },
    lanes: { '*': lane },
    // A day of few articles is a tiny catalogue: two lines are many of them.
    rules: { breakerLinesFloor: 5, breakerUnitsFloor: 250 },
  };
}
