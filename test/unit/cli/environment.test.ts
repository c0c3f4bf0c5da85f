// The environment is read once and wholly, and a failure always has its status.

import { expect, test } from 'vitest';
import { readEnvironment } from '../../../src/cli/environment.ts';
import { type CliError, endingOf, refusedError, usageError } from '../../../src/cli/exit.ts';
import { EmbeddedServerError } from '../../../src/nats/embedded-error.ts';
import { PortError } from '../../../src/ports.ts';

test('without anything set there are defaults', () => {
  expect(readEnvironment({}, '/shop')).toEqual({
    natsUrl: 'nats://127.0.0.1:4222',
    natsPort: 4222,
    httpPort: 8080,
    httpHost: '127.0.0.1',
    dataDir: '/shop/.lastunit',
    logLevel: 'info',
    credentialsFile: undefined,
    monitoringUrls: undefined,
  });
});

test('commands look for the embedded server where it was told to listen', () => {
  expect(readEnvironment({ LASTUNIT_NATS_PORT: '4333' }, '/').natsUrl).toBe(
    'nats://127.0.0.1:4333',
  );
});

test('an empty variable counts as unset', () => {
  expect(readEnvironment({ LASTUNIT_HTTP_PORT: '', LASTUNIT_NATS_URL: '' }, '/').httpPort).toBe(
    8080,
  );
});

test('every problem is told at the same time', () => {
  const variables = {
    LASTUNIT_NATS_PORT: '70000',
    LASTUNIT_HTTP_PORT: 'eighty',
    LASTUNIT_LOG_LEVEL: 'loud',
  };
  try {
    readEnvironment(variables, '/');
    expect.unreachable();
  } catch (error) {
    expect((error as CliError).status).toBe(2);
    expect((error as CliError).lines).toHaveLength(3);
  }
});

test.each([
  ['refused', refusedError('unknown_sku', 'X: never seen'), 1],
  ['wrong usage', usageError('what?'), 2],
  ['NATS away', new PortError('disconnected', 'connection refused'), 3],
  ['no leader', new PortError('timeout', 'no reply'), 3],
  ['not let in', new PortError('misconfigured', 'authorization violation'), 1],
  ['no server', new EmbeddedServerError('server_missing', 'No nats-server was found.'), 1],
  ['our own bug', new TypeError('undefined is not a function'), 1],
])('%s ends with its status and says why', (_what, error, status) => {
  const ending = endingOf(error);
  expect(ending.status).toBe(status);
  expect(ending.text).toContain(error.message);
});
