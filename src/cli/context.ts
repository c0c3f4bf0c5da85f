/**
 * What every command starts from: the environment, the configuration, and where to print. Read when a command
 * runs, not when `--help` is asked for.
 */

import type { LastunitConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { usageError } from './exit.ts';
import { type Output, processOutput } from './output.ts';

export interface Context {
  readonly environment: Environment;
  readonly config: LastunitConfig;
  /** The configuration file in use. */
  readonly configPath: string;
  readonly output: Output;
}

/** Throws a `CliError` (wrong usage) that lists every problem of the environment or the configuration. */
export function createContext(): Context {
  const environment = readEnvironment(process.env, process.cwd());
  const { path, config, problems } = loadConfig(process.env, process.cwd());
  if (problems !== undefined) {
    throw usageError(
      `the configuration ${path} has problems:`,
      problems.map((line) => `  ${line}`),
    );
  }
  return { environment, config, configPath: path, output: processOutput() };
}
