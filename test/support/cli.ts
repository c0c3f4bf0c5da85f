// Runs commands of `lastunit` in this process, as the shell would see them. Commands that serve until a signal
// (`up`, `node`) belong into e2e tests, which start real processes.

import type { Context } from '../../src/cli/context.ts';
import { readEnvironment } from '../../src/cli/environment.ts';
import { endingOf } from '../../src/cli/exit.ts';
import { createProgram } from '../../src/cli/program.ts';
import type { LastunitConfig } from '../../src/config/config.ts';
import { testConfig } from './node.ts';

export interface CliResult {
  readonly status: number;
  /** Lines of standard output. */
  readonly out: readonly string[];
  /** Everything on standard error. */
  readonly err: string;
  /** Standard output as JSON, one value per line. */
  json<T = Record<string, unknown>>(): T[];
}

export interface CliOptions {
  readonly url: string;
  readonly config?: LastunitConfig;
}

/** Makes a runner for one deployment. */
export function cliFor({ url, config = testConfig() }: CliOptions) {
  return async (...args: string[]): Promise<CliResult> => {
    const out: string[] = [];
    let err = '';
    const context: Context = {
      environment: readEnvironment({ LASTUNIT_NATS_URL: url }, process.cwd()),
      config,
      configPath: 'test',
      output: {
        isTerminal: false,
        line: (text) => out.push(text),
        note: (text) => {
          err += `${text}\n`;
        },
        progress() {},
      },
    };
    const program = createProgram(() => context);
    const captured = {
      writeOut: (text: string) => out.push(...text.trimEnd().split('\n')),
      writeErr: (text: string) => {
        err += text;
      },
    };
    for (const command of [program, ...program.commands]) command.configureOutput(captured);
    let status = 0;
    try {
      await program.parseAsync(['node', 'lastunit', ...args]);
    } catch (error) {
      const ending = endingOf(error);
      status = ending.status;
      if (ending.text !== undefined) err += `${ending.text}\n`;
    }
    return {
      status,
      out,
      err,
      json: <T>() => out.map((line) => JSON.parse(line) as T),
    };
  };
}
