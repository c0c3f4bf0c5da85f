/**
 * What the environment says, read and checked once: every problem is reported at the same time. An
 * empty variable counts as unset.
 */

import { resolve } from 'node:path';
import { usageError } from './exit.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];

export interface Environment {
  /** Where NATS is: `LASTUNIT_NATS_URL`, else this machine at `LASTUNIT_NATS_PORT`. */
  readonly natsUrl: string;
  /** Port of the embedded server; 0: any free one. */
  readonly natsPort: number;
  /** Port of the console and the API; 0: any free one. */
  readonly httpPort: number;
  /** Address that the console listens on. Only this machine, unless told otherwise. */
  readonly httpHost: string;
  /** Absolute path of the data directory. */
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  /** File with a user's JWT and seed, for servers that ask for one. */
  readonly credentialsFile: string | undefined;
  /** Where the servers' monitoring ports are, to ask them for their durability. */
  readonly monitoringUrls: readonly string[] | undefined;
}

const defaultNatsPort = 4222;
const defaultHttpPort = 8080;

/** Throws a `CliError` (wrong usage) that lists every problem. */
export function readEnvironment(variables: Variables, cwd: string): Environment {
  const problems: string[] = [];
  const text = (name: string) => {
    const value = variables[name];
    return value === undefined || value === '' ? undefined : value;
  };
  const port = (name: string, fallback: number) => {
    const value = text(name);
    if (value === undefined) return fallback;
    if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
    problems.push(`${name}: ${JSON.stringify(value)} is not a port (0 to 65535, 0 = any free one)`);
    return fallback;
  };
  const level = () => {
    const value = text('LASTUNIT_LOG_LEVEL') ?? 'info';
    const known = logLevels.find((name) => name === value.toLowerCase());
    if (known !== undefined) return known;
    const names = logLevels.join(', ');
    problems.push(`LASTUNIT_LOG_LEVEL: ${JSON.stringify(value)} is none of ${names}`);
    return 'info';
  };
  const natsPort = port('LASTUNIT_NATS_PORT', defaultNatsPort);
  const credentials = text('LASTUNIT_NATS_CREDS');
  const environment: Environment = {
    natsUrl: text('LASTUNIT_NATS_URL') ?? `nats://127.0.0.1:${natsPort || defaultNatsPort}`,
    natsPort,
    httpPort: port('LASTUNIT_HTTP_PORT', defaultHttpPort),
    httpHost: text('LASTUNIT_HTTP_HOST') ?? '127.0.0.1',
    dataDir: resolve(cwd, text('LASTUNIT_DATA_DIR') ?? '.lastunit'),
    logLevel: level(),
    monitoringUrls: text('LASTUNIT_NATS_MONITOR')
      ?.split(',')
      .map((url) => url.trim()),
    credentialsFile: credentials === undefined ? undefined : resolve(cwd, credentials),
  };
  if (problems.length > 0) {
    throw usageError(
      'the environment has problems:',
      problems.map((line) => `  ${line}`),
    );
  }
  return environment;
}

/** The environment's part of `--help`. */
export const environmentHelp = `
Environment:
  LASTUNIT_NATS_URL     NATS to connect to (default nats://127.0.0.1:4222); several separated by commas
  LASTUNIT_NATS_CREDS   file with the user's JWT and seed, where the server asks for one
  LASTUNIT_NATS_MONITOR monitoring URLs of the servers (default: port 8222 of the one connected to)
  LASTUNIT_NATS_PORT    port of the embedded server of "up" (default 4222, 0 = any free one)
  LASTUNIT_HTTP_PORT    port of console and API (default 8080, 0 = any free one)
  LASTUNIT_HTTP_HOST    address that they listen on (default 127.0.0.1)
  LASTUNIT_DATA_DIR     where "up" keeps its data (default .lastunit)
  LASTUNIT_LOG_LEVEL    trace, debug, info, warn, error, fatal or silent (default info)
  LASTUNIT_NATS_SERVER  path of another nats-server binary for "up"
  LASTUNIT_CONFIG       configuration file (default config/lastunit.json here, else the package's own)

Exit status:
  0 done   1 refused or failed   2 wrong usage or configuration   3 NATS cannot be reached`;
