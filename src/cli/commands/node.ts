/** `lastunit node`: one node on a NATS that is there already. Start as many as you like. */

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Context } from '../context.ts';
import { erpSources } from '../erp-sources.ts';
import { createLifetime, type Lifetime } from '../lifetime.ts';
import { createLog, type Pino } from '../log.ts';
import { listen, runNode } from '../run-node.ts';

export function registerNode(program: Command, context: () => Context): void {
  program
    .command('node')
    .summary('one node on a NATS of yours')
    .description(
      'Runs one node on an existing NATS (LASTUNIT_NATS_URL). Start as many as you like.',
    )
    .addOption(
      new Option(
        '--name <name>',
        'unique among the living nodes (default: made of the host name)',
      ).argParser(nodeName),
    )
    .action((options: { name?: string }) => serve(context(), options.name));
}

async function serve(context: Context, name: string | undefined): Promise<void> {
  const { environment, output } = context;
  const log = createLog(environment.logLevel, output.isTerminal);
  const lifetime = createLifetime((why) => log.info({ why }, 'stopping: handing over'));
  // Not waited for: a start that is interrupted may wait for what will never come.
  start(context, name, log, lifetime).catch((error: unknown) => lifetime.end(error));
  await lifetime.ended;
  log.info('stopped');
}

async function start(
  context: Context,
  given: string | undefined,
  log: Pino,
  lifetime: Lifetime,
): Promise<void> {
  const erp = erpSources(context);
  const http = await listen(context, log, lifetime);
  const { natsUrl, dataDir } = context.environment;
  const name = given ?? defaultName();
  // A name that is made up is another one next time: its files would only pile up.
  const folder = given === undefined ? undefined : dataDir;
  await runNode({ context, log, lifetime, http, natsUrl, name, erp, folder });
}

/** A part of a subject: no dots, no blanks. */
export function nodeName(text: string): string {
  if (!/^[a-z0-9-]{1,32}$/.test(text)) {
    throw new InvalidArgumentError('Use 1 to 32 of a-z, 0-9 and "-".');
  }
  return text;
}

function defaultName(): string {
  const host = hostname()
    .split('.')[0]
    ?.toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, 24);
  return `${host || 'node'}-${randomBytes(3).toString('hex')}`;
}
