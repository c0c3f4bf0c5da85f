// A PostgreSQL for tests: the one that LASTUNIT_TEST_POSTGRES_URL names, else the one that is installed, started in a
// temporary directory as the benchmarks start it. Where there is none, tests skip themselves and say so.

import { findProgram, postgresFolders } from '../bench/peers/find.ts';
import { startPostgres } from '../bench/peers/postgres.ts';

export interface TestPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

const given = process.env.LASTUNIT_TEST_POSTGRES_URL;

/** Why there is no PostgreSQL to test with; undefined: there is one. */
export function postgresIsMissing(): string | undefined {
  const folders = postgresFolders();
  const isInstalled = ['initdb', 'postgres'].every((name) => findProgram(name, folders));
  if (given !== undefined || isInstalled) return undefined;
  return 'PostgreSQL is not installed, and LASTUNIT_TEST_POSTGRES_URL is not set';
}

/** Throws where `postgresIsMissing`. */
export async function startTestPostgres(): Promise<TestPostgres> {
  if (given !== undefined) return { url: given, stop: async () => {} };
  const started = await startPostgres();
  if (started === undefined) throw new Error(postgresIsMissing());
  return started;
}
